"""What NumPy's functions are on tensors: the operations that do the same.

A function here has the arguments of NumPy's. Those that no operation has, such as ``out``, end in
NotImplemented; the tape then asks whether a gradient would be lost (`Tensor.__array_function__`).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autodiff import Tensor
from ..autodiff.table import FUNCTIONS, UFUNCS
from . import views
from .arithmetic import absolute, clip
from .einsum import einsum
from .linear import matmul
from .reduction import max as max_
from .reduction import mean, min, norm, variance
from .reduction import sum as sum_
from .selection import maximum, minimum, where
from .shape import broadcast_to, concatenate, reshape, stack, transpose

Function = Callable[..., Any]


def as_tensors(*given: Any) -> list[Tensor]:
    """Return tensors, and arrays as tensors of the first tensor's dtype."""
    dtype = next(x.dtype for x in given if isinstance(x, Tensor))
    return [x if isinstance(x, Tensor) else Tensor(x, dtype) for x in given]


def numpys(*functions: Any) -> Callable[[Function], Function]:
    """Enter a function into the table, for some of NumPy's."""

    def enter(own: Function) -> Function:
        for function in functions:
            FUNCTIONS[function] = own
        return own

    return enter


def _usual(rest: dict[str, Any]) -> bool:
    """Whether further arguments ask for nothing."""
    return all(value is None for value in rest.values())


# What a tensor is

FUNCTIONS[np.shape] = lambda a: a.shape
FUNCTIONS[np.ndim] = lambda a: a.ndim


