"""What a model is judged by, beside its loss."""

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..data import Batch, joined, mapped
from ..errors import ShapeError, SpecError, nearest

Array = NDArray[Any]
Function = Callable[..., Any]

# A name, a Metric or a function; "auto" is what the loss means, None is none.
MetricLike = Any


@dataclass(frozen=True)
class Metric:
    """A number that says how good a model's outputs are.

    Args:
        function: ``function(outputs, targets)``, both arrays of all samples, or what `forward`
            returns and what the data have for targets, with arrays inside. It may take a
            ``sample_weight``. scikit-learn's functions, whose first argument is ``y_true``, are
            called in their order. If `mean`, it gives an array of a value for each sample.
        greater_is_better: the direction; None where it is not known, which is enough to evaluate.
        name: how it is called; that of the function by default.
        percent: whether it is a share that is shown in percent.
        mean: whether it is the mean of values of single samples.

    Example:
        >>> import qnn_core as qnn
        >>> worst = qnn.Metric(lambda y, t: abs(y - t).max(), greater_is_better=False, name="worst")
        >>> worst(np.array([1.0, 2.0]), np.array([1.5, 2.0])), worst
        (0.5, Metric('worst', less is better))
    """

    function: Function
    greater_is_better: bool | None = None
    name: str = ""
    percent: bool = False
    mean: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Metric: a function is needed, got {self.function!r}")
        if not self.name:
            named = getattr(unwrapped(self.function), "__name__", type(self.function).__name__)
            object.__setattr__(self, "name", str(named))

    def __call__(self, outputs: Any, targets: Any, sample_weight: Array | None = None) -> float:
        """Return the metric over all samples, weighted if there are weights."""
        if not self.mean:
            return self._number(_called(self, outputs, targets, sample_weight))
        values = self.values(outputs, targets)
        return float(np.average(values, weights=sample_weight))

    def values(self, outputs: Any, targets: Any) -> Array:
        """Return the value of each sample, ``[n]``.

        Raises:
            SpecError: if the metric is no mean over samples.
        """
        if not self.mean:
            raise SpecError(f"the metric {self.name} is no mean over samples: they have no values")
        found = np.asarray(self.function(outputs, targets))
        if found.ndim != 1:
            raise ShapeError(
                f"the metric {self.name} must give a value for each sample, got shape {found.shape}"
            )
        return found

    def told(self, value: float) -> str:
        """Return a value as it is shown.

        Example:
            >>> NAMED["accuracy"].told(0.9375), NAMED["mae"].told(0.9375)
            ('93.75%', '0.9375')
        """
        return f"{value:.2%}" if self.percent else f"{value:.4g}"

    def fall(self, worse: float, better: float) -> float:
        """Return by how much the first is worse than the second."""
        return worse - better if self.greater_is_better is False else better - worse

    def _number(self, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"the metric {self.name} must give one number, got {value!r:.80}"
            ) from error

    def __repr__(self) -> str:
        ways = {True: "greater is better", False: "less is better", None: "direction not stated"}
        return f"Metric({self.name!r}, {ways[self.greater_is_better]})"


def unwrapped(function: Any) -> Any:
    """Return the function in partials and in losses that add to it."""
    while isinstance(function, functools.partial):
        function = function.func
    # Of a loss that adds something to another one, such as `Distillation`, that one.
    inner = getattr(function, "wrapped_loss", None)
    return function if inner is None else unwrapped(inner)


def _called(metric: Metric, outputs: Any, targets: Any, sample_weight: Array | None) -> Any:
    function = metric.function
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    options = {}
    if sample_weight is not None:
        if "sample_weight" not in names:
            raise SpecError(
                f"the metric {metric.name} takes no sample_weight, but the data have weights"
            )
        options = {"sample_weight": sample_weight}
    if names[:1] != ["y_true"]:
        return function(outputs, targets, **options)
    # One column is the same numbers without its axis, which is what these functions want.
    if np.ndim(outputs) == 2 and np.shape(outputs)[1] == 1 and np.ndim(targets) == 1:
        outputs = outputs[:, 0]
    try:
        return function(targets, outputs, **options)
    except ValueError as error:
        raise ValueError(
            f"the metric {metric.name} cannot take outputs of shape {np.shape(outputs)} as they "
            f"are: {error}; a function such as lambda outputs, targets: "
            f"{metric.name}(targets, outputs.argmax(axis=1)) can prepare them"
        ) from error


