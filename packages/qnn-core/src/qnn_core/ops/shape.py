"""Operations that move elements and leave their values alone."""

import math
from collections.abc import Sequence
from operator import index
from types import EllipsisType
from typing import Any

import numpy as np

from ..autodiff import Array, Op, Packed, Shape, Tensor, op
from ..errors import ShapeError
from .shapes import broadcast, normalized_axes

INTEGERS = (int, np.integer)


def _reshaped(shape: Shape, *, wanted: Shape) -> Shape:
    size = math.prod(shape)
    if -1 not in wanted and math.prod(wanted) == size and min(wanted, default=0) >= 0:
        return wanted
    known = math.prod(n for n in wanted if n != -1)
    free = wanted.count(-1)
    fits = size == known if free == 0 else free == 1 and known and size % known == 0
    if not fits or any(n < -1 for n in wanted):
        raise ShapeError(f"reshape: {size} elements of shape {shape} do not fit shape {wanted}")
    return tuple(size // known if n == -1 else n for n in wanted)


_reshape_op = op(
    "reshape",
    lambda x, *, shape: x.reshape(shape),
    shape=lambda s, *, shape: _reshaped(s, wanted=shape),
    codes="moves",
    vjps=[lambda g, y, x, *, shape: reshape(g, x.shape)],
    reads=[],
    packed=Packed(attributes={"shape": "lengths"}, beside_quantizer="passes"),
)


def reshape(x: Any, shape: Sequence[int] | int) -> Tensor:
    """Return the same elements, in C order, in another shape; one length may be -1.

    Raises:
        ShapeError: if the number of elements differs.

    Example:
        >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
        Tensor([[1., 2.],
                [3., 4.]])
    """
    lengths = (int(shape),) if isinstance(shape, INTEGERS) else tuple(map(index, shape))
    return _reshape_op(x, shape=lengths)


def _transposed(shape: Shape, *, axes: tuple[int, ...] | None) -> Shape:
    if axes is None:
        return shape[::-1]
    count = len(shape)
    if sorted(a + count if a < 0 else a for a in axes) != list(range(count)):
        raise ShapeError(f"transpose: axes {axes} are no order of the axes of shape {shape}")
    return tuple(shape[a] for a in axes)


def _transpose_vjp(g: Tensor, y: Tensor, x: Tensor, *, axes: tuple[int, ...] | None) -> Tensor:
    if axes is None:
        return transpose(g)
    inverse = np.argsort([a % x.ndim for a in axes])
    return transpose(g, tuple(int(a) for a in inverse))


_transpose_op = op(
    "transpose",
    lambda x, *, axes: x.transpose(axes),
    shape=_transposed,
    codes="moves",
    vjps=[_transpose_vjp],
    reads=[],
    packed=Packed(attributes={"axes": "order"}, beside_quantizer="passes"),
)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Return `x` with its axes in the given order, or reversed.

    Raises:
        ShapeError: if `axes` does not name every axis once.

    Example:
        >>> transpose([[1.0, 2.0]]).shape
        (2, 1)
    """
    return _transpose_op(x, axes=None if axes is None else tuple(axes))


def _stretched(shape: Shape, *, wanted: Shape) -> Shape:
    if broadcast("broadcast_to", shape, wanted) != wanted:
        raise ShapeError(f"broadcast_to: shape {shape} cannot be stretched to {wanted}")
    return wanted


# The tape sums a gradient over stretched axes, so passing it on is all there is to do.
_broadcast_to_op = op(
    "broadcast_to",
    lambda x, *, shape: np.broadcast_to(x, shape),
    shape=lambda s, *, shape: _stretched(s, wanted=shape),
    codes="moves",
    vjps=[lambda g, y, x, *, shape: g],
    reads=[],
    packed=Packed(attributes={"shape": "lengths"}),
)


def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """Return `x` stretched to `shape` by NumPy's broadcasting rules.

    Raises:
        ShapeError: if it cannot be.

    Example:
        >>> broadcast_to([1.0, 2.0], (2, 2))
        Tensor([[1., 2.],
                [1., 2.]])
    """
    return _broadcast_to_op(x, shape=tuple(shape))


def _joined(*shapes: Shape, axis: int) -> Shape:
    (axis,) = normalized_axes("concatenate", axis, shapes[0])
    for shape in shapes:
        if len(shape) != len(shapes[0]) or any(
            n != m for a, (n, m) in enumerate(zip(shape, shapes[0], strict=True)) if a != axis
        ):
            listed = ", ".join(str(s) for s in shapes)
            raise ShapeError(f"concatenate: shapes {listed} differ beside axis {axis}")
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def _concatenate_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    (axis,) = normalized_axes("concatenate", attributes["axis"], y.shape)
    ends = np.cumsum([x.shape[axis] for x in inputs]).tolist()
    before = (slice(None),) * axis
    return [
        g[(*before, slice(end - x.shape[axis], end))] if need else None
        for x, end, need in zip(inputs, ends, needs, strict=True)
    ]


_concatenate_op = op(
    "concatenate",
    lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    shape=_joined,
    vjp=_concatenate_vjp,
    reads=[],
    packed=Packed(inputs=(1, 10_000), attributes={"axis": "whole"}),
)


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Return the tensors joined along an axis.

    Raises:
        ShapeError: if there are none, or their other axes differ.

    Example:
        >>> concatenate([[1.0], [2.0, 3.0]])
        Tensor([1., 2., 3.])
    """
    if len(tensors) == 0:
        raise ShapeError("concatenate: at least one tensor is needed")
    return _concatenate_op(*tensors, axis=axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Return tensors of one shape joined along a new axis.

    Raises:
        ShapeError: if there are none, or their shapes differ.

    Example:
        >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
        Tensor([[1., 3.],
                [2., 4.]])
    """
    shapes = {np.shape(tensor) for tensor in tensors}
    if len(shapes) != 1:
        raise ShapeError(f"stack: tensors of one shape are needed, got {sorted(shapes)}")
    (shape,) = shapes
    (at,) = normalized_axes("stack", axis, (1, *shape))
    joined = [reshape(tensor, (*shape[:at], 1, *shape[at:])) for tensor in tensors]
    return concatenate(joined, at)


def _indexed(shape: Shape, *, index: Any) -> Shape:
    # An array without memory of its own: the rule costs nothing, whatever the shape.
    hollow = np.broadcast_to(np.float32(0), shape)
    try:
        return np.shape(hollow[index])
    except IndexError as error:
        raise ShapeError(f"getitem: index {index!r} does not fit shape {shape}: {error}") from error


def _indexed_by_lists(shape: Shape, *, index: Any) -> Shape:
    """The rule of `getitem` that does not make the result to know the shape of lists of indices."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(part, np.ndarray) for part in parts):
        return _indexed(shape, index=index)
    # Beside lists, numbers are lists of one. Without both it is a view, which costs nothing.
    listed = [isinstance(part, np.ndarray | int) for part in parts]
    plain = tuple(
        slice(None) if is_list else part for part, is_list in zip(parts, listed, strict=True)
    )
    seen = _indexed(shape, index=plain)
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


def _add_at(g: Array, *, index: Any, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, int | slice | None | EllipsisType) for part in parts):
        # Numbers and slices name no element twice.
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


getitem = op(
    "getitem",
    lambda x, *, index: x[index],
    shape=_indexed,
    codes="moves",
    vjps=[lambda g, y, x, *, index: add_at(g, index=index, shape=x.shape)],
    reads=[],
    packed=Packed(attributes={"index": "index"}, shape=_indexed_by_lists),
    doc="""Return ``x[index]``, as NumPy does; ``x[...]`` of a tensor is this operation.

    The gradient goes back to the elements that were taken; one that is taken twice gets both. Codes
    of a quantized tensor move with its values.

    Args:
        x: any shape.
        index: numbers, slices, None, an ellipsis, arrays of whole numbers or of truth values, or a
            tuple of them.

    Raises:
        ShapeError: if the index does not fit the shape.

    Example:
        >>> getitem([[1.0, 2.0], [3.0, 4.0]], index=(slice(None), 1))
        Tensor([2., 4.])
    """,
)

# The transpose of indexing: elements that an index names twice are added up.
add_at: Op = op(
    "add_at",
    _add_at,
    shape=lambda g, *, index, shape: shape,
    vjps=[lambda h, y, g, *, index, shape: h[index]],
    reads=[],
)
