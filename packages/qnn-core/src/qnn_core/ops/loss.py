"""Losses: means over the batch, or weighted means of its samples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._kernels import loss as kernel
from .._kernels import training
from ..autodiff import Array, Op, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..errors import DtypeError, ShapeError
from ..machine import empty, kernel_settings
from .activation import log_softmax, relu, softmax, softplus
from .arithmetic import absolute, clip
from .reduction import mean
from .reduction import sum as sum_
from .shape import reshape

Labels = NDArray[np.int64]


def checked_labels(name: str, labels: ArrayLike, shape: Shape) -> Labels:
    """Return labels as int64, checked against scores of `shape` ``[batch, classes]``.

    Raises:
        ShapeError: if there are not as many as rows, or the scores are no matrix, or have no rows.
        DtypeError: if they are not whole numbers.
        ValueError: if one is no class; the message says which and where.
    """
    if isinstance(labels, Tensor) and labels.requires_grad:
        raise TypeError(
            f"{name}: the labels are a tensor that requires a gradient: scores come first, then "
            "labels"
        )
    array = np.asarray(labels)
    if len(shape) != 2 or 0 in shape:
        raise ShapeError(f"{name}: scores of shape [batch, classes] are needed, got {shape}")
    if array.shape != shape[:1]:
        raise ShapeError(
            f"{name}: scores of shape {shape} and labels of shape {array.shape}: one whole number "
            f"for each row is needed, of shape {shape[:1]}"
            + ("; of one-hot rows that is labels.argmax(axis=1)" if array.shape == shape else "")
        )
    if array.dtype.kind not in "iu":
        raise DtypeError(
            f"{name}: labels must be whole numbers, got {array.dtype}: labels.astype(int) if they "
            "are classes"
        )
    # A copy: backward indexes with it, whatever becomes of the caller's array.
    own = np.array(array, np.int64, order="C")
    where = training.first_outside(own, shape[1])
    if where >= 0:
        raise ValueError(
            f"{name}: label {array[where]} at position {where} is not in 0..{shape[1] - 1}"
        )
    return own


def _cross_entropy(logits: Array, *, labels: Labels) -> tuple[Array, Array | None]:
    count = len(labels)
    if logits.dtype == np.float32:
        # The exponentials of both are the same: somebody who records wants both.
        slopes = empty(logits.shape, np.float32) if MODE.here.grad else None
        return np.array(_compiled(logits, labels, 1 / count, slopes) / count, np.float32), slopes
    total = kernel.cross_entropy(np.asarray(logits, order="C"), labels)
    return np.asarray(total / count, logits.dtype), None


def _compiled(logits: Array, labels: Labels, factor: float, slopes: Array | None) -> float:
    """Return the sum of the losses, and write their slopes unless nobody wants them."""
    rows, columns = logits.shape
    where = kernel_settings()
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


def _cross_entropy_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Array | None,
) -> list[Tensor | None]:
    (logits,) = inputs
    first = g.node is None and g.array == 1 and not MODE.here.grad
    # Nearly always this is what a backward begins with: then g is 1. A leaf's is its own array.
    if first and residual is not None and logits.node is not None:
        return [Tensor.of(residual)]
    slope = _cross_entropy_gradient_op(logits, **attributes)
    return [slope if first else g * slope]


def _cross_entropy_hessian_vjp(h: Tensor, y: Tensor, logits: Tensor, *, labels: Labels) -> Tensor:
    p = softmax(logits)
    return p * (h - sum_(h * p, axis=1, keepdims=True)) * (1 / len(labels))


_cross_entropy_op = op(
    "softmax_cross_entropy",
    _cross_entropy,
    shape=lambda shape, *, labels: (),
    vjp=_cross_entropy_vjp,
    reads=[(0,)],
    residual=True,
)

_cross_entropy_gradient_op: Op = op(
    "softmax_cross_entropy_gradient",
    _cross_entropy_gradient,
    shape=lambda shape, *, labels: shape,
    vjps=[_cross_entropy_hessian_vjp],
    reads=[(0,)],
)


# What samples count in a loss: [batch], or None for all the same.
Weights = ArrayLike | None


def softmax_cross_entropy(logits: Any, labels: ArrayLike, sample_weight: Weights = None) -> Tensor:
    """Return the mean over the batch of ``-log(softmax(logits)[label])``, in nats.

    Args:
        logits: ``[batch, classes]``.
        labels: ``[batch]``, whole numbers in ``0..classes-1``.
        sample_weight: ``[batch]``, how much each sample counts in the mean; None for the same.

    Raises:
        ShapeError, DtypeError, ValueError: see `checked_labels` and `weighted_mean`.

    Example:
        >>> softmax_cross_entropy([[0.0, 0.0]], [1])
        Tensor(0.6931472)
        >>> softmax_cross_entropy([[0.0, 0.0], [9.0, 0.0]], [1, 1], sample_weight=[1, 0])
        Tensor(0.6931472)
    """
    checked = checked_labels("softmax_cross_entropy", labels, np.shape(logits))
    if sample_weight is None:
        return _cross_entropy_op(logits, labels=checked)
    chosen = log_softmax(logits)[np.arange(len(checked)), checked]
    return weighted_mean("softmax_cross_entropy", -chosen, sample_weight)


def weighted_mean(name: str, losses: Tensor, sample_weight: Weights) -> Tensor:
    """Return the mean of losses, weighted by sample: ``sum(w * loss) / sum(w)``.

    So a weight of two counts as the same sample twice, and one of zero as no sample, as in
    PyTorch's weighted losses and in scikit-learn.

    Args:
        name: of the loss, for messages.
        losses: ``[batch, ...]``; those of one sample count by their mean.
        sample_weight: ``[batch]``, 0 or more; None for the plain mean.

    Raises:
        ShapeError: if there are not as many weights as samples.
        ValueError: if one is below 0 or not finite, or all are 0.
    """
    if sample_weight is None:
        return mean(losses)
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim != 1 or losses.shape[:1] != weights.shape:
        raise ShapeError(
            f"{name}: sample_weight of shape {weights.shape} for losses of shape {losses.shape}: a "
            "number for each sample is needed"
        )
    total = weights.sum()
    if not (np.isfinite(total) and np.all(weights >= 0) and total > 0):
        raise ValueError(f"{name}: sample_weight must be finite, 0 or more, and not all 0")
    by_sample = mean(reshape(losses, (len(weights), -1)), axis=1) if losses.ndim > 1 else losses
    return sum_(by_sample * (weights / total).astype(losses.dtype))


def mean_squared_error(prediction: Any, target: Any, sample_weight: Weights = None) -> Tensor:
    """Return the mean of ``(prediction - target)**2`` over all elements.

    Args:
        prediction: ``[batch, ...]``.
        target: of the same shape; one column may also be given without its axis.
        sample_weight: ``[batch]``, how much each sample counts in the mean; None for the same.

    Raises:
        ShapeError: if the shapes differ: broadcasting here is nearly always a mistake.

    Example:
        >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
        Tensor(2.)
    """
    difference = _difference("mean_squared_error", prediction, target)
    return weighted_mean("mean_squared_error", difference * difference, sample_weight)


def mean_absolute_error(prediction: Any, target: Any, sample_weight: Weights = None) -> Tensor:
    """Return the mean of ``|prediction - target|`` over all elements.

    Args and errors are those of `mean_squared_error`. Its derivative where both are equal is 0.

    Example:
        >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
        Tensor(1.)
    """
    difference = _difference("mean_absolute_error", prediction, target)
    return weighted_mean("mean_absolute_error", absolute(difference), sample_weight)


def huber(
    prediction: Any, target: Any, sample_weight: Weights = None, *, delta: float = 1.0
) -> Tensor:
    """Return Huber's loss: half the squared error within `delta`, linear beyond (Huber 1964).

    It is the mean over all elements of ``d**2 / 2`` where ``d = |prediction - target| <= delta``,
    and of ``delta * (d - delta / 2)`` elsewhere: as PyTorch's ``huber_loss``.

    Args:
        prediction: ``[batch, ...]``.
        target: see `mean_squared_error`.
        sample_weight: see there.
        delta: where it becomes linear, > 0.

    Raises:
        ShapeError: if the shapes differ.
        ValueError: if delta is not above 0.

    Example:
        >>> huber([0.0, 0.0], [1.0, 3.0])
        Tensor(1.5)
    """
    if not delta > 0:
        raise ValueError(f"huber: delta must be above 0, got {delta!r}")
    difference = _difference("huber", prediction, target)
    near = clip(difference, -delta, delta)
    return weighted_mean("huber", near * (difference - near * 0.5), sample_weight)


def binary_cross_entropy_with_logits(
    logits: Any, targets: Any, sample_weight: Weights = None
) -> Tensor:
    """Return the mean over all elements of the cross-entropy of yes and no, in nats.

    ``-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z))``, computed without overflow. The answer of a
    model trained with it is yes where its logit is above 0.

    Args:
        logits: ``[batch, ...]``, such as one column for each question.
        targets: 0, 1 or a probability, of the same shape; one column may also be given without its
            axis.
        sample_weight: ``[batch]``, how much each sample counts in the mean; None for the same.

    Raises:
        ShapeError: if the shapes differ.
        ValueError: if a target is not in 0..1; the message says which and where.

    Example:
        >>> binary_cross_entropy_with_logits([[0.0], [100.0]], [1, 1])
        Tensor(0.3465736)
    """
    name = "binary_cross_entropy_with_logits"
    z, t = _alike(name, logits, targets)
    values = t.array if isinstance(t, Tensor) else np.asarray(t)
    outside = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(outside):
        at = tuple(int(i) for i in outside[0])
        raise ValueError(f"{name}: target {values[at]} at {at} is not in 0..1")
    return weighted_mean(name, softplus(z) - z * t, sample_weight)


def _difference(name: str, prediction: Any, target: Any) -> Tensor:
    left, right = _alike(name, prediction, target)
    difference: Tensor = left - right
    return difference


def _alike(name: str, prediction: Any, target: Any) -> tuple[Tensor, Any]:
    """Return both in one shape, the first as a tensor; of one column the axis may be left out."""
    ours, theirs = np.shape(prediction), np.shape(target)
    either = isinstance(prediction, Tensor) or isinstance(target, Tensor)
    left = prediction if either else Tensor(prediction)
    if ours == theirs:
        right = target
    elif len(theirs) == 1 and ours == (*theirs, 1):
        right = reshape(target, ours) if isinstance(target, Tensor) else np.reshape(target, ours)
    elif len(ours) == 1 and theirs == (*ours, 1):
        left = reshape(left, theirs)
        right = target
    else:
        raise ShapeError(f"{name}: prediction of shape {ours} and target of shape {theirs}")
    if not isinstance(left, Tensor):
        left = Tensor(left, right.dtype)
    return left, right if isinstance(right, Tensor) else np.asarray(right, left.dtype)


def squared_hinge(scores: Any, labels: ArrayLike, sample_weight: Weights = None) -> Tensor:
    """Return the mean of ``max(0, 1 - t * score)**2``, with t = +1 at the label and -1 elsewhere.

    The loss of BinaryNet (Courbariaux et al. 2016, arXiv:1602.02830).

    Args:
        scores: ``[batch, classes]``.
        labels: ``[batch]``, whole numbers in ``0..classes-1``.
        sample_weight: ``[batch]``, how much each sample counts in the mean; None for the same.

    Raises:
        ShapeError, DtypeError, ValueError: see `checked_labels` and `weighted_mean`.

    Example:
        >>> squared_hinge([[1.0, 0.0]], [0])
        Tensor(0.5)
    """
    checked = checked_labels("squared_hinge", labels, np.shape(scores))
    tensor = scores if isinstance(scores, Tensor) else Tensor(scores)
    sign = np.full(tensor.shape, -1, tensor.dtype)
    sign[np.arange(len(checked)), checked] = 1
    slack = relu(1 - tensor * sign)
    return weighted_mean("squared_hinge", slack * slack, sample_weight)