# Those that have a name


def _accuracy(outputs: Array, targets: Array) -> Array:
    problem = no_classes(outputs, targets)
    if problem:
        raise ShapeError(f"accuracy: {problem}")
    return right_classes(outputs, targets)


def no_classes(outputs: Any, targets: Any) -> str:
    """Return why outputs are no scores of the classes that targets are; ``""`` if they are."""
    if not isinstance(outputs, np.ndarray) or not isinstance(targets, np.ndarray):
        return "one output and one target for each sample are needed"
    if outputs.ndim != 2:
        return f"scores of shape [batch, classes] are needed, got {outputs.shape}"
    if outputs.shape[1] < 2:
        return (
            f"at least two columns of scores are needed, got shape {outputs.shape}; "
            "'binary_accuracy' is for one logit"
        )
    if targets.shape != outputs.shape[:1] or targets.dtype.kind not in "iu":
        return f"whole-number labels [batch] are needed, got {targets.dtype} {targets.shape}"
    if len(targets) and (targets.min() < 0 or targets.max() >= outputs.shape[1]):
        wrong = targets.min() if targets.min() < 0 else targets.max()
        return f"label {wrong} is not in 0..{outputs.shape[1] - 1}, the columns of the outputs"
    return ""


def right_classes(scores: Array, labels: Array) -> Array:
    """Return for each sample whether its greatest score is at the label.

    A row whose greatest score is not finite has no class, so it is never right.

    Example:
        >>> right_classes(np.array([[1.0, 2.0], [np.nan, 0.0], [np.inf, 0.0]]), np.array([1, 0, 0]))
        array([ True, False, False])
    """
    right: Array = scores.argmax(axis=1) == labels
    # One sum says of most batches that all is finite, in less time than the greatest of each row.
    if not math.isfinite(scores.sum(dtype=np.float64)):
        # NaN where there is one; -inf beside a finite score is the logarithm of no chance.
        right &= np.isfinite(scores.max(axis=1, initial=-np.inf))
    return right


def _binary_accuracy(outputs: Array, targets: Array) -> Array:
    problem = no_answers(outputs, targets)
    if problem:
        raise ShapeError(f"binary_accuracy: {problem}")
    return right_answers(outputs, targets)


def no_answers(outputs: Any, targets: Any) -> str:
    """Return why outputs are no logits of yes and no, which targets are; ``""`` if they are."""
    if not isinstance(outputs, np.ndarray) or not isinstance(targets, np.ndarray):
        return "one output and one target for each sample are needed"
    if outputs.shape not in {targets.shape, (*targets.shape, 1)}:
        return (
            f"a logit for each target is needed, got outputs of shape {outputs.shape} and targets "
            f"of shape {targets.shape}; 'accuracy' is for a score for each class"
        )
    wrong = (targets != 0) & (targets != 1)
    return f"targets must be 0 or 1, got {targets[wrong][0]}" if wrong.any() else ""


def right_answers(logits: Array, targets: Array) -> Array:
    """Return for each sample the share of its logits whose sign is right; NaN has none.

    A logit above 0 is yes.
    """
    right: Array = (logits > 0).reshape(targets.shape) == (targets == 1)
    if np.isnan(logits.sum()):
        right &= ~np.isnan(logits).reshape(targets.shape)
    if right.ndim == 1:
        return right
    share: Array = right.reshape(len(right), -1).mean(axis=1)
    return share


def _residuals(outputs: Any, targets: Any, name: str) -> Array:
    if not isinstance(outputs, np.ndarray) or not isinstance(targets, np.ndarray):
        raise ShapeError(f"{name}: one output and one target for each sample are needed")
    ours, theirs = outputs.shape, targets.shape
    if ours not in {theirs, (*theirs, 1)} and theirs != (*ours, 1):
        raise ShapeError(f"{name}: outputs of shape {ours} and targets of shape {theirs}")
    rows = len(outputs)
    differences: Array = outputs.reshape(rows, -1) - targets.reshape(rows, -1).astype(np.float64)
    return differences


