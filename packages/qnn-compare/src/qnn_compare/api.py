"""The experiment: every arm from every seed, paired, kept, and compared."""

import json
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloudpickle
from qnn_core.errors import CompareError, QnnError
from qnn_core.machine.processor import usable_cores
from qnn_core.ops import softmax_cross_entropy
from qnn_core.terminal import say
from qnn_core.training.evaluate import Loss

from .comparison import Comparison
from .experiment.arguments import whole
from .experiment.code_versions import core_code, schemes_code
from .experiment.configs import Width, arms_of, one_line
from .experiment.data import Data, Given, Look, load, look
from .experiment.environment import machine, versions
from .experiment.executors import Task, run_on
from .experiment.failures import told
from .experiment.fingerprint import fingerprint, libraries
from .experiment.global_generators import Purpose, seeded
from .experiment.heartbeat import Far, read_notes
from .experiment.pickling import send_by_value
from .experiment.plan import FINGERPRINT, VERSION, Plan, seeds_of
from .experiment.processes import run_locally
from .experiment.progress import Progress
from .experiment.recipe import OptimizerOf, Recipe
from .experiment.result import PASSING, Result
from .experiment.run import Build, Experiment, check_last_batch
from .experiment.standard_streams import standard_streams
from .experiment.store import Store
from .experiment.validate_builder import check_builder

Ended = Generator[tuple[Task, Result] | None, None, None]


