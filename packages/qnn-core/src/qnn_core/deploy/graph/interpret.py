"""A graph run in NumPy, one operation after the other: the meaning of a packed model."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ... import gemm
from ...errors import NonFiniteError
from ...gemm import GemmOperand, Window, mean_operand, operand_of, reference
from ...qtensor import QuantizedTensor, units, values_of
from .attributes import resolved
from .graph import Graph, Node
from .operations import ON_SUMS, OPERATIONS, pool_of, window_of

Array = NDArray[Any]

# So many thresholds are searched, channel by channel; fewer are counted.
MANY = 32


@dataclass(frozen=True, eq=False)
class Run:
    """All values of one run, by name.

    Attributes:
        values: float32 arrays, those of codes too.
        quantized: the codes of those that have any, with what they mean.
        sums: int64, the integer sums behind each `requantize`.
    """

    values: "Values" = field(init=False)
    quantized: dict[str, QuantizedTensor] = field(default_factory=dict)
    sums: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", Values(self.quantized))

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a value."""
        found = self.quantized.get(name)
        return self.values[name].shape if found is None else found.codes.shape


class Values(dict[str, Array]):
    """Values by name; those of codes are made when somebody asks for them."""

    def __init__(self, quantized: dict[str, QuantizedTensor]) -> None:
        super().__init__()
        self._quantized = quantized

    def __missing__(self, name: str) -> Array:
        q = self._quantized[name]
        self[name] = values_of(q.codes, q.levels, q.scale, q.shift, q.axis)
        return self[name]


class Products(Protocol):
    """What computes products: the package `gemm`, or ``gemm.reference``, the oracle."""

    @property
    def product(self) -> Callable[..., Array]:
        """See `gemm.product`."""
        ...

    @property
    def mean_of_codes(self) -> Callable[..., Array]:
        """See `gemm.mean_of_codes`."""
        ...

    @property
    def convolve(self) -> Callable[..., Array]:
        """See `gemm.convolve`."""
        ...


def interpret(graph: Graph, inputs: Sequence[Array], *, by: Products = gemm) -> Run:
    """Run a graph and return every value.

    Args:
        graph: plain or fused.
        inputs: float32 arrays with their batch axis, all with the same number of samples.
        by: what computes `linear` and `conv2d`; ``gemm.reference`` is the slow oracle.

    Raises:
        NonFiniteError: if a value that is to be quantized is NaN or infinite.
        ShapeError: if an operation cannot take the shapes.
    """
    run = started(graph, inputs)
    batch = len(inputs[0]) if inputs else 1
    for node in graph.nodes:
        run_node(run, node, batch, by)
    return run


def started(graph: Graph, inputs: Sequence[Array]) -> Run:
    """Return a run that holds the constants and the inputs."""
    run = Run()
    for name, constant in graph.constants.items():
        if isinstance(constant, QuantizedTensor):
            run.quantized[name] = constant
        else:
            run.values[name] = constant
    for declared, array in zip(graph.inputs, inputs, strict=True):
        run.values[declared.name] = array
    return run


def run_node(run: Run, node: Node, batch: int, by: Products = gemm) -> None:
    """Run one operation on values that `run` holds, and keep what it makes."""
    if node.op == "linear":
        run.values[node.output] = _linear(run, node, by)
    elif node.op == "conv2d":
        run.values[node.output] = _conv2d(run, node, by)
    elif node.op == "integer_avg_pool2d":
        run.values[node.output] = by.mean_of_codes(*_codes_of_mean(run, node))
    elif node.op == "quantize":
        run.quantized[node.output] = node.coding(encoded(run.values[node.inputs[0]], node))
    elif node.op in ON_SUMS:
        run.sums[node.output] = _sums(run, node)
        run.quantized[node.output] = node.coding(requantized(run.sums[node.output], node))
    else:
        operation = OPERATIONS[node.op]
        carried = run.quantized.get(node.inputs[0]) if operation.moves else None
        attributes = {name: resolved(value, batch) for name, value in node.attributes.items()}
        operation.shape(*(run.shape(name) for name in node.inputs), **attributes)
        forward = operation.forward
        assert forward is not None
        moved = carried and carried.moved(lambda codes: forward(codes, **attributes))
        if moved:
            run.quantized[node.output] = moved
        else:
            arrays = [run.values[name] for name in node.inputs]
            run.values[node.output] = np.asarray(forward(*arrays, **attributes))


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
    thresholds = node.tables["thresholds"]
    codes = np.zeros(sums.shape, np.uint8)
    if len(thresholds) < MANY:
        for row in thresholds:
            codes += row <= turned
        return codes
    by_channel = np.ascontiguousarray(np.moveaxis(turned, -1, 0))
    for channel, column in enumerate(np.ascontiguousarray(thresholds.T)):
        codes[..., channel] = np.searchsorted(column, by_channel[channel], side="right")
    return codes


def _operands(run: Run, node: Node) -> tuple[Array, Array, GemmOperand, GemmOperand]:
    """Return rows and weights, as codes where they enter as codes, and what they are."""
    x_name, w_name = node.inputs[:2]
    sides = []
    for name, rows in ((x_name, None), (w_name, 0)):
        quantized = run.quantized.get(name)
        operand = operand_of(quantized, rows)
        coded = quantized is not None and operand.levels is not None
        sides.append((quantized.codes if quantized and coded else run.values[name], operand))
    (x, x_operand), (w, w_operand) = sides
    return x, w, x_operand, w_operand


def _bias(run: Run, node: Node) -> Array | None:
    return run.values[node.inputs[2]] if len(node.inputs) > 2 else None


def _rows(x: Array) -> Array:
    # Not -1: there may be no elements at all.
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _linear(run: Run, node: Node, by: Products) -> Array:
    x, w, x_operand, w_operand = _operands(run, node)
    y = by.product(_rows(x), w, _bias(run, node), x_operand, w_operand)
    return y.reshape(*x.shape[:-1], w.shape[0])


def _conv2d(run: Run, node: Node, by: Products) -> Array:
    x, w, x_operand, w_operand = _operands(run, node)
    groups = node.attributes["groups"]
    given = (x, w, _bias(run, node), x_operand, w_operand)
    return by.convolve(*given, window=window_of(node, w.shape), groups=groups)


def _codes_of_mean(run: Run, node: Node) -> tuple[Array, GemmOperand, Window]:
    quantized, window = run.quantized[node.inputs[0]], pool_of(node)
    operand = mean_operand(quantized, math.prod(window.kernel))
    assert operand is not None
    return quantized.codes, operand, window


def _sums(run: Run, node: Node) -> Array:
    """Return the integer sums, or floats, of what is compared with thresholds."""
    if node.op == "requantize_avg_pool2d":
        return reference.window_sums(*_codes_of_mean(run, node))
    x, w, x_operand, w_operand = _operands(run, node)
    if node.op == "requantize_conv2d":
        window = window_of(node, w.shape)
        groups = node.attributes["groups"]
        return reference.convolution_sums(x, w, x_operand, w_operand, window, groups=groups)
    sums: Array = reference.sums(_rows(x), w, x_operand, w_operand)
    return sums.reshape(*x.shape[:-1], w.shape[0])
