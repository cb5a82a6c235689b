"""One run of a comparison: one config, trained from one seed, packed, and measured."""

import copy
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from qnn_core.analysis import apply_rules, correct_biases, quantize, skipped, warm_start
from qnn_core.analysis.model_summary import summary
from qnn_core.autodiff import Tensor, no_grad
from qnn_core.data import arrays_of, run
from qnn_core.errors import CompareError
from qnn_core.machine import limited_threads
from qnn_core.nn import Module
from qnn_core.training import Epoch, Metric, evaluate, fit
from qnn_core.training.evaluate import Loss
from qnn_core.training.metrics import NAMED

from . import data as data_
from .arguments import number
from .configs import Config, one_line
from .data import Array, Data
from .deployed import deployed
from .division import divided
from .failures import Elsewhere, error_text, failure_of
from .global_generators import Purpose, Training, seeded
from .initial_weights import Starts, differ, latent_weights, starts_of
from .judging import judged, of_classes
from .recipe import Recipe
from .result import Result, failed
from .targets import Batch
from .warm_starts import Trained, net_of, origin

# Makes an untrained model: ``build(weight=..., input=..., seed=...)``.
Build = Callable[..., Module]

# Options that `quantize` takes; the others are the builder's, after training too.
OF_QUANTIZE = ("first_weight", "first_input", "last_weight", "last_input", "layers")

OnEpoch = Callable[[Epoch], None]
# ``measure(model, test)`` returns numbers of a trained net, by name.
Measure = Callable[[Module, data_.Dataset], Mapping[str, float]]


@dataclass(frozen=True)
class Experiment:
    """What all runs have in common; it is sent to whoever runs them.

    Attributes:
        build: makes the net of a config.
        given: the data, as the user gave them.
        recipe: how nets are trained; a config may change it.
        measure, c: see `compare`; `c` as options.
        metric: what nets are judged by.
        data_key: fingerprint of the data.
        starts: of each seed, digests of the initial weights that its configs have.
        seen: what a look at the data said; whoever loads them again compares.
    """

    build: Build
    given: data_.Given
    recipe: Recipe
    data_key: str
    starts: Mapping[int, Starts] = field(default_factory=dict)
    seen: data_.Look | None = None
    measure: Measure | None = None
    c: Mapping[str, Any] | None = None
    metric: Metric = NAMED["accuracy"]

    def data(self) -> Data:
        """Return the data; kept, since one process trains many runs."""
        with _LOADING:
            if self.data_key not in _KEPT:
                self.keep(data_.load(self.given))
            return _KEPT[self.data_key]

    def checked_data(self) -> Data:
        """Return the data, looked at once in each process that trains on them.

        Raises:
            Elsewhere: if they are not those of the study.
        """
        with _LOADING:
            data = self.data()
            looked_at = any(one is data for one in _LOOKED_AT)
            if self.seen is not None and not looked_at:
                look = data_.look(data, classes=of_classes(self.metric))
                if different := data_.unlike(self.seen, look):
                    _KEPT.clear()
                    raise Elsewhere(f"the data here are not those of the study: {different}")
                _LOOKED_AT[:] = [data]
            return data

    def keep(self, data: Data) -> None:
        """Keep data that were loaded already, and no others."""
        _KEPT.clear()
        _KEPT[self.data_key] = data

    def model(self, config: Config, seed: int) -> Module:
        """Return the untrained net of a config."""
        weight, input = config.quantizers()
        options = config.options
        rules = config.rules
        if self.recipe_of(config).post_training:
            weight = input = None
            rules = {}
            options = {n: value for n, value in options.items() if n not in OF_QUANTIZE}
        with seeded(Purpose.BUILD, seed):
            model = self.build(weight=weight, input=input, seed=seed, **options)
        return apply_rules(model, rules) if rules else model

    def recipe_of(self, config: Config) -> Recipe:
        """Return how a config is trained."""
        if not config.recipe:
            return self.recipe
        # Whether there is a net to begin with was seen to before anything was trained.
        return self.recipe.changed(config.recipe, started=True)


