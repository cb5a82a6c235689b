"""What classifiers share: labels, their weights, and probabilities."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from ..ops import softmax_cross_entropy
from .estimator import QuantEstimator

Array = NDArray[Any]


@dataclass(eq=False, repr=False, kw_only=True)
class Classifier(ClassifierMixin, QuantEstimator):
    """A classifier around a net with a score for each class, trained by softmax cross-entropy."""

    class_weight: Any = None

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one pass over some data, which go on where the last ones ended.

        The learning rate is constant. Inputs are standardized by all data that were there so far.

        Args:
            X: numbers ``[n, features]``.
            y: labels ``[n]``.
            classes: all labels that will ever come; needed at the first call.
            sample_weight: ``[n]``, what each sample counts.

        Raises:
            ValueError: if `classes` is missing, or another than before; for a label that is none
                of them; for ``class_weight="balanced"``, which needs all labels at once.
        """
        where, first = type(self).__name__, not hasattr(self, "model_")
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"{where}: class_weight={self.class_weight!r} needs all data at once, which "
                "partial_fit has not; give weights as a dictionary or by sample_weight"
            )
        if first and classes is None:
            raise ValueError(f"{where}: classes must be given at the first call of partial_fit")
        if classes is not None:
            classes = np.unique(np.asarray(classes))
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"{where}: classes={classes} are not those of before, {self.classes_}"
                )
        self._classes_to_come = classes if first else self.classes_
        try:
            return self._partial_fit(X, y, sample_weight, first)
        finally:
            del self._classes_to_come

    def decision_function(self, X: Any) -> Array:
        """Return the net's scores: ``[n, classes]``; of two classes how much more the second has.

        Args:
            X: numbers ``[n, features]``.
        """
        scores = self._answers(X).astype(np.float64)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Any) -> Array:
        """Return the softmax of the net's scores, ``[n, classes]`` in the order of ``classes_``.

        Args:
            X: numbers ``[n, features]``.
        """
        scores = self._answers(X).astype(np.float64)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        share: Array = powers / powers.sum(axis=1, keepdims=True)
        return share

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, without underflow.

        Args:
            X: numbers ``[n, features]``.
        """
        scores = self._answers(X).astype(np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        logarithms: Array = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return logarithms

    def predict(self, X: Any) -> Array:
        """Return the label with the greatest score for each sample.

        Args:
            X: numbers ``[n, features]``.
        """
        best = self._answers(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels

    def _targets(self, y: Array, *, first: bool) -> Array:
        where = type(self).__name__
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        to_come = getattr(self, "_classes_to_come", None)
        before = getattr(self, "classes_", None) if to_come is None and not first else to_come
        classes = np.unique(y) if before is None else before
        if len(classes) < 2:
            raise ValueError(
                f"{where}: at least two classes are needed, the data have one class: {classes[0]!r}"
            )
        unknown = np.setdiff1d(y, classes)
        if len(unknown):
            raise ValueError(f"{where}: y has the labels {unknown}, the classes are {classes}")
        self.classes_: Array = classes
        return np.searchsorted(classes, y)

    def _outputs_of(self, targets: Array) -> int:
        return len(self.classes_)

    def _loss(self) -> tuple[Any, str]:
        return softmax_cross_entropy, "accuracy"

    def _weights(self, targets: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        classes = len(self.classes_)
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            # By weights: a sample of weight 2 is two samples.
            counts = np.bincount(targets, weights, minlength=classes).astype(np.float64)
            of_class = counts.sum() / (classes * np.where(counts > 0, counts, 1))
        else:
            y = self.classes_[targets]
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        both: Array = of_class[targets] * (1.0 if weights is None else weights)
        return both
