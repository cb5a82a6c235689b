"""Loss and accuracy of a model on data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..autodiff import Tensor, no_grad
from ..nn import Module
from ..ops import softmax_cross_entropy
from .batches import Batches, checked_batches, correct

Loss = Callable[[Tensor, Any], Tensor]


@dataclass(frozen=True)
class Evaluation:
    """A model's result on data.

    Attributes:
        loss: mean over all samples.
        accuracy: share of samples classified right, 0..1; None if the targets are no labels.
        samples: number of samples.
    """

    loss: float
    accuracy: float | None
    samples: int


class Tally:
    """Adds up loss and accuracy over batches."""

    def __init__(self) -> None:
        self.samples = 0
        self._loss = 0.0
        self._correct: int | None = 0

    def add(self, loss: float, scores: Any, targets: Any) -> None:
        """Count one batch with its mean loss."""
        self.samples += len(targets)
        self._loss += loss * len(targets)
        right = correct(scores, targets)
        self._correct = None if right is None or self._correct is None else self._correct + right

    def result(self) -> Evaluation:
        """Return the means so far."""
        accuracy = None if self._correct is None else self._correct / self.samples
        return Evaluation(self._loss / self.samples, accuracy, self.samples)


def evaluate(model: Module, data: Batches, *, loss: Loss = softmax_cross_entropy) -> Evaluation:
    """Return the mean loss and the accuracy of `model`, in evaluation mode, on `data`.

    Args:
        model: takes a batch of inputs, gives one row per sample.
        data: batches ``(inputs, targets)``.
        loss: ``loss(outputs, targets)``, a mean over the batch.

    Raises:
        ShapeError: if there are no data.
        NonFiniteError: if the inputs hold NaN or infinity.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.evaluate(qnn.MLP([2, 2], seed=0), [(np.eye(2), np.array([0, 1]))]).samples
        2
    """
    modes = [(module, module.training) for _, module in model.named_modules()]
    tally = Tally()
    model.eval()
    try:
        with no_grad():
            for x, targets in checked_batches(data, model.dtype, "evaluate"):
                scores = model(Tensor.of(x))
                tally.add(loss(scores, targets).item(), scores.array, targets)
    finally:
        for module, training in modes:
            module.training = training
    return tally.result()