_LOADING = threading.RLock()
_KEPT: dict[str, Data] = {}
_LOOKED_AT: list[Data] = []


def execute(
    experiment: Experiment,
    config: Config,
    seed: int,
    on_epoch: OnEpoch | None = None,
    *,
    trained: Mapping[str, Trained] | None = None,
) -> Result:
    """Train and measure one net. An error becomes a result: it must not take others down."""
    epochs: list[Epoch] = []
    began = time.perf_counter()
    training = Training(seed)

    def note(epoch: Epoch) -> None:
        epochs.append(epoch)
        training.check()
        if on_epoch is not None:
            on_epoch(epoch)

    try:
        # Runs share the cores, and the same bits result.
        with limited_threads(1):
            model = experiment.model(config, seed)
            if differ(starts_of(latent_weights(model)), experiment.starts[seed]):
                raise Elsewhere(
                    f"build makes other initial weights for seed {seed} here than it did for the "
                    "other configs: they are no pairs"
                )
            with training:
                found = _Run(experiment, config, seed, note, trained or {}).measured(model)
                training.check()
        seconds = time.perf_counter() - began
        return replace(found, seconds=seconds, history=_history(epochs, experiment.metric))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code raises, SystemExit too
        failure, reason = failure_of(error), error_text(error)
    seconds = time.perf_counter() - began
    told = _history(epochs, experiment.metric)
    return failed(config.name, seed, failure, reason, seconds=seconds, history=told)


def check_last_batches(experiment: Experiment, configs: Sequence[Config], seed: int) -> None:
    """Refuse data whose last batch is one sample if a net cannot be trained on one.

    The first config of each size of batches is tried.

    Leaving that batch out would be another study than the one that was described.

    Raises:
        CompareError: if so; batch norm has no variance of one sample.
    """
    sizes = {
        ((recipe := experiment.recipe_of(stage)).batch_size, recipe.validation): config
        for config in reversed(configs)
        for stage in (*config.stages, config)
        if experiment.recipe_of(stage).epochs
    }
    for (size, held), config in sizes.items():
        _check_last_batch(experiment, config, seed, size, held)


def _check_last_batch(
    experiment: Experiment, config: Config, seed: int, size: int, held: float
) -> None:
    data = experiment.data()
    if callable(data.train):
        least = experiment.seen.least if experiment.seen is not None else None
        where, remedy = "a batch of the training data", "let the data leave it out (drop_last=True)"
    else:
        samples = len(data.train) - round(held * len(data.train))
        least = samples % size or min(samples, size)
        where = f"the last batch of each epoch, of {samples} samples in batches of {size},"
        remedy = f"take another batch_size, such as {_better(samples, size)}"
    if least != 1:
        return
    x, _ = data.test[np.arange(2) % len(data.test)]
    try:
        _in_training(experiment.model(config, seed), x)
    except Exception:  # of another kind: training will tell
        return
    try:
        _in_training(experiment.model(config, seed), x[:1])
    except Exception as error:
        raise CompareError(
            f"compare: {where} has one sample, which {config.name} cannot be trained on "
            f"({one_line(error_text(error))}): {remedy}"
        ) from error


def _better(samples: int, size: int) -> int:
    """Return a size of batches near to one, which leaves no single sample."""
    nearest = sorted(range(2, 2 * size + 2), key=lambda other: (abs(other - size), other))
    return next((other for other in nearest if samples % other != 1), samples)


def _in_training(model: Module, x: Array) -> None:
    with no_grad():
        model.train()(Tensor.of(np.asarray(x, model.dtype)))


