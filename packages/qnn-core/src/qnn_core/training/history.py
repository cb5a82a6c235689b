"""What a training run measured, epoch by epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """Measurements of one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: mean training loss over the epoch, weighted by batch size.
        accuracy: share of training samples that were classified right while training, 0..1; None
            if the targets are no labels.
        val_loss, val_accuracy: the same on the validation data after the epoch; None without any.
        lr: learning rate at its last step.
        seconds: wall time of its training steps.
        samples_per_second: training samples over that time.
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    lr: float
    seconds: float
    samples_per_second: float


@dataclass
class History:
    """The epochs of a run, in order.

    Example:
        >>> history = History([Epoch(1, 0.5, 0.8, 0.6, 0.7, 0.1, 1.0, 100.0)])
        >>> history.best_epoch, history.last.val_accuracy
        (1, 0.7)
    """

    epochs: list[Epoch] = field(default_factory=list)

    @property
    def last(self) -> Epoch:
        """The last epoch."""
        return self.epochs[-1]

    @property
    def best(self) -> Epoch:
        """The first epoch with the greatest accuracy, or, without accuracies, the least loss.

        It is judged on the validation data if there are any, else on the training data.
        """
        return max(self.epochs, key=_merit)

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, from 1."""
        return self.best.epoch

    def stalled(self, patience: int | None) -> bool:
        """Return whether the last `patience` epochs brought no better one."""
        if patience is None or not self.epochs:
            return False
        return self.last.epoch - self.best_epoch >= patience

    def to_list(self) -> list[dict[str, Any]]:
        """Return the epochs as dictionaries, for JSON."""
        return [asdict(epoch) for epoch in self.epochs]

    @classmethod
    def from_list(cls, epochs: list[dict[str, Any]]) -> "History":
        """Undo `to_list`."""
        return cls([Epoch(**epoch) for epoch in epochs])


def _merit(epoch: Epoch) -> float:
    if epoch.val_accuracy is not None:
        return epoch.val_accuracy
    if epoch.val_loss is not None:
        return -epoch.val_loss
    return epoch.accuracy if epoch.accuracy is not None else -epoch.loss
