"""What is known of a graph while it becomes a plan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ....qtensor import QuantizedTensor
from ...graph import Graph, Node, Shape
from ...graph.shapes import shapes_of
from ..plan import BYTES, Kind, Scale, Step, Value
from .expression import Expression, Source, of_codes
from .names import Names

# What puts elements elsewhere, or chooses among them: quantizers pass it.
MOVING = ("reshape", "transpose", "getitem", "broadcast_to", "max_pool2d")


@dataclass(frozen=True, eq=False)
class Sums:
    """Integer sums that the graph has, of a product or of windows.

    Attributes:
        make: adds the step that computes them, and returns the value.
        source: of expressions.
        scale: what the packed model makes of them.
    """

    make: Callable[[], Value]
    source: Source
    scale: Scale


class Context:
    """The steps so far, and what each value of the graph is; names are those of the graph.

    Attributes:
        graph: without fused nodes.
        shapes: of a sample.
        nodes: by what they make.
        pixels: float32 ``[256]`` or ``[256, channels]``, what the numbers of a uint8 input are;
            None of a float32 input.
        input: the value that the plan takes.
        given: its name in the graph.
        steps: so far.
        coded: values of codes, or of pixels that stand for codes.
        expressions: float values that are functions of integers, which nothing has asked for yet.
        integers: sums that can be made.
        sums: those that were.
        floating: values of floats.
        causes: what made something float: ``(layer, reason)``.
    """

    def __init__(self, graph: Graph, pixels: NDArray[np.float32] | None) -> None:
        self.graph, self.pixels = graph, pixels
        self.shapes: dict[str, Shape] = {
            name: shape[1:] for name, shape in shapes_of(graph, 1).items()
        }
        self.nodes = {node.output: node for node in graph.nodes}
        self.readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
        (given,) = graph.inputs
        kind: Literal["floats", "pixels"] = "floats" if pixels is None else "pixels"
        self.given = given.name
        self.input = Value("input", kind, given.shape, nbytes=BYTES[kind])
        self.steps: list[Step] = []
        self.coded: dict[str, Value] = {}
        self.expressions: dict[str, Expression] = {}
        self.integers: dict[str, Sums] = {}
        self.sums: dict[str, Value] = {}
        self.floating: dict[str, Value] = {}
        self.quantized: dict[tuple[bytes, str], Value] = {}
        self.causes: dict[str, str] = {}
        self._names = Names()
        if pixels is None:
            self.floating[self.given] = self.input

    def value(
        self, kind: Kind, name: str, shape: Shape, coding: QuantizedTensor | None = None
    ) -> Value:
        """Return a new value, called after one of the graph."""
        return Value(self._names.value(name), kind, shape, coding, nbytes=BYTES[kind])

    def add(
        self, kind: Any, node: Node, sources: tuple[Value, ...], target: Value, **more: Any
    ) -> None:
        """Add a step that stands for a node."""
        identifier = self._names.step(node.scope or node.op)
        self.steps.append(kind(node.scope, node.layer, sources, target, identifier, **more))

    def expression(self, name: str) -> Expression | None:
        """Return what a value is as a function of integers, None if it is no such."""
        coded = self.coded.get(name)
        if coded is not None and coded.coding is not None and self.shapes[name]:
            return of_codes(name, coded.coding, self.shapes[name])
        return self.expressions.get(name)

    def sums_of(self, name: str) -> Value:
        """Return sums in memory; they are computed once."""
        if name not in self.sums:
            self.sums[name] = self.integers[name].make()
        return self.sums[name]

    def wanted(self, name: str) -> int:
        """Return how many quantizers, outputs and floats ask for what a value becomes."""
        total = self.graph.outputs.count(name)
        for node in self.readers.get(name, ()):
            passes = node.op in (*MOVING, "concatenate") or node.output in self.expressions
            total += self.wanted(node.output) if passes else 1
        return total

    def is_float(self, node: Node, why: str) -> None:
        """Note why something is float."""
        self.causes.setdefault(node.scope or node.op, why)
