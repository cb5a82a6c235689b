"""Recipes: how the nets of a comparison are trained."""

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, fields, replace
from typing import Any

from qnn_core import ops
from qnn_core.errors import CompareError, nearest
from qnn_core.nn import Module
from qnn_core.ops import softmax_cross_entropy
from qnn_core.optim import SGD, Adam, AdamW, Constant, Cosine, Optimizer, Schedule, WarmUp
from qnn_core.training import Distillation, Epoch
from qnn_core.training.evaluate import Loss

from .arguments import number, short, whole
from .fingerprint import fingerprint

LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        *(ops.softmax_cross_entropy, ops.squared_hinge, ops.binary_cross_entropy_with_logits),
        *(ops.mean_squared_error, ops.mean_absolute_error, ops.huber),
    )
}
OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}

MOST = 2**31 - 1

# A name, or a function of the model and the number of steps.
OptimizerOf = str | Callable[[Module, int], Optimizer]
# A name, or a function of the number of steps.
ScheduleOf = str | Callable[[int], Schedule]
Augment = Callable[[Any, Any], Any]
OnEpoch = Callable[[Module, Epoch], object]

SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "cosine": Cosine,
    "constant": lambda _: Constant(),
}
WHOLE = ("epochs", "batch_size", "warm_up", "post_training", "calibration")
REAL = ("lr", "weight_decay", "momentum", "temperature", "teacher_weight", "validation")


