"""What NumPy's functions are on tensors that put elements in other places, or in an order.

Like those of `numpy_functions.py`: what no operation has ends in NotImplemented.
"""

from typing import Any

import numpy as np

from ..autodiff import Tensor
from . import views
from .numpy_functions import as_tensors, numpys
from .reduction import mean
from .shape import concatenate, reshape


@numpys(np.atleast_1d)
def _atleast_1d(*tensors: Any) -> Any:
    return _each(tensors, lambda x: reshape(x, 1) if x.ndim == 0 else x)


@numpys(np.atleast_2d)
def _atleast_2d(*tensors: Any) -> Any:
    return _each(tensors, lambda x: reshape(x, (1, -1)) if x.ndim < 2 else x)


def _each(tensors: tuple[Any, ...], change: Any) -> Any:
    changed = [change(x) for x in as_tensors(*tensors)]
    return changed[0] if len(changed) == 1 else tuple(changed)


@numpys(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    x, y = as_tensors(arr, values)
    if axis is None:
        return concatenate([reshape(x, -1), reshape(y, -1)], 0)
    return concatenate([x, y], axis)


@numpys(np.column_stack)
def _column_stack(tup: Any) -> Tensor:
    return concatenate([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in as_tensors(*tup)], 1)


@numpys(np.roll)
def _roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    if axis is None:
        return reshape(_rolled(reshape(a, -1), shift, 0), a.shape)
    for by, at in np.broadcast(shift, axis):
        a = _rolled(a, by, at)
    return a


def _rolled(a: Tensor, shift: Any, axis: int) -> Tensor:
    return views.along(a, axis, np.roll(np.arange(a.shape[axis]), shift))


@numpys(np.repeat)
def _repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    if axis is None:
        a, axis = reshape(a, -1), 0
    return views.along(a, axis, np.repeat(np.arange(a.shape[axis]), repeats))


@numpys(np.tile)
def _tile(A: Tensor, reps: Any) -> Tensor:  # NumPy calls it A
    counts = np.atleast_1d(reps).tolist()
    x = reshape(A, (1,) * (len(counts) - A.ndim) + A.shape)
    for axis, count in enumerate(counts, x.ndim - len(counts)):
        x = views.along(x, axis, np.tile(np.arange(x.shape[axis]), count))
    return x


@numpys(np.fliplr)
def _fliplr(m: Tensor) -> Tensor:
    return views.along(m, 1, slice(None, None, -1))


@numpys(np.flipud)
def _flipud(m: Tensor) -> Tensor:
    return views.along(m, 0, slice(None, None, -1))


@numpys(np.diff)
def _diff(a: Tensor, n: int = 1, axis: int = -1, **rest: Any) -> Any:
    if rest or n < 0:
        return NotImplemented
    for _ in range(n):
        a = views.along(a, axis, slice(1, None)) - views.along(a, axis, slice(None, -1))
    return a


# In an order: that of the values as they are, which has no derivative.


@numpys(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if not isinstance(arr, Tensor) or isinstance(indices, Tensor):
        return NotImplemented
    if axis is None:
        arr, axis = reshape(arr, -1), 0
    at = [np.arange(n).reshape(_spread(k, arr.ndim)) for k, n in enumerate(arr.shape)]
    at[axis] = np.asarray(indices)
    return arr[tuple(at)]


def _spread(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(-1 if k == axis else 1 for k in range(ndim))


@numpys(np.sort)
def _sort(
    a: Tensor, axis: int | None = -1, kind: Any = None, order: Any = None, **rest: Any
) -> Any:
    if order is not None or any(value is not None for value in rest.values()):
        return NotImplemented
    if axis is None:
        a, axis = reshape(a, -1), 0
    return _take_along_axis(a, np.argsort(a.array, axis, kind=kind), axis)


@numpys(np.median)
def _median(
    a: Tensor,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:
    if out is not None or overwrite_input or keepdims or np.ndim(axis) > 0 or not a.size:
        return NotImplemented
    if axis is None:
        a, axis = reshape(a, -1), 0
    if np.isnan(a.array).any():
        return NotImplemented
    middle, odd = divmod(a.shape[axis], 2)
    # The gradient goes to the one or two elements in the middle.
    return mean(views.along(_sort(a, axis), axis, slice(middle - 1 + odd, middle + 1)), axis=axis)
