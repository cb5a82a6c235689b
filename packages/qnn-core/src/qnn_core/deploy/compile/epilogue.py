"""Elementwise nodes as links of the engine: an operation with a constant for each column."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm.layouts import per_column
from ..graph import Constant, Node

Array = NDArray[Any]
Link = tuple[str, Array | None]

# How a node's constants, and whether its first input is the value at hand, give links.
Maker = Callable[[Node, list[Array], bool], list[Link]]


def links_of(
    node: Node, columns: int, axes: int, constants: Mapping[str, Constant]
) -> list[Link] | None:
    """Return a node as links, or None if it is not elementwise with a constant for each column.

    Args:
        node: takes the value at hand and constants.
        columns: of the value at hand.
        axes: of the value at hand.
        constants: of the graph.
    """
    variable = [name for name in node.inputs if name not in constants]
    given = [constants[name] for name in node.inputs if name in constants]
    # Channels of `normalize` lie on axis 1: they are columns of a table of rows only.
    if node.op not in _MAKERS or len(variable) != 1 or (node.op == "normalize" and axes != 2):
        return None
    operands = []
    for constant in given:
        if not isinstance(constant, np.ndarray) or not _fits(constant.shape, columns, axes):
            return None
        operands.append(constant.reshape(-1))
    links = _MAKERS[node.op](node, operands, node.inputs[0] == variable[0])
    return [
        (name, None if values is None else per_column(values, columns, np.float32))
        for name, values in links
    ]


def _fits(shape: tuple[int, ...], columns: int, axes: int) -> bool:
    last = shape[-1] if shape else 1
    return len(shape) <= axes and np.prod(shape, dtype=int) == last and last in (1, columns)


def _binary(name: str, reverse: str) -> Maker:
    return lambda _, operands, first: [(name if first else reverse, operands[0])]


def _unary(name: str) -> Maker:
    return lambda node, operands, first: [(name, None)]


def _constant(name: str, value: float) -> Maker:
    return lambda node, operands, first: [(name, np.array([value], np.float32))]


def _clip(node: Node, operands: list[Array], first: bool) -> list[Link]:
    low, high = (np.array([node.attributes[end]], np.float32) for end in ("low", "high"))
    return [("maximum", low), ("minimum", high)]


def _normalize(node: Node, operands: list[Array], first: bool) -> list[Link]:
    mean, factor, bias = operands
    return [("subtract", mean), ("multiply", factor), ("add", bias)]


_MAKERS: dict[str, Maker] = {
    "add": _binary("add", "add"),
    "clip": _clip,
    "divide": _binary("divide", "divide_into"),
    "multiply": _binary("multiply", "multiply"),
    "negative": _constant("multiply", -1),
    "normalize": _normalize,
    "normalize_channels": _normalize,
    "relu": _constant("maximum", 0),
    "sigmoid": _unary("sigmoid"),
    "subtract": _binary("subtract", "subtract_from"),
    "tanh": _unary("tanh"),
}
