"""Shape rules that operations share: each gives the output's shape or raises a ShapeError."""

from collections.abc import Callable
from typing import Any

from ..autodiff import Shape
from ..errors import ShapeError

Axes = int | tuple[int, ...] | None


def same(shape: Shape, **_: Any) -> Shape:
    """One input; the output has its shape."""
    return shape


def broadcasting(name: str) -> Callable[..., Shape]:
    """Two or more inputs, stretched against each other as NumPy does."""

    def rule(*shapes: Shape, **_: Any) -> Shape:
        return broadcast(name, *shapes)

    return rule


def broadcast(name: str, *shapes: Shape) -> Shape:
    """Return the common shape, or raise a ShapeError with the operation's name and all shapes."""
    result = shapes[0]
    for shape in shapes[1:]:
        if shape == result:
            continue
        longer, shorter = (result, shape) if len(result) >= len(shape) else (shape, result)
        lead = len(longer) - len(shorter)
        merged = list(longer)
        for axis, length in enumerate(shorter, start=lead):
            if merged[axis] == 1:
                merged[axis] = length
            elif length not in (1, merged[axis]):
                listed = " and ".join(str(s) for s in shapes)
                raise ShapeError(f"{name}: shapes {listed} cannot be broadcast together")
        result = tuple(merged)
    return result


def normalized_axes(name: str, axis: Axes, shape: Shape) -> tuple[int, ...]:
    """Return the axes as ascending non-negative numbers; None means all of them."""
    if axis is None:
        return tuple(range(len(shape)))
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
            return tuple(1 if a in axes else n for a, n in enumerate(shape))
        return tuple(n for a, n in enumerate(shape) if a not in axes)

    return rule


def kept(shape: Shape, axis: Axes) -> Shape:
    """Return `shape` with 1 at the reduced axes: what a result must have to broadcast back."""
    axes = normalized_axes("reduction", axis, shape)
    return tuple(1 if a in axes else n for a, n in enumerate(shape))
