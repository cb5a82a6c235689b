"""A graph run in NumPy, one operation after the other: the meaning of a packed model."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coded import Quantized, units, values_of
from ..errors import NonFiniteError
from ..products import Factor, operand, product, reference
from .attributes import resolved
from .graph import Graph, Node
from .operations import MOVING, OPERATIONS

Array = NDArray[Any]
Product = Callable[[Array, Array, Array | None, Factor, Factor], Array]


@dataclass(frozen=True, eq=False)
class Run:
    """All values of one run, by name.

    Attributes:
        values: float32 arrays.
        quantized: the codes of those that have any, with what they mean.
        sums: int64, the integer sums behind each `requantize`.
    """

    values: dict[str, Array] = field(default_factory=dict)
    quantized: dict[str, Quantized] = field(default_factory=dict)
    sums: dict[str, Array] = field(default_factory=dict)


def interpret(graph: Graph, inputs: Sequence[Array], *, product: Product = product) -> Run:
    """Run a graph and return every value.

    Args:
        graph: plain or fused.
        inputs: float32 arrays with their batch axis, all with the same number of samples.
        product: computes `linear`; ``products.reference.product`` is the slow oracle.

    Raises:
        NonFiniteError: if a value that is to be quantized is NaN or infinite.
        ShapeError: if an operation cannot take the shapes.
    """
    run = started(graph, inputs)
    batch = len(inputs[0]) if inputs else 1
    for node in graph.nodes:
        run_node(run, node, batch, product)
    return run


def started(graph: Graph, inputs: Sequence[Array]) -> Run:
    """Return a run that holds the constants and the inputs."""
    run = Run()
    for name, constant in graph.constants.items():
        if isinstance(constant, Quantized):
            keep(run, name, constant)
        else:
            run.values[name] = constant
    for declared, array in zip(graph.inputs, inputs, strict=True):
        run.values[declared.name] = array
    return run


def run_node(run: Run, node: Node, batch: int, product: Product = product) -> None:
    """Run one operation on values that `run` holds, and keep what it makes."""
    arrays = [run.values[name] for name in node.inputs]
    if node.op == "linear":
        run.values[node.output] = _linear(run, node, product)
    elif node.op == "quantize":
        keep(run, node.output, node.coding(encoded(arrays[0], node)))
    elif node.op == "requantize":
        run.sums[node.output] = _sums(run, node)
        keep(run, node.output, node.coding(requantized(run.sums[node.output], node)))
    else:
        attributes = {name: resolved(value, batch) for name, value in node.attributes.items()}
        OPERATIONS[node.op].shape(*(a.shape for a in arrays), **attributes)
        forward = OPERATIONS[node.op].forward
        assert forward is not None
        run.values[node.output] = np.asarray(forward(*arrays, **attributes))
        carried = run.quantized.get(node.inputs[0]) if node.op in MOVING else None
        moved = carried and carried.moved(lambda codes: forward(codes, **attributes))
        if moved:
            run.quantized[node.output] = moved


def encoded(x: Array, node: Node) -> NDArray[np.uint8]:
    """Return the code of each element: how many thresholds are not above ``(x - shift) / scale``.

    Raises:
        NonFiniteError: if `x` holds NaN or infinity.
    """
    if not np.all(np.isfinite(x)):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise NonFiniteError(f"{node}: cannot quantize {x[at]} at index {at}")
    u = units(x, node.tables["scale"], node.tables["shift"], node.attributes["axis"])
    return np.searchsorted(node.tables["thresholds"], u, side="right").astype(np.uint8)


def requantized(sums: Array, node: Node) -> NDArray[np.uint8]:
    """Return the code of each sum ``[..., n]``: how many of its channel's thresholds it reaches."""
    turned = sums ^ node.tables["flip"]
    codes = np.zeros(sums.shape, np.uint8)
    for thresholds in node.tables["thresholds"]:
        codes += thresholds <= turned
    return codes


def keep(run: Run, name: str, quantized: Quantized) -> None:
    """Keep codes, and the values that they mean."""
    run.quantized[name] = quantized
    run.values[name] = values_of(
        quantized.codes, quantized.levels, quantized.scale, quantized.shift, quantized.axis
    )


def _operands(run: Run, node: Node) -> tuple[Array, Array, Factor, Factor]:
    """Return rows and weights, as codes where they enter as codes, and what they are."""
    x_name, w_name = node.inputs[:2]
    sides = []
    for name, rows in ((x_name, None), (w_name, 0)):
        quantized = run.quantized.get(name)
        factor = operand(quantized, rows)
        coded = quantized is not None and factor.levels is not None
        sides.append((quantized.codes if quantized and coded else run.values[name], factor))
    (x, x_factor), (w, w_factor) = sides
    # Not -1: there may be no elements at all.
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), w, x_factor, w_factor


def _linear(run: Run, node: Node, product: Product) -> Array:
    x, w, x_factor, w_factor = _operands(run, node)
    bias = run.values[node.inputs[2]] if len(node.inputs) > 2 else None
    y = product(x, w, bias, x_factor, w_factor)
    return y.reshape(*run.values[node.inputs[0]].shape[:-1], w.shape[0])


def _sums(run: Run, node: Node) -> Array:
    x, w, x_factor, w_factor = _operands(run, node)
    sums: Array = reference.sums(x, w, x_factor, w_factor)
    return sums.reshape(*run.values[node.inputs[0]].shape[:-1], w.shape[0])
