"""The operations that a packed graph may hold: pure functions of arrays and plain attributes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import ops  # noqa: F401 (it fills the table)
from ...autodiff import OPS
from ...errors import ShapeError
from ...gemm import Window
from ...ops.windows import MOST
from .attributes import Batch
from .graph import Node

Array = NDArray[Any]
Shape = tuple[int, ...]
Valid = Callable[[Any], bool]

# Operations that make no new values: they move those of their first input, or choose among them.
MOVING = ("broadcast_to", "getitem", "max_pool2d", "reshape", "transpose")

# Products of integers with thresholds on their sums, and what they are without.
ON_SUMS = {"requantize": "linear", "requantize_conv2d": "conv2d"}

# Operations that make codes.
QUANTIZING = ("quantize", *ON_SUMS)


@dataclass(frozen=True, eq=False)
class Operation:
    """One kind of node.

    Attributes:
        arity: how many inputs it may have.
        shape: ``shape(*shapes, **attributes) -> shape`` or ShapeError.
        forward: ``forward(*arrays, **attributes) -> array``; None where codes come into it.
        attributes: for each attribute, what its value must be.
        tables: names of its tables.
    """

    arity: range
    shape: Callable[..., Shape]
    forward: Callable[..., Array] | None
    attributes: Mapping[str, Valid] = field(default_factory=dict)
    tables: tuple[str, ...] = ()


def normalize(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    """Return ``(x - mean) * factor + bias`` per channel of axis 1: batch norm with its root taken.

    Example:
        >>> one = np.ones(1, np.float32)
        >>> normalize(np.float32([[3.0]]), one, one, one)
        array([[3.]], dtype=float32)
    """
    channels = (-1,) + (1,) * (x.ndim - 2)
    y: Array = (x - mean.reshape(channels)) * factor.reshape(channels)
    y += bias.reshape(channels)
    return y


def normalize_channels(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    """Return `normalize` along the last axis, of images for example.

    Example:
        >>> one = np.ones(1, np.float32)
        >>> normalize_channels(np.float32([[[3.0]]]), one, one, one)
        array([[[3.]]], dtype=float32)
    """
    y: Array = (x - mean) * factor
    y += bias
    return y


def _normalized_channels(x: Shape, *channels: Shape) -> Shape:
    if len(x) < 2 or any(c != x[-1:] for c in channels):
        raise ShapeError(f"normalize_channels: input {x} and channels of shapes {channels}")
    return x


def _normalized(x: Shape, *channels: Shape) -> Shape:
    if len(x) < 2 or any(c != x[1:2] for c in channels):
        raise ShapeError(f"normalize: input of shape {x} and channels of shapes {channels}")
    return x


def _clipped(x: Shape, *, low: float, high: float) -> Shape:
    if low > high:
        raise ShapeError(f"clip: low {low} is above high {high}")
    return x


def _whole(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    # Python's whole numbers have no end; a float has.
    return type(value) in (int, float) and (abs(value) < 2**63 or value in (math.inf, -math.inf))


def _lengths(value: Any) -> bool:
    return isinstance(value, tuple) and all(_whole(n) or isinstance(n, Batch) for n in value)


def _axes(value: Any) -> bool:
    return (
        value is None
        or _whole(value)
        or (isinstance(value, tuple) and all(_whole(axis) for axis in value))
    )


def _order(value: Any) -> bool:
    return not _whole(value) and _axes(value)


def _part(value: Any) -> bool:
    if isinstance(value, slice):
        ends = (value.start, value.stop, value.step)
        return all(end is None or _whole(end) or isinstance(end, Batch) for end in ends)
    known = isinstance(value, Batch | EllipsisType | np.ndarray)
    return value is None or _whole(value) or known


def _index(value: Any) -> bool:
    return all(_part(part) for part in value) if isinstance(value, tuple) else _part(value)


def _indexed(shape: Shape, *, index: Any) -> Shape:
    """The rule of `getitem`, which for lists of indices makes the result to know its shape."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(part, np.ndarray) for part in parts):
        return OPS["getitem"].shape(shape, index=index)
    # Beside lists, numbers are lists of one. Without both it is a view, which costs nothing.
    listed = [isinstance(part, np.ndarray | int) for part in parts]
    plain = tuple(
        slice(None) if is_list else part for part, is_list in zip(parts, listed, strict=True)
    )
    seen = OPS["getitem"].shape(shape, index=plain)
    # The axis of the view that each part stands for; an ellipsis stands for what is left.
    axes, axis = [], 0
    for part in parts:
        axes.append(axis)
        axis += 1 if part is not ... else len(seen) - len(parts) + 1
    places = [place for place, is_list in enumerate(listed) if is_list]
    for place in places:
        _check_indices(np.asarray(parts[place]), seen[axes[place]], shape)
    try:
        together = np.broadcast_shapes(*(np.shape(parts[place]) for place in places))
    except ValueError as error:
        raise ShapeError(f"getitem: lists of indices do not fit each other: {error}") from error
    gone = {axes[place] for place in places}
    # Lists beside each other stand where the first one is, others in front of all.
    beside = places[-1] - places[0] == len(places) - 1
    before = axes[places[0]] if beside else 0
    kept = [(axis, n) for axis, n in enumerate(seen) if axis not in gone]
    return (
        *(n for axis, n in kept if axis < before),
        *together,
        *(n for axis, n in kept if axis >= before),
    )


