"""What a training run measured, epoch by epoch."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..display import saved
from ..errors import StateError
from .history_figure import history_figure
from .history_table import history_html, history_text
from .metrics import ACCURACIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What a history goes by, in this order: the first that every epoch has.
CRITERIA = ("val_metric", "val_loss", "metric", "loss")


@dataclass(frozen=True)
class Epoch:
    """Measurements of one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: mean training loss over the epoch, weighted by batch size.
        accuracy: share of training samples that were classified right while training, 0..1; None
            if they are not classified.
        val_loss, val_accuracy: the same on the validation data after the epoch; None without any.
        lr: learning rate at its last step.
        seconds: wall time of its training steps.
        samples_per_second: training samples over that time.
        metric: value of the metric on the training data while training; None if there is none.
        val_metric: that on the validation data after the epoch; None without any.
        metric_name: name of the metric, ``""`` if there is none; an accuracy is a metric.
        greater_is_better: its direction.

    Example:
        >>> epoch = Epoch(1, 0.5, 0.8, 0.6, 0.75, lr=0.1, seconds=2.0, samples_per_second=500.0)
        >>> epoch.metric_name, epoch.val_metric
        ('accuracy', 0.75)
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    lr: float
    seconds: float
    samples_per_second: float
    metric: float | None = None
    val_metric: float | None = None
    metric_name: str = ""
    greater_is_better: bool = True

    def __post_init__(self) -> None:
        # Epochs of files written before there were other metrics.
        given = self.accuracy is not None or self.val_accuracy is not None
        if not self.metric_name and given:
            object.__setattr__(self, "metric", self.accuracy)
            object.__setattr__(self, "val_metric", self.val_accuracy)
            object.__setattr__(self, "metric_name", ACCURACIES[0])


@dataclass
class History:
    """The epochs of a run, in order; a terminal shows a table, a notebook the curves too.

    Attributes:
        epochs: those so far.
        warnings: what `fit` has warned of; a checkpoint does not keep it.
        validated: what ran the last pass over the validation data, the model or its packed model,
            and why; ``""`` without any. Nor is this kept.

    Example:
        >>> history = History([Epoch(1, 0.5, 0.8, 0.6, 0.7, 0.1, 1.0, 100.0)])
        >>> history.best_epoch, history.last.val_accuracy, history.criterion
        (1, 0.7, 'val_accuracy')
    """

    epochs: list[Epoch] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list, compare=False)
    validated: str = field(default="", compare=False)

    @property
    def last(self) -> Epoch:
        """The last epoch."""
        return self.epochs[-1]

    @property
    def criterion(self) -> str:
        """What `best`, and so `fit`'s ``keep`` and ``patience``, go by.

        The metric if there is one, else the loss; of the validation data if there are any, else of
        the training data: such as ``"val_accuracy"``, ``"val_r2"``, ``"val_loss"`` or ``"loss"``.
        The greatest is best, or the least: of a loss, and of a metric that says so.
        """
        name = self._criterion()
        return name.replace("metric", self.last.metric_name)

    @property
    def best(self) -> Epoch:
        """The first epoch with the best value of the `criterion`.

        NaN is never best. If no epoch has a number, it is the last.
        """
        merits = self._merits()
        best = max(merits)
        return self.epochs[merits.index(best)] if best > -math.inf else self.last

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, from 1."""
        return self.best.epoch

    def stalled(self, patience: int | None) -> bool:
        """Return whether the last `patience` epochs brought no better one."""
        if patience is None or not self.epochs:
            return False
        merits = self._merits()
        better = [n for n, merit in enumerate(merits) if merit > max(merits[:n], default=-math.inf)]
        return len(merits) - (better[-1] + 1 if better else 0) >= patience

    @overload
    def plot(self, path: None = None, *, ax: "Axes | None" = None) -> "Figure": ...

    @overload
    def plot(self, path: str | Path, *, ax: "Axes | None" = None) -> Path: ...

    def plot(self, path: str | Path | None = None, *, ax: "Axes | None" = None) -> "Figure | Path":
        """Draw loss and metric over the epochs; a dotted line is the best epoch.

        Args:
            path: of a picture, whose suffix says the format, such as .png or .svg; None for none.
            ax: axes of matplotlib to draw in, which are divided if there is a metric; None for a
                figure of its own.

        Returns:
            The figure, which a notebook shows; with a path, that.

        Raises:
            ImportError: if matplotlib is not installed.
            StateError: if there is no epoch.
            SpecError: if matplotlib knows no such format.
        """
        if not self.epochs:
            raise StateError("plot: the history has no epoch yet: there is nothing to draw")
        figure = history_figure(self, ax)
        return figure if path is None else saved(figure, path, "plot")

    def __repr__(self) -> str:
        return history_text(self)

    def _repr_html_(self) -> str:
        return history_html(self)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the epochs as dictionaries, for JSON."""
        return [_described(epoch) for epoch in self.epochs]

    @classmethod
    def from_list(cls, epochs: list[dict[str, Any]]) -> "History":
        """Undo `to_list`."""
        return cls([Epoch(**epoch) for epoch in epochs])

    def _criterion(self) -> str:
        return next(n for n in CRITERIA if all(getattr(e, n) is not None for e in self.epochs))

    def _merits(self) -> list[float]:
        """Return a number for each epoch of which the greatest is best; NaN is the least."""
        name = self._criterion()
        greater = name.endswith("metric") and self.last.greater_is_better
        values = [
            getattr(epoch, name) if greater else -getattr(epoch, name) for epoch in self.epochs
        ]
        return [-math.inf if math.isnan(value) else value for value in values]


def _described(epoch: Epoch) -> dict[str, Any]:
    described = asdict(epoch)
    if epoch.metric_name in ("", ACCURACIES[0]):
        # As files always had it: the accuracy says all.
        for name in ("metric", "val_metric", "metric_name", "greater_is_better"):
            del described[name]
    return described