def compare(
    build: Build,
    data: Given,
    *,
    weights: Sequence[str | None],
    activations: Sequence[str | None] | None = None,
    bits: Sequence[Width] | None = None,
    seeds: int | Sequence[int] = 5,
    epochs: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    optimizer: OptimizerOf = "adam",
    loss: Loss = softmax_cross_entropy,
    executor: Executor | int | None = None,
    store: str | Path | None = None,
    retry: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Train the same net with each quantizer from several seeds, and compare what comes of it.

    Arms are paired: for a seed, all begin with the same latent weights and see the same batches in
    the same order. A cell, one arm from one seed, depends on nothing but its description; with a
    store, a study that was stopped or killed goes on where it was, and ends with the same numbers.
    A cell that fails is recorded with its reason, and the others go on. Where the same call goes on
    with a store, it tries again what failed for want of something where it ran: memory, a file, a
    module, the data, the process itself.

    The generators of `random` and `numpy.random` are seeded for each cell, from its seed alone, and
    are as they were afterwards; see the page on comparing for what threads mean for that.

    Args:
        build: ``build(weight=..., input=..., seed=...)`` returns an untrained model; weight and
            input are quantizers, or None for float. ``functools.partial(qnn.MLP, [784, 1000, 10])``
            is one.
        data: ``(training, test)``, or a function without arguments that returns them, which is
            called where the cells run. Each is a pair of arrays, samples and labels, or a dataset,
            such as those of qnn-data. Training may be a function of the seed that returns batches,
            such as a `qnn_data.DataLoader` that augments.
        weights: schemes of the weights: specs without bits ("symmetric:grid=even"), or with bits
            if `bits` is left out; None for float.
        activations: schemes of the layers' inputs, each beside each of the weights'; left out: the
            same as the weights'.
        bits: widths, 1 to 8, and 32 for the float net; a pair is (weights, inputs). Combinations
            to which a scheme gives no meaning are left out and listed.
        seeds: how many, from 0, or which.
        epochs: passes over the training data.
        batch_size: of training; batches that are a function of the seed have their own.
        lr: learning rate at the start; half a cosine takes it to zero.
        optimizer: "adam", "adamw" or "sgd" (momentum 0.9), or ``optimizer(model, steps)``, for
            which `lr` means nothing.
        loss: ``loss(outputs, labels)``, a mean over the batch.
        executor: any `concurrent.futures.Executor`, such as that of a Dask client; or how many
            processes of this machine, one thread each; left out: one for each core.
        store: folder for what is done; left out: nothing is kept. More arms, bits or seeds may be
            added to one later.
        retry: whether to run again what failed by its own fault too, and what has a damaged file in
            the store.
        progress: False shows nothing; see `Progress`.

    Returns:
        The comparison; see `Comparison`.

    Raises:
        CompareError: before anything is trained, if the study cannot be run as it is described; see
            the message.
        SpecError: for an unknown scheme, or one that has no meaning at any width at all.
        KeyboardInterrupt: after Ctrl-C; what is done is in the store.

    Example:
        >>> import functools
        >>> import numpy as np
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
        >>> y = (x.sum(axis=1) > 0).astype(int)
        >>> build = functools.partial(qnn.MLP, [8, 16, 2], batch_norm=True)
        >>> data = (x[:100], y[:100]), (x[100:], y[100:])
        >>> with ThreadPoolExecutor(1) as executor:
        ...     found = qnn.compare(build, data, weights=["symmetric"], bits=[2, 32], seeds=2,
        ...                         epochs=2, executor=executor, progress=False)
        >>> [arm.name for arm in found.arms]
        ['float', 'symmetric:2']
    """
    recipe = Recipe(epochs, batch_size, lr, optimizer, loss).plain()
    chosen = seeds_of(seeds)
    executor = _checked_executor(executor)
    arms, left_out = arms_of(weights, activations, bits)
    loaded = _loaded(data)
    seen = look(loaded)
    described = _described(build, recipe, loaded, seen)
    experiment = Experiment(build, data, recipe, json.dumps(described["data"]), seen=seen)
    experiment.keep(loaded)
    send_by_value(build, data, optimizer, loss, loaded.train)
    plan = Plan(
        arms=tuple(arms),
        seeds=tuple(chosen),
        left_out=tuple(left_out),
        configuration=described,
        schemes=schemes_code(arms),
    )
    if store is not None:
        kept = Store(store, mend=retry)
        return _run(kept, experiment, plan, executor, progress, classes=seen.classes)
    with tempfile.TemporaryDirectory(prefix="qnn-compare-") as folder:
        temporary = Store(folder, kept=False)
        return _run(temporary, experiment, plan, executor, progress, classes=seen.classes)


def _loaded(given: Given) -> Data:
    """Return the data, or raise a CompareError: for what a function of the user's raises too."""
    try:
        return load(given)
    except QnnError:
        raise
    except Exception as error:
        raise CompareError(f"compare: data raised {one_line(told(error))}") from error


def _described(build: Build, recipe: Recipe, data: Data, seen: Look) -> dict[str, Any]:
    """Return all that numbers depend on, but for arm, seed and schemes, by name."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    functions = (build, recipe.optimizer, recipe.loss, data.train)
    used = libraries(*(function for function in functions if callable(function)))
    of_data: dict[str, Any] = {"all": seen.digest, "test": seen.test.digest}
    if callable(data.train):
        of_data["batches"] = fingerprint(data.train)
    return {
        FINGERPRINT: VERSION,
        "build": fingerprint(build),
        "code": core_code(),
        "data": of_data,
        "recipe": recipe.described(),
        # NumPy's for the order of batches; Python's since it decides what code is compiled to.
        "versions": used | {"numpy": versions()["numpy"], "python": python},
    }


def _checked_executor(executor: Any) -> Executor | int | None:
    if executor is None or isinstance(executor, Executor):
        return executor
    count = whole(executor) or 0
    if count < 1:
        raise CompareError(
            f"compare: executor must be an Executor or a number >= 1, got {executor!r}"
        )
    return count


def _checked(
    store: Store, experiment: Experiment, plan: Plan, progress: bool | None, classes: int
) -> tuple[Experiment, Plan]:
    """Return both with the initial weights that nets begin with, if there is a net to train.

    Raises:
        CompareError: if build does not make pairs, or other initial weights than those that the
            store's nets began with.
    """
    known = store.starts()
    tasks = [Task(*cell, plan.key(*cell), store.running) for cell in plan.cells()]
    kept = _kept(store, tasks)
    left = [task for task in tasks if task not in kept]
    if not left:
        return experiment, replace(plan, starts=known)
    arms, seeds = (
        [*dict.fromkeys(getattr(task, name) for task in left)] for name in ("arm", "seed")
    )
    with seeded(Purpose.TRAINING):  # nets may draw from these generators when they are tried
        starts = check_builder(experiment, arms, seeds, classes, known=known, progress=progress)
        check_last_batch(experiment, arms[0], seeds[0])
    replace(plan, starts=starts).check_starts(known)
    experiment = replace(experiment, starts={**known, **starts})
    _check_sendable(experiment)
    return experiment, replace(plan, starts=experiment.starts)


def _check_sendable(experiment: Experiment) -> None:
    """Raise a CompareError if other processes could not get the experiment."""
    given = experiment.given if callable(experiment.given) else None
    try:
        cloudpickle.dumps((experiment.build, experiment.recipe, given))
    except Exception as error:
        raise CompareError(
            "compare: build, data, optimizer and loss must be what can be sent to other processes; "
            f"{type(error).__name__}: {error}"
        ) from error


def _run(
    store: Store,
    experiment: Experiment,
    plan: Plan,
    executor: Executor | int | None,
    progress: bool | None,
    *,
    classes: int,
) -> Comparison:
    """Run what the store has no result of, and return the comparison of what was asked for."""
    store.check(plan)
    experiment, plan = _checked(store, experiment, plan, progress, classes)
    run, began = _about(executor), time.perf_counter()
    tasks = [Task(*cell, plan.key(*cell), store.running) for cell in plan.cells()]
    results: dict[Task, Result] = {}
    with standard_streams(), store.locked():
        try:
            store.begin(plan)
            results = _kept(store, tasks)
            left = [task for task in tasks if task not in results]
            run["cells"] = len(left)
            failed = sum(not result.done for result in results.values())
            with Progress(len(tasks), len(results), progress, failed) as shown:
                for task, result in _shown(_ended(executor, experiment, left), left, store, shown):
                    store.write(task.key, result)
                    results[task] = result
                    shown.show(result)
        except KeyboardInterrupt:
            _say_how_to_go_on(store, len(results), len(tasks))
            raise
        finally:
            store.end(run | {"seconds": time.perf_counter() - began})
    by_cell = {(task.arm.name, task.seed): result for task, result in results.items()}
    return Comparison(plan, by_cell, tuple(store.runs()), store.unsealed)


def _kept(store: Store, tasks: list[Task]) -> dict[Task, Result]:
    """Return what the store has of these cells already."""
    kept = {task: store.read(task.key, task.arm.name, task.seed) for task in tasks}
    # What lacked something may have it now; what diverged or raised an error would do so again.
    return {
        task: result
        for task, result in kept.items()
        if result is not None
        and (result.done or (result.failure not in PASSING and not store.mend))
    }


def _about(executor: Executor | int | None) -> dict[str, Any]:
    """Return what a run is, before it begins."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [one_line(word) for word in (Path(sys.argv[0]).name, *sys.argv[1:])],
        "executor": _told(executor),
        "machine": machine(),
        "versions": versions(),
        "cells": 0,
    }