def _check_indices(indices: Array, length: int, shape: Shape) -> None:
    if indices.size and not -length <= indices.min() <= indices.max() < length:
        raise ShapeError(
            f"getitem: indices from {indices.min()} to {indices.max()} do not fit an axis of "
            f"length {length} of shape {shape}"
        )


def _pair(least: int) -> Valid:
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == 2
        and all(_whole(n) and least <= n < MOST for n in value)
    )


def _of(name: str, *arity: int, **attributes: Valid) -> Operation:
    declared = OPS[name]
    return Operation(range(arity[0], arity[-1] + 1), declared.shape, declared.forward, attributes)


_UNARY = ["absolute", "cos", "exp", "log", "negative", "relu", "sigmoid", "sin", "sqrt", "tanh"]
_BINARY = ["add", "divide", "multiply", "power", "subtract", "matmul"]
_REDUCING = ["max", "mean", "min", "sum", "variance"]
_WINDOW = {"stride": _pair(1), "padding": _pair(0), "dilation": _pair(1)}
_POOL = {"kernel": _pair(1), "stride": _pair(1), "padding": _pair(0)}
_FRAME = {"bits": _whole, "axis": lambda value: value is None or _whole(value)}

OPERATIONS: dict[str, Operation] = {
    **{name: _of(name, 1) for name in _UNARY},
    **{name: _of(name, 2) for name in _BINARY},
    **{
        name: _of(name, 1, axis=_axes, keepdims=lambda value: isinstance(value, bool))
        for name in _REDUCING
    },
    "avg_pool2d": _of("avg_pool2d", 1, **_POOL),
    "batch_norm": _of("batch_norm", 5, eps=_number),
    "broadcast_to": _of("broadcast_to", 1, shape=_lengths),
    "clip": replace(_of("clip", 1, low=_number, high=_number), shape=_clipped),
    "conv2d": _of("conv2d", 2, 3, **_WINDOW, groups=_whole),
    "concatenate": _of("concatenate", 1, 10_000, axis=_whole),
    "getitem": Operation(range(1, 2), _indexed, OPS["getitem"].forward, {"index": _index}),
    "linear": _of("linear", 2, 3),
    "log_softmax": _of("log_softmax", 1, axis=_whole),
    "max_pool2d": _of("max_pool2d", 1, **_POOL),
    "normalize_channels": Operation(range(4, 5), _normalized_channels, normalize_channels),
    "normalize": Operation(range(4, 5), _normalized, normalize),
    "quantize": Operation(
        range(1, 2),
        lambda x, **_: x,
        None,
        _FRAME,
        ("thresholds", "levels", "scale", "shift"),
    ),
    "requantize": Operation(
        range(2, 3),
        lambda x, w, **_: OPS["linear"].shape(x, w),
        None,
        _FRAME,
        ("thresholds", "flip", "levels", "scale", "shift"),
    ),
    "requantize_conv2d": Operation(
        range(2, 3),
        lambda x, w, *, bits, axis, **window: OPS["conv2d"].shape(x, w, **window, groups=1),
        None,
        _FRAME | _WINDOW,
        ("thresholds", "flip", "levels", "scale", "shift"),
    ),
    "reshape": _of("reshape", 1, shape=_lengths),
    "softmax": _of("softmax", 1, axis=_whole),
    "transpose": _of("transpose", 1, axes=_order),
}


def geometry(node: Node) -> dict[str, Any]:
    """Return the attributes of a product's own, of which `linear` has none."""
    names = ("stride", "padding", "dilation", "groups")
    own = {name: node.attributes[name] for name in names if name in node.attributes}
    return {"groups": 1} | own if own else {}


def window_of(node: Node, weight: Shape) -> Window:
    """Return the window of a convolution."""
    pairs = (node.attributes[name] for name in ("stride", "padding", "dilation"))
    return Window((weight[1], weight[2]), *pairs)
