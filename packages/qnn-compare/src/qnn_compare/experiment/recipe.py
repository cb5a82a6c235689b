"""How every net of a comparison is trained."""

from collections.abc import Callable, Sized
from dataclasses import dataclass, replace
from typing import Any

from qnn_core.errors import CompareError, nearest
from qnn_core.nn import Module
from qnn_core.ops import softmax_cross_entropy
from qnn_core.optim import SGD, Adam, AdamW, Cosine, Optimizer
from qnn_core.training.evaluate import Loss

from .arguments import number, short, whole
from .fingerprint import fingerprint

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}

MOST = 2**31 - 1

# A name, or a function of the model and the number of steps.
OptimizerOf = str | Callable[[Module, int], Optimizer]


@dataclass(frozen=True)
class Recipe:
    """What all configs share.

    Attributes:
        epochs: passes over the training data.
        batch_size: of training; data that are a function of the seed have their own.
        lr: learning rate at the start; half a cosine takes it to zero.
        optimizer: "adam", "adamw" or "sgd" (momentum 0.9), or ``optimizer(model, steps)``, for
            which `lr` means nothing.
        loss: ``loss(outputs, labels)``, a mean over the batch.
    """

    epochs: int
    batch_size: int = 100
    lr: float = 1e-3
    optimizer: OptimizerOf = "adam"
    loss: Loss = softmax_cross_entropy

    def check(self) -> None:
        """Raise a CompareError if it is none."""
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not 1 <= (whole(value) or 0) <= MOST:
                raise CompareError(
                    f"compare: {name} must be a whole number >= 1, got {short(value)}"
                )
        if not 0 < (number(self.lr) or 0) < float("inf"):
            raise CompareError(f"compare: lr must be a number > 0, got {short(self.lr)}")
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
        options: dict[str, Any] = {"schedule": Cosine(steps)}
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
        return numbers | named

    def plain(self) -> "Recipe":
        """Return it, checked, with numbers of Python in the place of NumPy's."""
        self.check()
        lr, epochs, batch_size = number(self.lr), whole(self.epochs), whole(self.batch_size)
        assert lr is not None
        assert epochs is not None
        assert batch_size is not None
        return replace(self, lr=lr, epochs=epochs, batch_size=batch_size)