def _squared_errors(outputs: Array, targets: Array) -> Array:
    return np.asarray(np.mean(_residuals(outputs, targets, "mse") ** 2, axis=1))


def _absolute_errors(outputs: Array, targets: Array) -> Array:
    return np.asarray(np.mean(np.abs(_residuals(outputs, targets, "mae")), axis=1))


def _r2(outputs: Array, targets: Array, sample_weight: Array | None = None) -> float:
    """Return the share of the targets' variance that the outputs explain, mean over columns."""
    residuals = _residuals(outputs, targets, "r2")
    wanted = targets.reshape(len(targets), -1).astype(np.float64)
    weights = np.ones(len(wanted)) if sample_weight is None else sample_weight
    spread = wanted - np.average(wanted, axis=0, weights=weights)
    unexplained, total = weights @ residuals**2, weights @ spread**2
    if np.any(total == 0):
        raise ShapeError(f"r2: the targets of all {len(wanted)} samples are the same")
    return float(np.mean(1 - unexplained / total))


def _auc(outputs: Array, targets: Array, sample_weight: Array | None = None) -> float:
    """Return the area under the receiver operating characteristic, of two classes."""
    try:
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415 # an extra, slow to import
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "metric 'auc' needs scikit-learn: pip install 'qnn-core[metrics]'", name=error.name
        ) from error
    if not isinstance(outputs, np.ndarray) or not isinstance(targets, np.ndarray):
        raise ShapeError("auc: one output and one target for each sample are needed")
    columns = outputs[:, None] if outputs.ndim == 1 else outputs
    if columns.ndim != 2 or columns.shape[1] > 2 or targets.size != len(columns):
        raise ShapeError(
            f"auc: one logit or two scores for each sample are needed, got outputs of shape "
            f"{outputs.shape} and targets of shape {targets.shape}; for more classes give a "
            "function that says how they are averaged"
        )
    # The difference of two scores orders samples as the probability does.
    score = columns[:, -1] - (columns[:, 0] if columns.shape[1] == 2 else 0)
    labels = targets.ravel()
    if sorted({*labels.tolist()}) != [0, 1]:
        raise ShapeError(
            f"auc: targets 0 and 1 are needed, both, got {sorted({*labels.tolist()})[:5]}"
        )
    return float(roc_auc_score(labels, score, sample_weight=sample_weight))


NAMED = {
    metric.name: metric
    for metric in (
        Metric(_accuracy, True, "accuracy", percent=True, mean=True),
        Metric(_binary_accuracy, True, "binary_accuracy", percent=True, mean=True),
        Metric(_absolute_errors, False, "mae", mean=True),
        Metric(_squared_errors, False, "mse", mean=True),
        Metric(_r2, True, "r2"),
        Metric(_auc, True, "auc"),
    )
}
ACCURACIES = ("accuracy", "binary_accuracy")

# Ends of scikit-learn's names, which say the direction (its guide, "Metrics and scoring").
BETTER = {"_score": True, "_error": False, "_loss": False, "_deviance": False}


def metric_of(given: Any, where: str, *, directed: bool) -> Metric | Literal["auto"] | None:
    """Return a metric by its name, as it is, or of a function.

    Args:
        given: a name, a `Metric`, a function of outputs and targets, ``"auto"`` or None.
        where: for messages.
        directed: whether it must be known which way is better.

    Raises:
        SpecError: for an unknown name, or a function whose direction is not known though needed.
    """
    if given is None:
        return None
    if isinstance(given, str) and given == "auto":
        return "auto"
    if isinstance(given, str):
        if given not in NAMED:
            raise SpecError(
                f"{where}: no metric {given!r}{nearest(given, NAMED)} (there are: "
                f"{', '.join(NAMED)}, a qnn.Metric, or any function of outputs and targets)"
            )
        return NAMED[given]
    if not callable(given):
        raise SpecError(
            f"{where}: metric must be a name, a qnn.Metric or a function, got {given!r}"
        )
    metric = given if isinstance(given, Metric) else Metric(given, _direction(given))
    if directed and metric.greater_is_better is None:
        raise SpecError(
            f"{where}: which way is {metric.name} better? Say it with "
            f"metric=qnn.Metric({metric.name}, greater_is_better=True) or False"
        )
    return metric


