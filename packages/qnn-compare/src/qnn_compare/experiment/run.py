"""One run of a comparison: one config, trained from one seed, packed, and measured."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from qnn_core.analysis import quantize
from qnn_core.analysis.model_summary import summary
from qnn_core.autodiff import Tensor, no_grad
from qnn_core.deploy import PackedModel, pack
from qnn_core.errors import CompareError, QnnError
from qnn_core.gemm import get_num_threads, set_num_threads
from qnn_core.nn import Module
from qnn_core.training import Epoch, evaluate, fit

from . import data as data_
from .arguments import number
from .configs import Config, one_line
from .data import Array, Batch, Data
from .failures import Elsewhere, error_text, failure_of
from .global_generators import Purpose, Training, seeded
from .initial_weights import Starts, differ, latent_weights, starts_of
from .recipe import Recipe
from .result import Result, failed

# Makes an untrained model: ``build(weight=..., input=..., seed=...)``.
Build = Callable[..., Module]

LATENCY_BATCHES = (1, 100)
LATENCY_SECONDS = 0.05
LATENCY_CALLS = 5

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
        measure: see `compare`.
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
                if different := data_.unlike(self.seen, data_.look(data)):
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
        if self.recipe_of(config).post_training:
            weight = input = None
            options = {}
        with seeded(Purpose.BUILD, seed):
            return self.build(weight=weight, input=input, seed=seed, **options)

    def recipe_of(self, config: Config) -> Recipe:
        """Return how a config is trained."""
        return self.recipe.changed(config.recipe) if config.recipe else self.recipe


_LOADING = threading.RLock()
_KEPT: dict[str, Data] = {}
_LOOKED_AT: list[Data] = []


def execute(
    experiment: Experiment, config: Config, seed: int, on_epoch: OnEpoch | None = None
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
        with _one_thread():
            model = experiment.model(config, seed)
            if differ(starts_of(latent_weights(model)), experiment.starts[seed]):
                raise Elsewhere(
                    f"build makes other initial weights for seed {seed} here than it did for the "
                    "other configs: they are no pairs"
                )
            with training:
                found = _measured(experiment, model, config, seed, note)
                training.check()
        seconds = time.perf_counter() - began
        return replace(found, seconds=seconds, history=_history(epochs))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code raises, SystemExit too
        failure, reason = failure_of(error), error_text(error)
    seconds = time.perf_counter() - began
    return failed(config.name, seed, failure, reason, seconds=seconds, history=_history(epochs))


def check_last_batches(experiment: Experiment, configs: Sequence[Config], seed: int) -> None:
    """Refuse data whose last batch is one sample if a net cannot be trained on one.

    The first config of each size of batches is tried.

    Leaving that batch out would be another study than the one that was described.

    Raises:
        CompareError: if so; batch norm has no variance of one sample.
    """
    sizes = {experiment.recipe_of(config).batch_size: config for config in reversed(configs)}
    for size, config in sizes.items():
        _check_last_batch(experiment, config, seed, size)


def _check_last_batch(experiment: Experiment, config: Config, seed: int, size: int) -> None:
    data = experiment.data()
    if callable(data.train):
        least = experiment.seen.least if experiment.seen is not None else None
        where, remedy = "a batch of the training data", "let the data leave it out (drop_last=True)"
    else:
        samples = len(data.train)
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


def _measured(
    experiment: Experiment, model: Module, config: Config, seed: int, note: OnEpoch
) -> Result:
    data, recipe = experiment.checked_data(), experiment.recipe_of(config)
    batches = data.batches(seed, recipe.batch_size)
    tests = _tests(experiment, data)
    before = time.perf_counter()
    history = fit(
        model,
        batches,
        epochs=recipe.epochs,
        optimizer=recipe.optimizer_for(model, batches),
        loss=recipe.loss,
        # Only watched: the last epoch counts, whatever the test data say.
        validation=tests,
        progress=False,
        on_epoch=note,
    )
    if recipe.post_training:
        model = _quantized(config, model, data.batches(seed, recipe.batch_size), recipe)
    train_seconds = time.perf_counter() - before
    scores = [_scores(model, x) for x, _ in tests]
    right = [s.argmax(axis=1) == labels for s, (_, labels) in zip(scores, tests, strict=True)]
    correct = np.concatenate(right)
    loss = history.last.val_loss
    if recipe.post_training:
        loss = evaluate(model, tests, loss=recipe.loss).loss
    assert loss is not None
    return Result(
        config.name,
        seed,
        accuracy=float(np.mean(correct)),
        loss=loss,
        correct=correct,
        macs={f"{w}x{a}": n for (w, a), n in summary(model, tests[0][0][:1]).macs.items()},
        train_seconds=train_seconds,
        measured=_checked_measures(experiment.measure, model, data),
        **_deployed(model, tests, scores),
    )


def _quantized(config: Config, model: Module, batches: Iterable[Batch], recipe: Recipe) -> Module:
    """Return a trained net quantized, its ranges fitted to some training samples."""
    weight, input = config.quantizers()
    seen: list[Array] = []
    for x, _ in batches:
        seen.append(np.asarray(x))
        if sum(map(len, seen)) >= recipe.post_training:
            break
    samples = np.concatenate(seen)[: recipe.post_training]
    return quantize(model, weight=weight, input=input, calibration=samples, **config.options)


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
    if experiment.seen is not None and data_.digest_of_test(tests) != experiment.seen.test.digest:
        raise Elsewhere(
            "the test data are others than when the study began: the dataset gives other samples "
            "or labels each time that it is read"
        )
    return tests


def _scores(model: Module, x: Array) -> Array:
    with no_grad():
        scores: Array = model(Tensor.of(np.asarray(x, model.dtype))).array
        return scores


def _deployed(model: Module, tests: list[Batch], scores: list[Array]) -> dict[str, Any]:
    """Return the fields of the packed model, or why there is none."""
    try:
        # Some samples that differ: what cannot be packed shows in few.
        packed = pack(model, tests[0][0][:32])
    except QnnError as error:
        return {"unpacked": one_line(error)}
    differences = [
        float(np.abs(np.asarray(packed(x)) - s).max(initial=0))
        for s, (x, _) in zip(scores, tests, strict=True)
    ]
    return {
        "nbytes": packed.nbytes,
        "difference": max(differences),
        "latency": _latencies(packed, tests),
    }


def _latencies(packed: PackedModel, tests: list[Batch]) -> dict[str, float]:
    x = tests[0][0]
    return {str(n): _least(partial(packed, x[:n])) for n in LATENCY_BATCHES if n <= len(x)}


def _least(call: Callable[[], Any]) -> float:
    """Return the wall time of the fastest of several calls."""
    times: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(times) < LATENCY_CALLS or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def _history(epochs: Iterable[Epoch]) -> list[dict[str, float]]:
    return [
        {
            "loss": e.loss,
            "accuracy": e.accuracy if e.accuracy is not None else float("nan"),
            "test_loss": e.val_loss if e.val_loss is not None else float("nan"),
            "test_accuracy": e.val_accuracy if e.val_accuracy is not None else float("nan"),
        }
        for e in epochs
    ]


@contextmanager
def _one_thread() -> Generator[None]:
    """Let this process's kernels use one thread: runs share the cores, and the same bits result.

    The number of before is back when the last of the runs that run at once has ended.
    """
    with _LOCK:
        if not _THREADS:
            _THREADS.append(get_num_threads())
            set_num_threads(1)
        _THREADS.append(1)
    try:
        yield
    finally:
        with _LOCK:
            _THREADS.pop()
            if len(_THREADS) == 1:
                set_num_threads(_THREADS.pop())


_LOCK = threading.Lock()
# The number of before, and a 1 for each run that runs.
_THREADS: list[int] = []
