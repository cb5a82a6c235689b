"""Operations that only move elements, as tables of where each comes from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Node
from ..graph.attributes import resolved
from ..graph.operations import OPERATIONS
from .context import Context

Array = NDArray[Any]


def moved(net: Context, node: Node) -> None:
    """Add an operation that moves the elements of its inputs, of codes as codes."""
    as_codes = node.output in net.codings
    sources = [name if as_codes else net.floats(name) for name in node.inputs]
    attributes = {name: resolved(value, 1) for name, value in node.attributes.items()}
    forward = OPERATIONS[node.op].forward
    assert forward is not None
    table, length = places(lambda *arrays: forward(*arrays, **attributes), net, node.inputs)
    unmoved = np.array_equal(table, np.arange(length))
    net.add("gather", node.output, *sources, table=None if unmoved else net.blob.integers(table))


def padded(net: Context, node: Node) -> None:
    """Add a margin of one number."""
    attributes = {**node.attributes, "value": -1.0}
    forward = OPERATIONS[node.op].forward
    assert forward is not None
    table, _ = places(lambda x: forward(x, **attributes), net, node.inputs)
    fill = float(np.float32(node.attributes["value"]))
    source = net.floats(node.inputs[0])
    net.add("gather", node.output, source, table=net.blob.integers(table), fill=fill)


def stretched(net: Context, node: Node, name: str) -> str:
    """Return a value as an operand of a node: broadcast as far as counting around does not do."""
    shape, wanted = net.shapes[name], net.shapes[node.output]
    source = net.floats(name)
    last = tuple(n for n in shape if n != 1)
    if np.prod(shape) == np.prod(wanted):
        return source
    if wanted[len(wanted) - len(last) :] == last and _trails(shape, len(last)):
        return source
    table, _ = places(lambda x: np.broadcast_to(x, wanted), net, [name])
    to = f"{name} for {node.output}"
    net.add("gather", to, source, table=net.blob.integers(table))
    return to


def _trails(shape: Sequence[int], count: int) -> bool:
    """Whether all axes longer than 1 are the last `count`."""
    return all(n == 1 for n in shape[: len(shape) - count])


def extreme(net: Context, node: Node) -> None:
    """Add the greatest or least over axes, which are moved to the end first."""
    (name,) = node.inputs
    shape = net.shapes[name]
    axis = node.attributes["axis"]
    given = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted(a % len(shape) for a in given)
    left = [a for a in range(len(shape)) if a not in axes]
    table, length = places(lambda x: x.transpose([*left, *axes]), net, [name])
    source = net.floats(name)
    if not np.array_equal(table, np.arange(length)):
        to = f"{name} for {node.output}"
        net.add("gather", to, source, table=net.blob.integers(table))
        source = to
    count = int(np.prod([shape[a] for a in axes]))
    net.add("extreme", node.output, source, count=count, greatest=node.op == "max")


def places(
    move: Callable[..., Array], net: Context, names: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """Return for each element of a result its place in all inputs in a row, and their length."""
    arrays, start = [], 0
    for name in names:
        shape = net.shapes[name]
        size = int(np.prod(shape))
        # As float64, which a fill value is too.
        arrays.append(np.arange(start, start + size, dtype=np.float64).reshape(shape))
        start += size
    return np.asarray(move(*arrays)).astype(np.int64).reshape(-1), start