def _shown(
    ended: Ended, tasks: list[Task], store: Store, progress: Progress
) -> Iterator[tuple[Task, Result]]:
    """Yield what has ended; while nothing does, show how far the others are."""
    with closing(ended):
        for found in ended:
            if found is None:
                progress.tick(_running(tasks, store))
            else:
                yield found


def _ended(executor: Executor | int | None, experiment: Experiment, tasks: list[Task]) -> Ended:
    if isinstance(executor, Executor):
        return run_on(executor, experiment, tasks)
    return run_locally(experiment, tasks, usable_cores() if executor is None else executor)


def _running(tasks: list[Task], store: Store) -> Iterator[tuple[str, Far]]:
    names = {task.key: f"{task.arm.name}, seed {task.seed}" for task in tasks}
    return ((names[far.key], far) for far in read_notes(store.running) if far.key in names)


def _told(executor: Executor | int | None) -> str:
    if isinstance(executor, Executor):
        return f"{type(executor).__module__}.{type(executor).__qualname__}"
    count = usable_cores() if executor is None else executor
    return f"{count} {'process' if count == 1 else 'processes'} of this machine"


def _say_how_to_go_on(store: Store, done: int, total: int) -> None:
    told = "nothing is kept without store="
    if store.kept:
        told = f"the same call with store={str(store.folder)!r} goes on"
    say(f"\nstopped by Ctrl-C with {done} of {total} cells done; {told}", sys.stderr)