@numpys(np.size)
def _size(a: Tensor, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


# Ufuncs, beside those that operations are (`Op.ufunc`)

UFUNCS["fabs"] = absolute
UFUNCS["positive"] = lambda x: x
UFUNCS["square"] = lambda x: x * x
UFUNCS["reciprocal"] = lambda x: 1 / x


def _reducing(run: Function) -> Function:
    def reduce(a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **rest: Any) -> Any:
        keepdims = rest.pop("keepdims", False)
        if dtype is not None or out is not None or rest:
            return NotImplemented
        return run(a, axis=axis, keepdims=keepdims)

    return reduce


UFUNCS["add.reduce"] = _reducing(sum_)
UFUNCS["maximum.reduce"] = _reducing(max_)
UFUNCS["minimum.reduce"] = _reducing(min)


# Reductions


def _reduction(run: Function, *functions: Any) -> None:
    # NumPy's have `dtype` before `out`, but for the extremes.
    if run in (max_, min):

        @numpys(*functions)
        def extreme(
            a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **r: Any
        ) -> Any:
            usual = out is None and _usual(r)
            return run(a, axis=_axes(axis), keepdims=bool(keepdims)) if usual else NotImplemented

    else:

        @numpys(*functions)
        def total(
            a: Any,
            axis: Any = None,
            dtype: Any = None,
            out: Any = None,
            keepdims: Any = False,
            **r: Any,
        ) -> Any:
            usual = dtype is None and out is None and _usual(r)
            return run(a, axis=_axes(axis), keepdims=bool(keepdims)) if usual else NotImplemented


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


_reduction(sum_, np.sum)
_reduction(mean, np.mean)
_reduction(max_, np.max, np.amax)
_reduction(min, np.min, np.amin)


@numpys(np.ptp)
def _ptp(a: Tensor, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    if out is not None:
        return NotImplemented
    return max_(a, axis, bool(keepdims)) - min(a, axis, bool(keepdims))


def _freedom(a: Tensor, axis: Any, ddof: float) -> float:
    """Return what the mean square is multiplied by where not all elements count as free."""
    count = math.prod(a.shape) if axis is None else math.prod(np.take(a.shape, axis).ravel())
    return count / (count - ddof)


@numpys(np.var)
def _var(
    a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, **rest: Any
) -> Any:
    keepdims = bool(rest.pop("keepdims", False))
    if dtype is not None or out is not None or not _usual(rest):
        return NotImplemented
    found = variance(a, axis=_axes(axis), keepdims=keepdims)
    return found if ddof == 0 else found * _freedom(a, axis, ddof)


@numpys(np.std)
def _std(
    a: Tensor, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, **rest: Any
) -> Any:
    keepdims = bool(rest.pop("keepdims", False))
    if dtype is not None or out is not None or not _usual(rest):
        return NotImplemented
    # A norm has a derivative where all deviations are 0; a root has none.
    axis = _axes(axis)
    length = norm(a - mean(a, axis=axis, keepdims=True), axis=axis, keepdims=keepdims)
    count = math.prod(a.shape) / max(length.size, 1)
    return length / math.sqrt(count - ddof)


@numpys(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, **rest: Any) -> Any:
    if rest:
        return NotImplemented
    if weights is None:
        return mean(a, axis=_axes(axis))
    if np.shape(a) != np.shape(weights):
        return NotImplemented
    x, w = as_tensors(a, weights)
    return sum_(x * w, axis=_axes(axis)) / sum_(w, axis=_axes(axis))


@numpys(np.linalg.norm)
def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    matrix = isinstance(axis, tuple) or (axis is None and x.ndim == 2)
    if ord is None or (ord == "fro" and matrix) or (ord == 2 and not matrix):
        return norm(x, axis=axis, keepdims=keepdims)
    if matrix or x.ndim == 0 or (axis is None and x.ndim > 1) or ord not in (1, np.inf, -np.inf):
        return NotImplemented
    run = {1: sum_, np.inf: max_, -np.inf: min}[ord]
    return run(absolute(x), axis=axis, keepdims=keepdims)


# Choices


@numpys(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2:
        # Where the condition holds: numbers that have no derivative.
        return np.nonzero(condition)
    if not any(isinstance(choice, Tensor) for choice in choices):
        return np.where(np.array(condition.array, bool), *choices)
    return where(condition, *choices)


@numpys(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **rest: Any) -> Any:
    low, high = rest.pop("min", a_min), rest.pop("max", a_max)
    if out is not None or rest:
        return NotImplemented
    if all(
        end is None or (np.ndim(end) == 0 and not isinstance(end, Tensor)) for end in (low, high)
    ):
        return clip(a, -np.inf if low is None else low, np.inf if high is None else high)
    x = a if low is None else maximum(a, low)
    return x if high is None else minimum(x, high)


# Shapes


@numpys(np.reshape)
def _reshape(a: Tensor, shape: Any = None, order: str = "C", **rest: Any) -> Any:
    return NotImplemented if order != "C" or rest else reshape(a, shape)


@numpys(np.ravel)
def _ravel(a: Tensor, order: str = "C") -> Any:
    return NotImplemented if order != "C" else reshape(a, -1)


@numpys(np.transpose, np.permute_dims)
def _transpose(a: Tensor, axes: Any = None) -> Tensor:
    return transpose(a, axes)


@numpys(np.swapaxes)
def _swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    return views.moved(a, (axis1, axis2), (axis2, axis1))


@numpys(np.matrix_transpose)
def _matrix_transpose(x: Tensor, /) -> Tensor:
    return views.moved(x, -1, -2)


FUNCTIONS[np.moveaxis] = views.moved
FUNCTIONS[np.squeeze] = views.squeezed
FUNCTIONS[np.expand_dims] = views.expanded
FUNCTIONS[np.diagonal] = views.diagonal


@numpys(np.broadcast_to)
def _broadcast_to(array: Tensor, shape: Any, subok: bool = False) -> Tensor:
    return broadcast_to(array, (shape,) if isinstance(shape, int) else shape)


@numpys(np.trace)
def _trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, **rest: Any) -> Any:
    diagonal = views.diagonal(a, offset, axis1, axis2)
    return sum_(diagonal, axis=-1) if _usual(rest) else NotImplemented


@numpys(np.diag)
def _diag(v: Tensor, k: int = 0) -> Tensor:
    return views.diagonal_matrix(v, k) if v.ndim == 1 else views.diagonal(v, k)


@numpys(np.flip)
def _flip(m: Tensor, axis: Any = None) -> Tensor:
    axes = range(m.ndim) if axis is None else np.atleast_1d(axis).tolist()
    for each in axes:
        m = views.along(m, each, slice(None, None, -1))
    return m


@numpys(np.take)
def _take(a: Tensor, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or mode != "raise" or isinstance(indices, Tensor):
        return NotImplemented
    return views.along(reshape(a, -1) if axis is None else a, axis or 0, np.asarray(indices))


@numpys(np.tril)
def _tril(m: Tensor, k: int = 0) -> Any:
    return (
        NotImplemented
        if m.ndim < 2
        else where(np.tri(m.shape[-2], m.shape[-1], k, dtype=bool), m, 0)
    )


@numpys(np.triu)
def _triu(m: Tensor, k: int = 0) -> Any:
    return (
        NotImplemented
        if m.ndim < 2
        else where(np.tri(m.shape[-2], m.shape[-1], k - 1, dtype=bool), 0, m)
    )


# Several tensors


@numpys(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: Any = None, **rest: Any) -> Any:
    if out is not None or not _usual({n: v for n, v in rest.items() if n != "casting"}):
        return NotImplemented
    if axis is None:
        arrays, axis = [reshape(x, -1) for x in as_tensors(*arrays)], 0
    return concatenate(arrays, axis)


@numpys(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, **rest: Any) -> Any:
    usual = out is None and _usual({n: v for n, v in rest.items() if n != "casting"})
    return stack(arrays, axis) if usual else NotImplemented


@numpys(np.hstack)
def _hstack(tup: Any, **rest: Any) -> Any:
    tensors = [reshape(x, -1) if x.ndim == 0 else x for x in as_tensors(*tup)]
    return NotImplemented if rest else concatenate(tensors, 0 if tensors[0].ndim == 1 else 1)


@numpys(np.vstack)
def _vstack(tup: Any, **rest: Any) -> Any:
    tensors = [reshape(x, (1, -1)) if x.ndim < 2 else x for x in as_tensors(*tup)]
    return NotImplemented if rest else concatenate(tensors, 0)


def _parted(ary: Tensor, indices_or_sections: Any, axis: int, even: bool) -> list[Tensor]:
    split = np.split if even else np.array_split
    # NumPy finds the parts, on the numbers of the elements.
    parts = split(np.arange(ary.shape[axis]), indices_or_sections)
    return [
        views.along(ary, axis, slice(int(p[0]), int(p[-1]) + 1) if p.size else slice(0, 0))
        for p in parts
    ]


@numpys(np.split)
def _split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return _parted(ary, indices_or_sections, axis, True)


@numpys(np.array_split)
def _array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return _parted(ary, indices_or_sections, axis, False)


# Products


def _contracted(a: Tensor, b: Tensor, ours: list[int], theirs: list[int]) -> Tensor:
    """Return the sums of products over pairs of axes; those that are left are a's, then b's."""
    left = [n for n in range(a.ndim) if n not in ours]
    right = [n for n in range(b.ndim) if n not in theirs]
    inner = math.prod(a.shape[n] for n in ours)
    shape = (*(a.shape[n] for n in left), *(b.shape[n] for n in right))
    rows = reshape(transpose(a, [*left, *ours]), (math.prod(a.shape[n] for n in left), inner))
    own = math.prod(b.shape[n] for n in theirs)
    columns = reshape(transpose(b, [*theirs, *right]), (own, math.prod(b.shape[n] for n in right)))
    return reshape(matmul(rows, columns), shape)


@numpys(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        return NotImplemented
    x, y = as_tensors(a, b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return matmul(x, y) if y.ndim < 3 else _contracted(x, y, [x.ndim - 1], [y.ndim - 2])


@numpys(np.inner)
def _inner(a: Any, b: Any, /) -> Tensor:
    x, y = as_tensors(a, b)
    return x * y if x.ndim == 0 or y.ndim == 0 else _contracted(x, y, [x.ndim - 1], [y.ndim - 1])


@numpys(np.vdot)
def _vdot(a: Any, b: Any, /) -> Tensor:
    x, y = as_tensors(a, b)
    return matmul(reshape(x, -1), reshape(y, -1))


@numpys(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    x, y = as_tensors(a, b)
    return NotImplemented if out is not None else reshape(x, (-1, 1)) * reshape(y, (1, -1))


@numpys(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    x, y = as_tensors(a, b)
    if isinstance(axes, int):
        ours, theirs = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        ours, theirs = (np.atleast_1d(part).tolist() for part in axes)
    return _contracted(x, y, [n % x.ndim for n in ours], [n % y.ndim for n in theirs])


@numpys(np.einsum)
def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **rest: Any) -> Any:
    letters = operands[0]
    if out is not None or rest or not isinstance(letters, str) or "." in letters:
        return NotImplemented
    return einsum(letters, as_tensors(*operands[1:]))
