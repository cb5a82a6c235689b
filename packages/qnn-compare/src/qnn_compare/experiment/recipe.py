"""Recipes: how the nets of a comparison are trained."""

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any

from qnn_core.errors import CompareError, nearest
from qnn_core.nn import Module
from qnn_core.ops import softmax_cross_entropy
from qnn_core.optim import SGD, Adam, AdamW, Cosine, Optimizer, Schedule, WarmUp
from qnn_core.training.evaluate import Loss

from .arguments import number, short, whole
from .fingerprint import fingerprint

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}

MOST = 2**31 - 1

# A name, or a function of the model and the number of steps.
OptimizerOf = str | Callable[[Module, int], Optimizer]


@dataclass(frozen=True)
class Recipe:
    """How a net is trained: that of the study, which a config may change.

    Attributes:
        epochs: passes over the training data.
        batch_size: of training; data that are a function of the seed have their own.
        lr: greatest learning rate; half a cosine takes it to zero.
        optimizer: "adam", "adamw" or "sgd" (momentum 0.9), or ``optimizer(model, steps)``, for
            which `lr` means nothing.
        loss: ``loss(outputs, labels)``, a mean over the batch.
        weight_decay: of the optimizer that is named.
        warm_up: epochs over which the learning rate first rises evenly from zero.
        post_training: 0 to train with the quantizers; else the net is trained without any, and
            then quantized by `qnn.quantize`, on so many training samples.
    """

    epochs: int
    batch_size: int = 100
    lr: float = 1e-3
    optimizer: OptimizerOf = "adam"
    loss: Loss = softmax_cross_entropy
    weight_decay: float = 0.0
    warm_up: int = 0
    post_training: int = 0

    def check(self) -> None:
        """Raise a CompareError if it is none."""
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not 1 <= (whole(value) or 0) <= MOST:
                raise CompareError(
                    f"compare: {name} must be a whole number >= 1, got {short(value)}"
                )
        for name in ("warm_up", "post_training"):
            value = getattr(self, name)
            if not 0 <= (-1 if whole(value) is None else whole(value) or 0) <= MOST:
                raise CompareError(
                    f"compare: {name} must be a whole number >= 0, got {short(value)}"
                )
        if self.warm_up >= self.epochs:
            raise CompareError(
                f"compare: warm_up must be fewer epochs than the {self.epochs} of training, got "
                f"{self.warm_up}: the learning rate would only rise"
            )
        if not 0 < (number(self.lr) or 0) < float("inf"):
            raise CompareError(f"compare: lr must be a number > 0, got {short(self.lr)}")
        if not 0 <= (-1 if (decay := number(self.weight_decay)) is None else decay) < float("inf"):
            raise CompareError(
                f"compare: weight_decay must be a number >= 0, got {short(self.weight_decay)}"
            )
        if not callable(self.loss):
            raise CompareError(f"compare: loss must be loss(outputs, labels), got {self.loss!r}")
        named = isinstance(self.optimizer, str) and self.optimizer in OPTIMIZERS
        if not named and not callable(self.optimizer):
            raise CompareError(
                f"compare: optimizer must be one of {', '.join(OPTIMIZERS)}, or a function of the "
                f"model and the number of steps, got {self.optimizer!r}"
                + nearest(str(self.optimizer), OPTIMIZERS)
            )

    def optimizer_for(self, model: Module, batches: Any) -> Optimizer:
        """Return the optimizer of a model that is trained on these batches."""
        count = len(batches) if isinstance(batches, Sized) else sum(1 for _ in batches)
        steps = count * self.epochs
        if callable(self.optimizer):
            return self.optimizer(model, steps)
        rising = count * self.warm_up
        schedule: Schedule = Cosine(max(1, steps - rising))
        if rising:
            schedule = WarmUp(rising, schedule)
        options: dict[str, Any] = {"schedule": schedule, "weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            options["momentum"] = 0.9
        kind: Callable[..., Optimizer] = OPTIMIZERS[self.optimizer]
        return kind(model.named_parameters(), self.lr, **options)

    def described(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        named = {
            name: value if isinstance(value, str) else fingerprint(value)
            for name, value in (("optimizer", self.optimizer), ("loss", self.loss))
        }
        numbers = {"epochs": self.epochs, "batch_size": self.batch_size, "lr": self.lr}
        # What is left as it was is not told: studies of before have no such field.
        later = ("weight_decay", "warm_up", "post_training")
        return numbers | named | {name: value for name in later if (value := getattr(self, name))}

    def changed(self, changes: Mapping[str, Any]) -> "Recipe":
        """Return it with some fields changed, checked."""
        return replace(self, **changes).plain()

    def plain(self) -> "Recipe":
        """Return it, checked, with numbers of Python in the place of NumPy's."""
        self.check()
        wholes = ("epochs", "batch_size", "warm_up", "post_training")
        values: dict[str, Any] = {name: whole(getattr(self, name)) for name in wholes}
        values |= {name: number(getattr(self, name)) for name in ("lr", "weight_decay")}
        return replace(self, **values)