@dataclass(frozen=True)
class Recipe:
    """How a net is trained: that of the study, which a config may change.

    Attributes:
        epochs: passes over the training data.
        batch_size: of training; data that are a function of the seed have their own.
        lr: greatest learning rate; half a cosine takes it to zero.
        optimizer: "adam", "adamw" or "sgd" (momentum 0.9), or ``optimizer(model, steps)``, for
            which `lr` means nothing.
        loss: ``loss(outputs, labels)``, a mean over the batch, or its name in `qnn.ops`.
        weight_decay: of the optimizer that is named.
        warm_up: epochs over which the learning rate first rises evenly from zero.
        post_training: 0 to train with the quantizers; else the net is trained without any, and
            then quantized by `qnn.quantize`, on so many training samples.
        schedule: of the learning rate: "cosine", half of one to zero, "constant", or
            ``schedule(steps)``, which returns one of `qnn.optim`; the warm-up comes before it.
        momentum: of "sgd".
        clip_norm: greatest norm of the gradients; None for no limit.
        augment: ``augment(samples, rng)`` returns the samples of a batch as they are trained on;
            `rng` depends on the seed and the epoch alone.
        on_epoch: ``on_epoch(model, epoch)``, called after each epoch; what it changes counts.
        calibration: on how many training samples the scales of inputs are fitted, where a net
            begins with the weights of a trained one.
        temperature, teacher_weight: of the loss, where there is a teacher; see `qnn.Distillation`.
        bias_correction: whether biases make up for what quantizing a trained net shifts, before
            training goes on; see `qnn.correct_biases`.
        validation: the share of the training samples, the same ones in each run, that are held back
            for `keep` and `patience`; no choice is made by test samples.
        keep: "last", or "best": the weights of the epoch that did best on what was held back.
        patience: end after so many epochs without a better one, by the same; None for never.

    Example:
        >>> recipe = Recipe(epochs=5, lr=0.01)
        >>> recipe.schedule, recipe.batch_size
        ('cosine', 100)
    """

    epochs: int
    batch_size: int = 100
    lr: float = 1e-3
    optimizer: OptimizerOf = "adam"
    loss: Loss | str = softmax_cross_entropy
    weight_decay: float = 0.0
    warm_up: int = 0
    post_training: int = 0
    schedule: ScheduleOf = "cosine"
    momentum: float = 0.9
    clip_norm: float | None = None
    augment: Augment | None = None
    on_epoch: OnEpoch | None = None
    calibration: int = 1000
    temperature: float = 4.0
    teacher_weight: float = 0.5
    bias_correction: bool = False
    validation: float = 0.0
    keep: str = "last"
    patience: int | None = None

    def check(self, *, started: bool = False) -> None:
        """Raise a CompareError if it is none.

        Args:
            started: whether it begins with a trained net, which needs no training of its own.
        """
        least = {"epochs": 0 if started else 1, "batch_size": 1, "calibration": 1}
        for name in WHOLE:
            value, from_ = getattr(self, name), least.get(name, 0)
            if not from_ <= (-1 if whole(value) is None else whole(value) or 0) <= MOST:
                raise CompareError(
                    f"compare: {name} must be a whole number >= {from_}, got {short(value)}"
                )
        if self.warm_up >= max(self.epochs, 1):
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
        for name in ("momentum", "teacher_weight"):
            if not 0 <= (-1 if (n := number(getattr(self, name))) is None else n) <= 1:
                raise CompareError(
                    f"compare: {name} must be a number from 0 to 1, got "
                    f"{short(getattr(self, name))}"
                )
        for name in ("temperature", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < (number(value) or 0) < float("inf"):
                raise CompareError(f"compare: {name} must be a number > 0, got {short(value)}")
        self._check_functions()
        self._check_choices()

    def _check_choices(self) -> None:
        if not isinstance(self.bias_correction, bool):
            told = short(self.bias_correction)
            raise CompareError(f"compare: bias_correction must be True or False, got {told}")
        if not 0 <= (-1 if (n := number(self.validation)) is None else n) < 1:
            raise CompareError(
                f"compare: validation must be a share from 0 to below 1, got "
                f"{short(self.validation)}"
            )
        if self.keep not in ("last", "best"):
            raise CompareError(f'compare: keep must be "last" or "best", got {short(self.keep)}')
        if self.patience is not None and (whole(self.patience) or 0) < 1:
            raise CompareError(
                f"compare: patience must be a whole number >= 1, got {short(self.patience)}"
            )
        if (self.keep == "best" or self.patience is not None) and not self.validation:
            raise CompareError(
                "compare: keep and patience choose by samples that are held back of the training "
                "data: give validation=0.1, or another share"
            )

    def _check_functions(self) -> None:
        for name, call in (("augment", "(samples, rng)"), ("on_epoch", "(model, epoch)")):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise CompareError(f"compare: {name} must be {name}{call}, got {value!r}")
        if not callable(self.loss) and self.loss not in LOSSES:
            raise CompareError(
                f"compare: loss must be loss(outputs, labels), or one of {', '.join(LOSSES)}, got "
                f"{self.loss!r}{nearest(str(self.loss), LOSSES)}"
            )
        named = isinstance(self.optimizer, str) and self.optimizer in OPTIMIZERS
        if not named and not callable(self.optimizer):
            raise CompareError(
                f"compare: optimizer must be one of {', '.join(OPTIMIZERS)}, or a function of the "
                f"model and the number of steps, got {self.optimizer!r}"
                + nearest(str(self.optimizer), OPTIMIZERS)
            )
        named = isinstance(self.schedule, str) and self.schedule in SCHEDULES
        if not named and not callable(self.schedule):
            raise CompareError(
                f"compare: schedule must be one of {', '.join(SCHEDULES)}, or a function of the "
                f"number of steps, got {self.schedule!r}{nearest(str(self.schedule), SCHEDULES)}"
            )

    def optimizer_for(self, model: Module, batches: Any) -> Optimizer:
        """Return the optimizer of a model that is trained on these batches."""
        count = len(batches) if isinstance(batches, Sized) else sum(1 for _ in batches)
        steps = count * self.epochs
        if callable(self.optimizer):
            return self.optimizer(model, steps)
        rising = count * self.warm_up
        of = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        schedule: Schedule = of(max(1, steps - rising))
        if rising:
            schedule = WarmUp(rising, schedule)
        options: dict[str, Any] = {"schedule": schedule, "weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            options["momentum"] = self.momentum
        kind: Callable[..., Optimizer] = OPTIMIZERS[self.optimizer]
        return kind(model.named_parameters(), self.lr, **options)

    @property
    def of_targets(self) -> Loss:
        """The loss as a function: of outputs and targets alone."""
        return LOSSES[self.loss] if isinstance(self.loss, str) else self.loss

    def loss_of(self, teacher: Module | None) -> Loss:
        """Return the loss, with what a net learns from its teacher, if there is one."""
        loss = self.of_targets
        if teacher is None:
            return loss
        return Distillation(
            teacher, temperature=self.temperature, weight=self.teacher_weight, loss=loss
        )

    def described(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        first = ("epochs", "batch_size", "lr", "optimizer", "loss")
        # What is left as it was is not told: studies of before have no such field.
        told = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name in first or getattr(self, f.name) != f.default
        }
        return {name: fingerprint(v) if callable(v) else v for name, v in told.items()}

    def changed(self, changes: Mapping[str, Any], *, started: bool = False) -> "Recipe":
        """Return it with some fields changed, checked; see `check`."""
        return replace(self, **changes).plain(started=started)

    def plain(self, *, started: bool = False) -> "Recipe":
        """Return it, checked, with numbers of Python in the place of NumPy's."""
        self.check(started=started)
        values: dict[str, Any] = {name: whole(getattr(self, name)) for name in WHOLE}
        values |= {name: number(getattr(self, name)) for name in REAL}
        values["loss"] = self.of_targets
        if self.clip_norm is not None:
            values["clip_norm"] = number(self.clip_norm)
        if self.patience is not None:
            values["patience"] = whole(self.patience)
        return replace(self, **values)


# What `compare` has arguments for.
ARGUMENTS = ("epochs", "batch_size", "lr", "optimizer", "loss", "weight_decay", "warm_up")


def recipe_of(recipe: Recipe, more: Mapping[str, Any] | None) -> Recipe:
    """Return a recipe with what else was given for it, checked.

    Raises:
        CompareError: if it is none.
    """
    known = [f.name for f in fields(Recipe) if f.name not in ARGUMENTS]
    if more is not None and not (isinstance(more, Mapping) and {*more} <= {*known}):
        wrong = [name for name in more if name not in known] if isinstance(more, Mapping) else []
        own = [name for name in wrong if name in ARGUMENTS]
        told = f"{own[0]} is an argument of its own" if own else f"got {short(more)}"
        raise CompareError(
            f"compare: recipe must be a mapping with some of {', '.join(known)}; {told}"
            + (nearest(str(wrong[0]), known) if wrong else "")
        )
    return recipe.changed(more or {})


def arguments_of(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments of `compare` that give a recipe, but for post-training."""
    more = {
        f.name: getattr(recipe, f.name)
        for f in fields(Recipe)
        if f.name not in ARGUMENTS and f.name != "post_training"
    }
    return {name: getattr(recipe, name) for name in ARGUMENTS} | {"recipe": more}
