"""Operations that move elements: of codes where there are codes, else of numbers."""

from typing import Any

import numpy as np

from ...errors import GraphError
from ..graph import Node
from ..graph.attributes import Batch
from .emission import Emission, Kind, Layout

# Where an axis of images lies once the channels are first.
FIRST_AXIS = (0, 2, 3, 1)


def kind_of(e: Emission, node: Node) -> Kind:
    """Return what an operation moves: codes if they mean the same after it."""
    x = node.inputs[0]
    return "codes" if e.has_codes(x) and e.codings[x].per_tensor else "values"


def source(e: Emission, node: Node, layout: Layout = "last") -> str:
    """Return the name of what an operation moves."""
    x = node.inputs[0]
    return e.codes(x, layout) if kind_of(e, node) == "codes" else e.values(x, layout)


def reshape(e: Emission, node: Node) -> None:
    """Write a reshape."""
    kind, x = kind_of(e, node), source(e, node)
    shape = e.lengths(node.attributes["shape"], node.output)
    e.put(node.output, e.document.add("Reshape", [x, shape], node.output), kind=kind)


def transpose(e: Emission, node: Node) -> None:
    """Write a transposition."""
    kind, x = kind_of(e, node), source(e, node)
    rank, axes = e.rank(node.output), node.attributes["axes"]
    perm = tuple(reversed(range(rank))) if axes is None else tuple(axis % rank for axis in axes)
    e.put(node.output, e.document.add("Transpose", [x], node.output, perm=perm), kind=kind)


def broadcast_to(e: Emission, node: Node) -> None:
    """Write a broadcast."""
    kind, x = kind_of(e, node), source(e, node)
    shape = e.exact_lengths(node.attributes["shape"], node.output)
    e.put(node.output, e.document.add("Expand", [x, shape], node.output), kind=kind)


def concatenate(e: Emission, node: Node) -> None:
    """Write a concatenation of numbers."""
    rank = e.rank(node.output)
    layout = e.common(node.inputs, rank)
    axis = node.attributes["axis"] % rank
    axis = FIRST_AXIS[axis] if layout == "first" else axis
    # A constant is as long as it is, its other axes too: it does not broadcast.
    names = [e.values(name, layout) for name in node.inputs]
    e.put(node.output, e.document.add("Concat", names, node.output, axis=axis), layout)


def pad2d(e: Emission, node: Node) -> None:
    """Write images with a margin."""
    given = node.attributes
    widths = np.array([0, *given["before"], 0, 0, *given["after"], 0], np.int64)
    names = [
        e.values(node.inputs[0], "last"),
        e.document.constant(widths, f"{node.output}_widths"),
        e.document.constant(np.float32(given["value"]), f"{node.output}_value"),
    ]
    e.put(node.output, e.document.add("Pad", names, node.output))


def getitem(e: Emission, node: Node) -> None:
    """Write an index of numbers, slices, new axes and at most one list of numbers.

    Raises:
        GraphError: for several lists, or slices that follow the batch.
    """
    kind, y = kind_of(e, node), source(e, node)
    index = node.attributes["index"]
    parts = list(index) if isinstance(index, tuple) else [index]
    lists = [part for part in parts if isinstance(part, np.ndarray)]
    numbers = any(type(part) is int for part in parts)
    if len(lists) > 1 or (lists and (numbers or lists[0].ndim != 1)) or _grows(parts):
        raise GraphError(f"export_onnx: {node}: an index {index!r} has no form in ONNX")
    parts = _without_ellipsis(parts, e.rank(node.inputs[0]))
    add, constant = e.document.add, e.document.constant
    axis = 0
    for part in parts:
        if part is None:
            where = constant(np.array([axis], np.int64), "axis")
            y = add("Unsqueeze", [y, where], node.output)
        elif isinstance(part, slice):
            y = _sliced(e, node, y, part, axis)
        else:
            places = constant(np.asarray(part, np.int64), f"{node.output}_index")
            y = add("Gather", [y, places], node.output, axis=axis)
        axis += 0 if type(part) is int else 1
    e.put(node.output, y, kind=kind)


def _sliced(e: Emission, node: Node, x: str, part: slice, axis: int) -> str:
    step = 1 if part.step is None else part.step
    far = np.iinfo(np.int64).max
    start = part.start if part.start is not None else (0 if step > 0 else far)
    stop = part.stop if part.stop is not None else (far if step > 0 else -far)
    if part == slice(None):
        return x
    ends = [
        e.document.constant(np.array([n], np.int64), f"{node.output}_{what}")
        for n, what in ((start, "start"), (stop, "stop"), (axis, "axis"), (step, "step"))
    ]
    return e.document.add("Slice", [x, *ends], node.output)


def _without_ellipsis(parts: list[Any], rank: int) -> list[Any]:
    places = [n for n, part in enumerate(parts) if part is ...]
    if not places:
        return parts
    (at,) = places
    left = rank - sum(part is not None and part is not ... for part in parts)
    return [*parts[:at], *[slice(None)] * left, *parts[at + 1 :]]


def _grows(parts: list[Any]) -> bool:
    ends = [p for part in parts if isinstance(part, slice) for p in (part.start, part.stop)]
    return any(isinstance(part, Batch) for part in (*parts, *ends))
