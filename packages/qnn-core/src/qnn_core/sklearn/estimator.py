"""What all estimators share: how they are trained, and how they answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from ..arguments import real, whole
from ..autodiff import Tensor, no_grad
from ..data import EVALUATION_BATCH
from ..errors import SpecError, nearest
from ..nn import Module, Reshape, Sequential
from ..optim import SGD, Adam, AdamW, Constant, Cosine
from ..training import History, fit
from .deployed import Deployable
from .samples import LEAST_BATCH, STEPS_ON_ALL, Samples, WeightedLoss, batch_size, merged
from .scaling import Moments, Rescale, Standardize

Array = NDArray[Any]

OPTIMIZERS: Mapping[str, Callable[..., Any]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": partial(SGD, momentum=0.9, nesterov=True),
}
SCHEDULES = ("constant", "cosine")
# Seeds of NumPy's older generators, which scikit-learn's are.
SEEDS = 2**31 - 1


# An estimator's parameters are the arguments of its __init__, which only stores them: a dataclass.
@dataclass(eq=False, repr=False, kw_only=True)
class QuantEstimator(Deployable, BaseEstimator, ABC):
    """An estimator around a net; see `QuantMLPClassifier` for the parameters."""

    standardize: bool = True
    max_iter: int = 50
    batch_size: int | str = "auto"
    optimizer: Any = "adam"
    learning_rate_init: float = 0.005
    learning_rate: Any = "cosine"
    weight_decay: float = 0.0
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    warm_start: bool = False
    random_state: Any = None
    verbose: bool = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a net on data, anew unless ``warm_start`` is set.

        Args:
            X: numbers ``[n, features]``: an array, a list or a frame.
            y: labels ``[n]`` of a classifier, numbers ``[n]`` or ``[n, outputs]`` of a regressor.
            sample_weight: ``[n]``, 0 or more: what each sample counts; None for the same. A sample
                of weight 0 is left out. Where all distinct samples fit into one batch, a sample of
                weight k gives the very net that it gives when it is there k times.

        Returns:
            The estimator.

        Raises:
            ValueError: for data or parameters that do not fit.
            TypeError: for sparse data, which are not taken.
            NonFiniteError: if the training diverges.
        """
        first = not (self.warm_start and hasattr(self, "model_"))
        x, targets, weights = self._checked(X, y, sample_weight, first=first)
        if first:
            self._begin(x, targets, weights)
        # Another training has another schedule, and so another optimizer.
        self._optimizer: Any = None
        return self._train(x, targets, weights, epochs=self.max_iter)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, first: bool) -> Self:
        x, targets, weights = self._checked(X, y, sample_weight, first=first)
        if first:
            self._begin(x, targets, weights)
        else:
            self._measure(x, targets, weights)
        if self._optimizer is None:
            self._optimizer = self._new_optimizer(Constant())
        samples = Samples.of(x, targets, weights)
        size = batch_size(self.batch_size, len(samples.x))
        self._run(samples, 1, self._optimizer, batch_size=size)
        self.n_iter_ += 1
        return self

    # What kinds of estimators differ in

    @abstractmethod
    def _net(self, inputs: Any, outputs: int, seed: int) -> Module:
        """Return a new net."""

    @abstractmethod
    def _targets(self, y: Array, *, first: bool) -> Array:
        """Return what the net is to learn, and note what was learned of the labels."""

    @abstractmethod
    def _outputs_of(self, targets: Array) -> int:
        """Return the number of the net's outputs."""

    @abstractmethod
    def _loss(self) -> tuple[Any, str]:
        """Return the loss, and the name of the metric that early stopping goes by."""

    def _weights(self, targets: Array, weights: Array | None) -> Array | None:
        """Return the samples' weights with those of their classes."""
        return weights

    def _labels(self) -> dict[str, Any]:
        """Return how `validate_data` is to check targets."""
        return {}

    # Steps of a fit

    def _checked(
        self, X: Any, y: Any, sample_weight: Any, *, first: bool
    ) -> tuple[Array, Array, Array | None]:
        """Return inputs, targets and weights as arrays, after all is checked."""
        self._check_parameters()
        with np.errstate(over="ignore"):  # what is too large is infinite then, and refused
            how = {"dtype": np.float32, "order": "C", **self._labels()}
            x, y = validate_data(self, X, y, reset=first, **how)
        weights = None
        if sample_weight is not None:
            options = {"dtype": np.float64, "ensure_non_negative": True}
            weights = np.asarray(_check_sample_weight(sample_weight, x, **options))
        targets = self._targets(y, first=first)
        weights = self._weights(targets, weights)
        if weights is not None and not (weights.min() >= 0 and weights.any()):
            raise ValueError(
                f"{type(self).__name__}: weights of samples, times those of their classes, must be "
                f"0 or more and not all zero, got {weights.min():g} to {weights.max():g}"
            )
        return x, targets, weights

    def _check_parameters(self) -> None:
        where = type(self).__name__
        for name, least in (("max_iter", 1), ("n_iter_no_change", 1)):
            whole(where, name, getattr(self, name), least=least)
        if isinstance(self.batch_size, str) and self.batch_size != "auto":
            raise SpecError(
                f"{where}: batch_size must be 'auto' or a whole number >= 1, got "
                f"{self.batch_size!r}"
            )
        if not isinstance(self.batch_size, str):
            whole(where, "batch_size", self.batch_size, least=1)
        real(where, "learning_rate_init", self.learning_rate_init, above=0)
        real(where, "weight_decay", self.weight_decay, least=0)
        real(where, "validation_fraction", self.validation_fraction, above=0, below=1)
        _choice(where, "optimizer", self.optimizer, [*OPTIMIZERS])
        hint = "; the rate itself is learning_rate_init"
        _choice(where, "learning_rate", self.learning_rate, [*SCHEDULES], hint)

    def _begin(self, x: Array, targets: Array, weights: Array | None) -> None:
        """Make a new net."""
        self._random = check_random_state(self.random_state)
        features, outputs = x.shape[1], self._outputs_of(targets)
        shape = getattr(self, "shape", None)
        if shape is not None:
            where = type(self).__name__
            lengths = shape if isinstance(shape, list | tuple) else (shape,)
            shape = tuple(whole(where, "a length in shape", n, least=1) for n in lengths)
            if prod(shape) != features:
                raise ValueError(f"{where}: {features} features do not fit shape {shape}")
        net = self._net(features if shape is None else shape, outputs, self._seed())
        parts: list[Module] = [net] if shape is None else [Reshape(*shape), net]
        self._moments, self._target_moments = Moments(), Moments()
        self._standardize = Standardize(features) if self.standardize else None
        self._rescale = self._new_rescale(outputs)
        if self._standardize is not None:
            parts.insert(0, self._standardize)
        self._trained = Sequential(*parts)
        after = [] if self._rescale is None else [self._rescale]
        self.model_: Module = Sequential(*parts, *after)
        self._optimizer = None
        self.n_iter_ = 0
        self._measure(x, targets, weights)

    def _new_rescale(self, outputs: int) -> Rescale | None:
        """Return the layer that brings outputs into the units of the targets, if there is one."""
        return None

    def _measure(self, x: Array, targets: Array, weights: Array | None) -> None:
        """Measure data: of several parts, all that were there so far."""
        # In one order, whatever the order of the samples: sums of floats depend on it.
        samples = Samples.of(x, targets, weights)
        found = merged(samples, LEAST_BATCH) or samples
        self._moments.add(found.x.astype(np.float64), found.weights)
        if self._standardize is not None:
            self._standardize.measured(self._moments)
        if self._rescale is not None:
            self._target_moments.add(found.targets, found.weights)
            self._rescale.measured(self._target_moments)

    def _train(self, x: Array, targets: Array, weights: Array | None, *, epochs: int) -> Self:
        samples, held_out = Samples.of(x, targets, weights), None
        if self.early_stopping:
            samples, held_out = self._split(samples)
        size = LEAST_BATCH if isinstance(self.batch_size, str) else int(self.batch_size)
        few = merged(samples, size)
        how: dict[str, Any] = {}
        if self.early_stopping:
            how = {"patience": self.n_iter_no_change, "keep": "best", "validation": held_out}
        steps = STEPS_ON_ALL
        if few is None:
            size = how["batch_size"] = batch_size(self.batch_size, len(samples.x))
            steps = -(-len(samples.x) // size)
        optimizer = self._new_optimizer(self._schedule(epochs * steps))
        history = self._run(samples if few is None else few, epochs, optimizer, **how)
        self.history_ = history
        self.n_iter_ = len(history.epochs)
        self.loss_curve_ = [epoch.loss for epoch in history.epochs]
        if self.early_stopping:
            self.validation_scores_ = [epoch.val_metric for epoch in history.epochs]
        return self

    def _run(self, samples: Samples, epochs: int, optimizer: Any, **how: Any) -> History:
        loss, metric = self._loss()
        if samples.relative_weights is not None:
            loss = WeightedLoss(loss)
        data: Any = self._given(samples)
        if "batch_size" not in how:
            data = [data] * STEPS_ON_ALL
        if how.get("validation") is not None:
            how["validation"] = self._given(how["validation"])
        return fit(
            self._trained,
            data,
            epochs=epochs,
            optimizer=optimizer,
            loss=loss,
            metric=metric,
            seed=self._seed(),
            progress=bool(self.verbose),
            **how,
        )

    def _given(self, samples: Samples) -> tuple[Array, ...]:
        """Return samples as `fit` takes them, targets in the units of the net's outputs."""
        x, targets, weights = samples.x, samples.targets, samples.relative_weights
        if self._rescale is not None:
            moments = self._target_moments
            targets = ((targets - moments.mean) / moments.deviation).astype(np.float32)
        return (x, targets) if weights is None else (x, targets, weights)

    def _split(self, samples: Samples) -> tuple[Samples, Samples]:
        """Return samples to train on, and some to stop by."""
        rows = np.arange(len(samples.x))
        strata = samples.targets if samples.targets.ndim == 1 else None
        how = {"test_size": self.validation_fraction, "random_state": self._seed()}
        train, held_out = train_test_split(rows, stratify=strata, **how)
        return samples.take(train), samples.take(held_out)

    def _new_optimizer(self, schedule: Any) -> Any:
        made = self.optimizer if callable(self.optimizer) else OPTIMIZERS[self.optimizer]
        how = {} if self.weight_decay == 0 else {"weight_decay": self.weight_decay}
        parameters = self._trained.named_parameters()
        return made(parameters, lr=self.learning_rate_init, schedule=schedule, **how)

    def _schedule(self, steps: int) -> Any:
        if callable(self.learning_rate):
            return self.learning_rate
        return Constant() if self.learning_rate == "constant" else Cosine(steps=steps)

    def _seed(self) -> int:
        return int(self._random.randint(SEEDS))

    # Answers

    def _answers(self, X: Any) -> Array:
        """Return the net's outputs, float32 ``[n, outputs]``."""
        check_is_fitted(self, "model_")
        with np.errstate(over="ignore"):  # as in `fit`
            x = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        with no_grad():
            parts = [
                self.model_(Tensor(x[n : n + EVALUATION_BATCH])).array
                for n in range(0, len(x), EVALUATION_BATCH)
            ]
        return np.concatenate(parts)


def _choice(where: str, name: str, value: Any, known: list[str], hint: str = "") -> None:
    """Raise a SpecError unless a value is one of some names, or a function."""
    if callable(value) or (isinstance(value, str) and value in known):
        return
    raise SpecError(
        f"{where}: {name} must be one of {', '.join(known)} or a function, got {value!r}"
        + (nearest(str(value), known) or hint)
    )
