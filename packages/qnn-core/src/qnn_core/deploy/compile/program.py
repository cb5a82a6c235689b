"""A packed graph ready to run: segments on the engine where they fit, NumPy for what is between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm import (
    Convolution,
    GemmOperand,
    Prepacked,
    cpu,
    operand_of,
    prepack,
    prepacked_convolution,
)
from ...gemm.gemm import multiply
from ...qtensor import QuantizedTensor
from ..graph import Graph, Node
from ..graph.interpret import Run, run_node, started
from ..graph.operations import ON_SUMS, OPERATIONS, QUANTIZING, window_of
from ..graph.shapes import shapes_of
from .builder import Builder, weight_of
from .segment import Segment, rows_of
from .sum_lines import is_curved

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Product:
    """A product that is no part of a segment, with weights that are ready.

    Its elements are codes whose levels are no integers, or it is a convolution of several groups.
    """

    node: Node
    prepacked: Prepacked | Convolution
    operand: GemmOperand


@dataclass(frozen=True, eq=False)
class Groups:
    """A convolution of several groups with thresholds on its sums: a segment for each group."""

    node: Node
    parts: tuple[Segment, ...]

    def __call__(self, x: Array) -> Array:
        """Return the codes of images of codes."""
        channels = x.shape[-1] // len(self.parts)
        own = (x[..., g * channels : (g + 1) * channels] for g in range(len(self.parts)))
        return np.concatenate([part(x) for part, x in zip(self.parts, own, strict=True)], axis=-1)


Stage = Segment | Product | Groups | Node


class Program:
    """The stages of a graph, made for the kernel path that is active.

    Args:
        graph: fused or plain, and sound.

    Attributes:
        path: name of the kernel path.
        stages: segments of the engine, and what NumPy does between them.
        checks_inputs: whether inputs that are not finite are refused on the way.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.path = cpu.active()
        self.stages = _Stages(_quickest(graph)).made
        encoded = {s.source for s in self.stages if isinstance(s, Segment) and s.encodes}
        self.checks_inputs = all(given.name in encoded for given in graph.inputs)
        first = self.stages[0] if len(self.stages) == 1 else None
        # Most models are one segment: nothing is looked up by name then.
        alone = isinstance(first, Segment) and first.coding is None
        single = len(graph.inputs) == 1 == len(graph.outputs)
        self._only = first if alone and single else None

    @property
    def kernels(self) -> dict[str, str]:
        """The kernel of each product, by the name of its output."""
        found: dict[str, str] = {}
        for stage in self.stages:
            if isinstance(stage, Segment):
                found.update(stage.kernels)
            elif isinstance(stage, Product):
                found[stage.node.output] = stage.prepacked.kind
            elif isinstance(stage, Groups):
                found.update(stage.parts[0].kernels)
        return found

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the outputs for float32 inputs.

        Raises:
            NonFiniteError: if a value that is to be quantized is NaN or infinite.
        """
        if isinstance(self._only, Segment):
            return [self._only(inputs[0])]
        run = self.run(inputs)
        # An output may be a view of an input, or a constant.
        return [np.array(run.values[name]) for name in self.graph.outputs]

    def run(self, inputs: Sequence[Array]) -> Run:
        """Return what the stages make, by name, for float32 inputs."""
        run = started(self.graph, inputs)
        batch = len(inputs[0]) if inputs else 1
        for stage in self.stages:
            if isinstance(stage, Segment):
                _run_segment(run, stage)
            elif isinstance(stage, Product):
                _run_product(run, stage)
            elif isinstance(stage, Groups):
                codes = stage(run.quantized[stage.node.inputs[0]].codes)
                run.quantized[stage.node.output] = stage.node.coding(codes)
            else:
                run_node(run, stage, batch)
        return run


def _quickest(graph: Graph) -> Graph:
    """Return the graph with the chains of those fused nodes that take longer than they do."""
    nodes = graph.nodes
    parts = (n.chain if n.chain and n.op in ON_SUMS and is_curved(n) else (n,) for n in nodes)
    return replace(graph, nodes=tuple(chain.from_iterable(parts)))


class _Stages:
    """Cuts a graph into stages."""

    def __init__(self, graph: Graph) -> None:
        self.constants = graph.constants
        self.shapes, self.others = shapes_of(graph, 1), shapes_of(graph, 2)
        uses = graph.uses()
        # The node that goes on from a value, if there is just one.
        self.next = {name: node for node in graph.nodes for name in node.inputs if uses[name] == 1}
        self.codes: dict[str, QuantizedTensor] = {}
        self.made: list[Stage] = []
        taken: set[int] = set()
        for node in graph.nodes:
            if id(node) not in taken:
                self.made.append(self._stage(node, taken))

    def _stage(self, node: Node, taken: set[int]) -> Stage:
        """Return the longest segment that begins with a node, or the node alone."""
        sources = [name for name in node.inputs if name not in self.constants]
        shape = self.shapes[sources[0]] if sources else ()
        # Columns that follow the batch are not the engine's.
        fixed = len(sources) == 1 and shape[1:] == self.others[sources[0]][1:]
        if len(shape) < 2 or not fixed:
            return self._alone(node)
        builder = Builder(sources[0], shape, self.codes.get(sources[0]), self.constants)
        at: Node | None = node
        while at is not None and builder.add(at):
            taken.add(id(at))
            at = self.next.get(at.output)
        if not builder.nodes:
            return self._alone(node)
        segment = builder.build()
        if segment.coding is not None:
            self.codes[segment.output] = segment.coding
        return segment

    def _alone(self, node: Node) -> Stage:
        if node.op in QUANTIZING:
            self.codes[node.output] = node.coding()
        first = self.codes.get(node.inputs[0])
        if node.op == "requantize_conv2d" and node.attributes["groups"] > 1:
            return self._groups(node, first)
        if OPERATIONS[node.op].moves and first is not None and first.per_tensor:
            self.codes[node.output] = first
        plain = OPERATIONS[node.op].weighted and node.op not in QUANTIZING
        given = weight_of(node, self.constants) if plain else None
        if given is None:
            return node
        (w, w_operand), bias = given
        operand = operand_of(first, None)
        if node.op == "linear":
            return Product(node, prepack(w, bias, operand, w_operand), operand)
        how = {"window": window_of(node, w.shape), "groups": node.attributes["groups"]}
        return Product(node, prepacked_convolution(w, bias, operand, w_operand, **how), operand)

    def _groups(self, node: Node, codes: QuantizedTensor | None) -> Stage:
        """Return a segment for each group of a convolution whose sums become codes."""
        source, name = node.inputs
        weight, groups = self.constants.get(name), node.attributes["groups"]
        if not isinstance(weight, QuantizedTensor):
            return node
        *image, channels = self.shapes[source]
        parts, each = [], len(weight.codes) // groups
        for g in range(groups):
            mine = slice(g * each, (g + 1) * each)
            some = {name: rows_of_weight(weight, mine)}
            builder = Builder(source, (*image, channels // groups), codes, some)
            if not builder.add(one_group(node, mine)):
                return node
            parts.append(builder.build())
        return Groups(node, tuple(parts))


def one_group(node: Node, mine: slice) -> Node:
    """Return a node with thresholds as it is for some of its channels, in one group."""
    tables = {name: node.tables[name][..., mine] for name in ("thresholds", "flip")}
    return replace(
        node, attributes={**node.attributes, "groups": 1}, tables={**node.tables, **tables}
    )


def rows_of_weight(weight: QuantizedTensor, mine: slice) -> QuantizedTensor:
    """Return some output channels of a weight whose scales, if it has several, are theirs."""
    scale, shift = (q[mine] if q.ndim else q for q in (weight.scale, weight.shift))
    return weight._replace(codes=weight.codes[mine], scale=scale, shift=shift)


def _run_segment(run: Run, segment: Segment) -> None:
    if segment.takes_codes:
        y = segment(run.quantized[segment.source].codes)
    else:
        y = segment(run.values[segment.source])
    if segment.coding is None:
        run.values[segment.output] = y
    else:
        run.quantized[segment.output] = segment.coding._replace(codes=y)


def _run_product(run: Run, stage: Product) -> None:
    name = stage.node.inputs[0]
    x = run.values[name] if stage.operand.levels is None else run.quantized[name].codes
    if isinstance(stage.prepacked, Convolution):
        run.values[stage.node.output] = stage.prepacked(x)
        return
    y = multiply(rows_of(x, stage.prepacked.k, str(stage.node)), stage.prepacked, stage.operand)
    run.values[stage.node.output] = y.reshape(*x.shape[:-1], stage.prepacked.n)