class _Run:
    """One run: a net and the stages before it, trained one after the other, and measured."""

    def __init__(
        self,
        experiment: Experiment,
        config: Config,
        seed: int,
        note: OnEpoch,
        trained: Mapping[str, Trained],
    ) -> None:
        self.experiment, self.config, self.seed, self.note = experiment, config, seed, note
        self.trained = trained
        self.data = experiment.checked_data()
        self.tests = _tests(experiment, self.data)
        self.test_loss: float | None = None
        self.epochs_before = 0  # of the stages before the one that is trained
        self.warnings: list[str] = []

    def measured(self, model: Module) -> Result:
        """Train the net, measure it, and return what was found."""
        before = time.perf_counter()
        model = self._trained(model)
        train_seconds = time.perf_counter() - before
        outputs = [_outputs(model, x) for x, _ in self.tests]
        found = judged(self.experiment.metric, outputs, [targets for _, targets in self.tests])
        loss = self.test_loss
        if loss is None:
            loss = evaluate(model, self.tests, loss=self._loss_of_targets()).loss
        return Result(
            self.config.name,
            self.seed,
            accuracy=found.value,
            loss=loss,
            correct=found.samples,
            macs={f"{w}x{a}": n for (w, a), n in summary(model, self.tests[0][0][:1]).macs.items()},
            train_seconds=train_seconds,
            measured=_checked_measures(self.experiment.measure, model, self.data),
            warnings=self.warnings,
            skipped={} if self.config.is_float else skipped(model),
            state=model.state_dict(),
            **deployed(model, self.tests, outputs, self.experiment.c),
        )

    def _trained(self, model: Module) -> Module:
        """Return the net after all stages: each begins where the one before it ended."""
        before = origin(self.config.start, self.seed, self.trained, self._build)
        for stage in (*self.config.stages, self.config):
            net = model if stage is self.config else self._build(stage)
            if before is not None:
                recipe = self.experiment.recipe_of(stage)
                samples = self._samples(recipe, recipe.calibration)
                net = warm_start(net, before, calibration=samples)
                if recipe.bias_correction:
                    # The same parameters without quantizers.
                    twin = apply_rules(copy.deepcopy(net), {"*": None})
                    _correct(net, twin, samples)
            before = net = self._fitted(net, stage)
        return net

    def _loss_of_targets(self) -> Loss:
        """Return the loss without the teacher, but of one that is nothing without."""
        recipe = self.experiment.recipe_of(self.config)
        if "teacher" in inspect.signature(recipe.of_targets).parameters:
            return recipe.loss_of(self._teacher(self.config))
        return recipe.of_targets

    def _teacher(self, config: Config) -> Module | None:
        source = None if config.teacher is None else self.trained[config.teacher]
        return None if source is None else net_of(source, self._build)

    def _build(self, config: Config) -> Module:
        return self.experiment.model(config, self.seed)

    def _fitted(self, model: Module, stage: Config) -> Module:
        recipe = self.experiment.recipe_of(stage)
        teacher = self._teacher(stage)
        self.test_loss = None
        if recipe.epochs:
            batches, held = self._batches(recipe)
            self.epochs_before += recipe.epochs
            history = fit(
                model,
                batches,
                epochs=recipe.epochs,
                optimizer=recipe.optimizer_for(model, batches),
                loss=recipe.loss_of(teacher),
                metric=self.experiment.metric,
                clip_norm=recipe.clip_norm,
                # Test data are only watched: they choose no epoch, whatever they say.
                validation=self.tests if held is None else held,
                keep="best" if recipe.keep == "best" else "last",
                patience=recipe.patience,
                progress=False,
                on_epoch=partial(self._after_epoch, model, recipe, tested=held is None),
            )
            self.warnings += map(one_line, history.warnings)
            # With a teacher, other samples, or what changes the net afterwards, it is another loss.
            after = recipe.post_training or recipe.on_epoch is not None
            other = teacher is not None or after or held is not None
            self.test_loss = None if other else history.last.val_loss
        if recipe.post_training:
            samples = self._samples(recipe, recipe.post_training)
            found = after_training(model, stage, samples)
            if recipe.bias_correction:
                _correct(found, model, samples)
            model = found
        return model.eval()

    def _after_epoch(self, model: Module, recipe: Recipe, epoch: Epoch, *, tested: bool) -> None:
        # What was held back is no test.
        if not tested:
            epoch = replace(epoch, val_loss=None, val_accuracy=None, val_metric=None)
        self.note(epoch)
        if recipe.on_epoch is not None:
            recipe.on_epoch(model, epoch)

    def _batches(self, recipe: Recipe) -> tuple[Iterable[Batch], list[Batch] | None]:
        """Return what is trained on, and what is held back for choices; None if nothing is."""
        data, held = self.data, None
        if recipe.validation:
            train, part = divided(self.data, recipe.validation)
            data, held = Data(train, self.data.test), Data(train, part).test_batches()
        batches = data.batches(self.seed, recipe.batch_size)
        if recipe.augment is not None:
            batches = data_.Augmented(batches, recipe.augment, self.seed)
        # A stage goes on with other orders than those that the net has seen.
        later = data_.Later(batches, self.epochs_before) if self.epochs_before else batches
        return later, held

    def _samples(self, recipe: Recipe, count: int) -> Array:
        """Return some training samples, those that training begins with; none that is held back."""
        seen: list[Array] = []
        data = self.data
        if recipe.validation:
            data = Data(divided(data, recipe.validation)[0], data.test)
        for x, _ in data.batches(self.seed, self.experiment.recipe.batch_size):
            seen.append(np.asarray(x))
            if sum(map(len, seen)) >= count:
                break
        return np.concatenate(seen)[:count]