def _direction(function: Any) -> bool | None:
    """Return which way a function of scikit-learn is better; None of any other."""
    function = unwrapped(function)
    if not str(getattr(function, "__module__", "")).startswith("sklearn."):
        return None
    name = str(getattr(function, "__name__", ""))
    return next((better for end, better in BETTER.items() if name.endswith(end)), None)


# What a loss means

Problem = Callable[[Any, Any], str]

LABELLED = (ops.softmax_cross_entropy, ops.squared_hinge)
YES_OR_NO = (ops.binary_cross_entropy_with_logits,)
DISTANCES = (ops.mean_squared_error, ops.mean_absolute_error, ops.huber)


@dataclass(frozen=True)
class Meaning:
    """The metric that a loss means, as long as batches are of its kind.

    Attributes:
        metric: which.
        problem: why a batch is not of its kind, ``""`` if it is.
        values: of each sample, of batches that are.
    """

    metric: Metric
    problem: Problem
    values: Function


def meaning_of(loss: Any) -> Meaning | None:
    """Return what a loss means: accuracy of classes, of yes and no, or nothing.

    A loss that is not known may be of classes: then the batches decide, see `no_classes`.
    """
    function = unwrapped(loss)
    if function in DISTANCES:
        return None
    if function in YES_OR_NO:
        return Meaning(NAMED["binary_accuracy"], no_answers, right_answers)
    # The loss has checked the labels then.
    problem = _one_column if function in LABELLED else no_classes
    return Meaning(NAMED["accuracy"], problem, right_classes)


def _one_column(outputs: Array, targets: Array) -> str:
    return "one column" if outputs.shape[1] < 2 else ""


class Meter:
    """A metric over batches.

    Args:
        metric: the metric, ``"auto"`` for what the loss means, None for none.
        loss: the loss.

    Attributes:
        metric: which it is; None if there is none, or if it was to be what the loss means and a
            batch was of another kind.
    """

    def __init__(self, metric: Metric | Literal["auto"] | None, loss: Any) -> None:
        self._meaning = meaning_of(loss) if metric == "auto" else None
        self.metric: Metric | None = None
        if isinstance(metric, Metric):
            self.metric = metric
        elif self._meaning is not None:
            self.metric = self._meaning.metric
        self._sum = self._weight = 0.0
        self._parts: list[tuple[Any, Any, Array | None]] = []

    def add(self, outputs: Any, batch: Batch) -> None:
        """Count one batch: arrays that a model gave, and what it was given."""
        if self.metric is None:
            return
        if self._meaning is not None:
            if self._meaning.problem(outputs, batch.targets):
                self.metric = None
            else:
                self._count(self._meaning.values(outputs, batch.targets), batch)
        elif self.metric.mean:
            self._count(self.metric.values(outputs, batch.targets), batch)
        else:
            # Copies: who gives batches may use the same memory for each.
            targets, weights = (mapped(part, np.array) for part in batch[1:])
            self._parts.append((outputs, targets, weights))

    def _count(self, values: Array, batch: Batch) -> None:
        if batch.weights is None:
            booleans = values.dtype.kind == "b"
            self._sum += float(np.count_nonzero(values) if booleans else values.sum())
            self._weight += len(values)
        else:
            self._sum += float(values @ batch.weights)
            self._weight += float(batch.weights.sum())

    def so_far(self) -> float | None:
        """Return the mean of the batches so far; None if the metric is no mean."""
        if self.metric is None or not self._weight:
            return None
        return self._sum / self._weight

    def result(self) -> float | None:
        """Return the metric over all batches; None if there is none."""
        if self.metric is None or not self._parts:
            return self.so_far()
        outputs, targets, weights = zip(*self._parts, strict=True)
        given = None if weights[0] is None else joined(weights)
        return self.metric(joined(outputs), joined(targets), given)
