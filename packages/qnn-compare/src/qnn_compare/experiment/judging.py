"""What nets are judged by: a metric, and what it asks of data and outputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.data import joined, leaves
from qnn_core.errors import CompareError, ShapeError, SpecError
from qnn_core.training import Metric
from qnn_core.training.evaluate import Loss
from qnn_core.training.metrics import ACCURACIES, NAMED, meaning_of, metric_of

from .fingerprint import Fingerprint, fingerprint

Array = NDArray[Any]


@dataclass(frozen=True)
class Judged:
    """The value of a net on the test data.

    Attributes:
        value: of the metric.
        samples: of each sample, bool for right answers or float64; empty if it is no mean.
    """

    value: float
    samples: Array


def judge_of(given: Any, loss: Loss) -> Metric:
    """Return the metric that a study is judged by.

    Args:
        given: a name, a `qnn.Metric`, a function whose direction is known, or None for what the
            loss means.
        loss: of the study.

    Raises:
        CompareError: if it is none, or the loss means none.

    Example:
        >>> from qnn_core.ops import mean_squared_error, softmax_cross_entropy
        >>> judge_of(None, softmax_cross_entropy).name, judge_of("mae", mean_squared_error).name
        ('accuracy', 'mae')
    """
    try:
        found = metric_of(given, "compare", directed=True)
    except SpecError as error:
        raise CompareError(str(error)) from error
    if isinstance(found, Metric):
        return found
    meaning = meaning_of(loss)
    if meaning is None:
        name = getattr(loss, "__name__", type(loss).__name__)
        raise CompareError(
            f"compare: {name} is a distance, which means no metric: give metric=, such as "
            '"mae", "mse" or "r2", and the margin that is too small to matter in its unit'
        )
    return meaning.metric


def of_classes(metric: Metric) -> bool:
    """Whether targets are labels of classes, and outputs a score for each."""
    return metric == NAMED["accuracy"]


def judged(metric: Metric, outputs: list[Any], targets: list[Any]) -> Judged:
    """Return the value of a net on batches of the test data.

    Args:
        metric: what it is judged by.
        outputs: of each batch what the net gave: an array, or several in tuples and dictionaries.
        targets: of each batch, in the same way.

    Raises:
        ShapeError: if the metric gives no value for each sample.
        ValueError: if a value is no number: a mean of them would be none.
    """
    if of_classes(metric):
        pairs = zip(outputs, targets, strict=True)
        right = np.concatenate([scores.argmax(axis=1) == labels for scores, labels in pairs])
        return Judged(float(np.mean(right)), right)
    if not metric.mean:
        value = metric(joined(outputs), joined(targets))
        if not np.isfinite(value):
            raise ValueError(f"the metric {metric.name} of the test samples is {value}")
        return Judged(value, np.zeros(0, np.bool_))
    samples = np.concatenate(
        [_values(metric, *batch) for batch in zip(outputs, targets, strict=True)]
    )
    answers = metric.name in ACCURACIES and bool(np.isin(samples, (0, 1)).all())
    return Judged(float(np.mean(samples)), samples.astype(np.bool_ if answers else np.float64))


def _values(metric: Metric, outputs: Any, targets: Any) -> Array:
    """Return the value of each sample of a batch."""
    values, count = metric.values(outputs, targets), len(leaves(targets)[0])
    if len(values) != count:
        raise ShapeError(
            f"the metric {metric.name} must give a value for each sample: it gave {len(values)} "
            f"for {count} samples"
        )
    if not np.isfinite(values).all():
        wrong = int(np.sum(~np.isfinite(values)))
        raise ValueError(
            f"the metric {metric.name} is NaN or infinite for {wrong} of {count} test samples"
        )
    return values


def told_judge(metric: Metric) -> str | Fingerprint | None:
    """Return what tells a metric of the user's from others; None for one that has a name."""
    return None if NAMED.get(metric.name) == metric else fingerprint(metric.function)


def is_share(metric: Metric) -> bool:
    """Whether it is a share from 0 to 1."""
    return metric.percent or metric.name in ACCURACIES
