"""Shape rules that operations share: each gives the output's shape or raises a ShapeError."""

from collections.abc import Callable

from ..autodiff.rules import Broadcasting, Shape, broadcast, same
from ..errors import ShapeError

__all__ = ["Axes", "broadcast", "broadcasting", "kept", "normalized_axes", "reducing", "same"]

broadcasting = Broadcasting

Axes = int | tuple[int, ...] | None


def normalized_axes(name: str, axis: Axes, shape: Shape) -> tuple[int, ...]:
    """Return the axes as ascending non-negative numbers; None means all of them."""
    count = len(shape)
    if axis is None:
        return tuple(range(count))
    if isinstance(axis, int) and -count <= axis < count:
        return (axis % count,)
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -len(shape) <= a < len(shape):
            raise ShapeError(f"{name}: axis {a} is not in a tensor of shape {shape}")
    result = tuple(sorted(a % len(shape) for a in axes))
    if len(set(result)) != len(result):
        raise ShapeError(f"{name}: axis {axis} names one axis of shape {shape} twice")
    return result


def reducing(name: str, *, empty: bool) -> Callable[..., Shape]:
    """One input, reduced over ``axis``; `empty` says whether there may be nothing to reduce."""

    def rule(shape: Shape, *, axis: Axes = None, keepdims: bool = False) -> Shape:
        axes = normalized_axes(name, axis, shape)
        if not empty and any(shape[a] == 0 for a in axes):
            raise ShapeError(f"{name}: nothing to reduce along axis {axis} of shape {shape}")
        if keepdims:
            return tuple([1 if a in axes else n for a, n in enumerate(shape)])
        return tuple([n for a, n in enumerate(shape) if a not in axes])

    return rule


def kept(shape: Shape, axis: Axes) -> Shape:
    """Return `shape` with 1 at the reduced axes: what a result must have to broadcast back."""
    axes = normalized_axes("reduction", axis, shape)
    return tuple(1 if a in axes else n for a, n in enumerate(shape))
