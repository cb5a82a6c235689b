"""What regressors share: targets in their units, and the loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from ..errors import SpecError, nearest
from ..ops import huber, mean_absolute_error, mean_squared_error
from .estimator import QuantEstimator
from .scaling import Rescale

Array = NDArray[Any]

LOSSES: Mapping[str, tuple[Any, str]] = {
    "squared_error": (mean_squared_error, "mse"),
    "absolute_error": (mean_absolute_error, "mae"),
    "huber": (huber, "mae"),
}


@dataclass(eq=False, repr=False, kw_only=True)
class Regressor(RegressorMixin, QuantEstimator):
    """A regressor around a net with an output for each column of the targets.

    The net learns targets of mean 0 and variance 1; a last layer brings them back.
    """

    loss: str = "squared_error"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one pass over some data, which go on where the last ones ended.

        The learning rate is constant. Inputs and targets are standardized by all data that were
        there so far.

        Args:
            X: numbers ``[n, features]``.
            y: numbers ``[n]`` or ``[n, outputs]``.
            sample_weight: ``[n]``, what each sample counts.
        """
        return self._partial_fit(X, y, sample_weight, not hasattr(self, "model_"))

    def predict(self, X: Any) -> Array:
        """Return the net's answers, float64, in the shape that the targets had.

        Args:
            X: numbers ``[n, features]``.
        """
        answers = self._answers(X).astype(np.float64)
        return answers[:, 0] if self._flat else answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not isinstance(self.loss, str) or self.loss not in LOSSES:
            raise SpecError(
                f"{type(self).__name__}: loss must be one of {', '.join(LOSSES)}, got "
                f"{self.loss!r}{nearest(str(self.loss), LOSSES)}"
            )

    def _labels(self) -> dict[str, Any]:
        return {"multi_output": True, "y_numeric": True}

    def _targets(self, y: Array, *, first: bool) -> Array:
        flat = y.ndim == 1
        targets = y.reshape(len(y), -1).astype(np.float64)
        if np.abs(targets).max() > np.finfo(np.float32).max:
            raise ValueError(
                f"{type(self).__name__}: y holds a value too large for dtype('float32'), in which "
                "all is computed"
            )
        if first:
            self._flat, self.n_outputs_ = flat, targets.shape[1]
        elif targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"{type(self).__name__}: y has {targets.shape[1]} columns, before it had "
                f"{self.n_outputs_}"
            )
        return targets

    def _outputs_of(self, targets: Array) -> int:
        return int(targets.shape[1])

    def _new_rescale(self, outputs: int) -> Rescale | None:
        return Rescale(outputs)

    def _loss(self) -> tuple[Any, str]:
        return LOSSES[self.loss]
