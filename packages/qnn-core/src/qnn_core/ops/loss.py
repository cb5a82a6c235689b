"""Losses: means over the batch."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._kernels import loss as kernel
from .._kernels import training
from ..autodiff import Array, Op, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..errors import DtypeError, ShapeError
from ..machine import cpu, empty, get_num_threads
from .activation import relu, softmax
from .reduction import mean
from .reduction import sum as sum_

Labels = NDArray[np.int64]


def checked_labels(name: str, labels: ArrayLike, shape: Shape) -> Labels:
    """Return labels as int64, checked against scores of `shape` ``[batch, classes]``.

    Raises:
        ShapeError: if there are not as many as rows, or the scores are no matrix, or have no rows.
        DtypeError: if they are not whole numbers.
        ValueError: if one is no class; the message says which and where.
    """
    array = np.asarray(labels)
    if len(shape) != 2 or 0 in shape:
        raise ShapeError(f"{name}: scores of shape [batch, classes] are needed, got {shape}")
    if array.shape != shape[:1]:
        raise ShapeError(
            f"{name}: scores of shape {shape} and labels of shape {array.shape}: one whole number "
            f"for each row is needed, of shape {shape[:1]}"
        )
    if array.dtype.kind not in "iu":
        raise DtypeError(f"{name}: labels must be whole numbers, got {array.dtype}")
    # A copy: backward indexes with it, whatever becomes of the caller's array.
    own = np.array(array, np.int64, order="C")
    where = training.first_outside(own, shape[1])
    if where >= 0:
        raise ValueError(
            f"{name}: label {array[where]} at position {where} is not in 0..{shape[1] - 1}"
        )
    return own


def _cross_entropy(logits: Array, *, labels: Labels) -> Array:
    if logits.dtype == np.float32:
        return np.array(_compiled(logits, labels, 1.0, None) / len(labels), np.float32)
    total = kernel.cross_entropy(np.asarray(logits, order="C"), labels)
    return np.asarray(total / len(labels), logits.dtype)


def _compiled(logits: Array, labels: Labels, factor: float, slopes: Array | None) -> float:
    """Return the sum of the losses, or write their slopes."""
    rows, columns = logits.shape
    where = cpu.active_index(), get_num_threads()
    logits = np.asarray(logits, order="C")
    return training.entropy(*where, logits, labels, rows, columns, factor, slopes)


def _cross_entropy_gradient(logits: Array, *, labels: Labels) -> Array:
    out = empty(logits.shape, logits.dtype)
    if logits.dtype == np.float32:
        _compiled(logits, labels, 1 / len(labels), out)
        return out
    logits = np.asarray(logits, order="C")
    kernel.softmax_minus_one_hot(logits, labels, 1 / len(labels), out)
    return out


def _cross_entropy_vjp(g: Tensor, y: Tensor, logits: Tensor, *, labels: Labels) -> Tensor:
    slope = _cross_entropy_gradient_op(logits, labels=labels)
    # Nearly always this is what a backward begins with: then g is 1.
    return slope if g.node is None and g.array == 1 and not MODE.here.grad else g * slope


def _cross_entropy_hessian_vjp(h: Tensor, y: Tensor, logits: Tensor, *, labels: Labels) -> Tensor:
    p = softmax(logits)
    return p * (h - sum_(h * p, axis=1, keepdims=True)) * (1 / len(labels))


_cross_entropy_op = op(
    "softmax_cross_entropy",
    _cross_entropy,
    shape=lambda shape, *, labels: (),
    vjps=[_cross_entropy_vjp],
    reads=[(0,)],
)

_cross_entropy_gradient_op: Op = op(
    "softmax_cross_entropy_gradient",
    _cross_entropy_gradient,
    shape=lambda shape, *, labels: shape,
    vjps=[_cross_entropy_hessian_vjp],
    reads=[(0,)],
)


def softmax_cross_entropy(logits: Any, labels: ArrayLike) -> Tensor:
    """Return the mean over the batch of ``-log(softmax(logits)[label])``, in nats.

    Args:
        logits: ``[batch, classes]``.
        labels: ``[batch]``, whole numbers in ``0..classes-1``.

    Raises:
        ShapeError, DtypeError, ValueError: see `checked_labels`.

    Example:
        >>> softmax_cross_entropy([[0.0, 0.0]], [1])
        Tensor(0.6931472)
    """
    checked = checked_labels("softmax_cross_entropy", labels, np.shape(logits))
    return _cross_entropy_op(logits, labels=checked)


def mean_squared_error(prediction: Any, target: Any) -> Tensor:
    """Return the mean of ``(prediction - target)**2`` over all elements.

    Raises:
        ShapeError: if the shapes differ: broadcasting here is nearly always a mistake.

    Example:
        >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
        Tensor(2.)
    """
    if np.shape(prediction) != np.shape(target):
        raise ShapeError(
            f"mean_squared_error: prediction of shape {np.shape(prediction)} "
            f"and target of shape {np.shape(target)}"
        )
    difference = _difference(prediction, target)
    return mean(difference * difference)


def _difference(a: Any, b: Any) -> Tensor:
    left = a if isinstance(a, Tensor) or isinstance(b, Tensor) else Tensor(a)
    difference: Tensor = left - b
    return difference


def squared_hinge(scores: Any, labels: ArrayLike) -> Tensor:
    """Return the mean of ``max(0, 1 - t * score)**2``, with t = +1 at the label and -1 elsewhere.

    The loss of BinaryNet (Courbariaux et al. 2016, arXiv:1602.02830).

    Args:
        scores: ``[batch, classes]``.
        labels: ``[batch]``, whole numbers in ``0..classes-1``.

    Raises:
        ShapeError, DtypeError, ValueError: see `checked_labels`.

    Example:
        >>> squared_hinge([[1.0, 0.0]], [0])
        Tensor(0.5)
    """
    checked = checked_labels("squared_hinge", labels, np.shape(scores))
    tensor = scores if isinstance(scores, Tensor) else Tensor(scores)
    sign = np.full(tensor.shape, -1, tensor.dtype)
    sign[np.arange(len(checked)), checked] = 1
    slack = relu(1 - tensor * sign)
    return mean(slack * slack)