def after_training(model: Module, config: Config, samples: Array) -> Module:
    """Return a float net with the quantizers of a config."""
    weight, input = config.quantizers()
    options = {name: value for name, value in config.options.items() if name in OF_QUANTIZE}
    options |= {"layers": config.rules} if config.rules else {}
    return quantize(model, weight=weight, input=input, calibration=samples, **options)


def _correct(model: Module, trained: Module, samples: Array) -> None:
    """Correct the biases of a quantized net.

    Raises:
        CompareError: if there is nothing to correct: it would be ignored in silence.
    """
    if not correct_biases(model, trained, samples):
        raise CompareError("bias_correction: no quantized layer has a bias")


def _checked_measures(measure: Measure | None, model: Module, data: Data) -> dict[str, float]:
    """Return what a function of the user's measured.

    Raises:
        TypeError: if it did not return numbers by name.
    """
    if measure is None:
        return {}
    found = measure(model, data.test)
    numbers = {name: number(value) for name, value in dict(found).items()}
    for name, value in numbers.items():
        if not isinstance(name, str) or value is None:
            raise TypeError(f"measure must return numbers by name, got {found!r}")
    return {name: value for name, value in numbers.items() if value is not None}


def _tests(experiment: Experiment, data: Data) -> list[Batch]:
    """Return the test data: a dataset may give others each time that it is read."""
    tests = data.test_batches()
    classes = of_classes(experiment.metric)
    seen = None if experiment.seen is None else experiment.seen.test.digest
    if seen is not None and data_.digest_of_test(tests, classes=classes) != seen:
        raise Elsewhere(
            "the test data are others than when the study began: the dataset gives other samples "
            "or labels each time that it is read"
        )
    return tests


def _outputs(model: Module, x: Array) -> Any:
    """Return what a model gives, with arrays in place of tensors."""
    with no_grad():
        return arrays_of(run(model, np.asarray(x, model.dtype)))


def _history(epochs: Iterable[Epoch], metric: Metric) -> list[dict[str, float]]:
    """Return the curves; the first stores call the value of the metric an accuracy."""

    def of(value: float | None) -> float:
        return float("nan") if value is None else value

    named = metric.name
    return [
        {
            "loss": e.loss,
            "accuracy": of(e.metric if e.metric_name == named else None),
            "test_loss": of(e.val_loss),
            "test_accuracy": of(e.val_metric if e.metric_name == named else None),
        }
        for e in epochs
    ]
