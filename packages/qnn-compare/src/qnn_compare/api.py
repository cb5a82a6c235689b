"""The experiment: every config from every seed, paired, kept, and compared."""

import json
import math
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cloudpickle
from qnn_core.errors import CompareError
from qnn_core.machine.processor import usable_cores
from qnn_core.ops import softmax_cross_entropy
from qnn_core.quantizer import forget_codebooks
from qnn_core.terminal import LOGGER
from qnn_core.training.evaluate import Loss

from .comparison import Comparison
from .experiment.arguments import whole
from .experiment.c_costs import C, c_options
from .experiment.code_versions import core_code, schemes_code
from .experiment.configs import Config, check_targets, one_line
from .experiment.data import Data, Given, Look, check_shared, loaded_data, look
from .experiment.division import divided
from .experiment.environment import machine, versions
from .experiment.executors import Task, run_on
from .experiment.fingerprint import fingerprint, libraries
from .experiment.global_generators import Purpose, seeded
from .experiment.grid import LeftOut, Width, configs_of
from .experiment.heartbeat import RunProgress, read_heartbeats
from .experiment.judging import is_share, judge_of, of_classes, told_judge
from .experiment.own_quantizer import GivenQuantizer
from .experiment.pickling import send_by_value
from .experiment.plan import FINGERPRINT, VERSION, Plan, both_configs, both_starts, seeds_of
from .experiment.processes import run_locally
from .experiment.progress import Progress
from .experiment.question import Question, looks_until
from .experiment.recipe import OptimizerOf, Recipe, arguments_of, recipe_of
from .experiment.result import Result
from .experiment.run import Build, Experiment, Measure, check_last_batches
from .experiment.standard_streams import standard_streams
from .experiment.store import Store
from .experiment.tuned_configs import check_tuned, tuned_configs
from .experiment.tuning import (
    FOLDER,
    search_of,
)
from .experiment.turns import Ended, in_turn, kept_of, tasks_of
from .experiment.validate_builder import check_builder, check_origins
from .experiment.warm_starts import check_needs, with_needs
from .formatting import listed
from .metric import Metric
from .report.live import LivePage
from .statistics import MARGIN


def compare(
    build: Build,
    data: Given,
    *,
    configs: Sequence[Config] | None = None,
    weights: Sequence[GivenQuantizer] | None = None,
    activations: Sequence[GivenQuantizer] | None = None,
    bits: Sequence[Width] | None = None,
    seeds: int | Sequence[int] | Literal["auto"] = 5,
    epochs: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    optimizer: OptimizerOf = "adam",
    loss: Loss | str = softmax_cross_entropy,
    metric: Any = None,
    weight_decay: float = 0.0,
    warm_up: int = 0,
    recipe: Mapping[str, Any] | None = None,
    measure: Measure | None = None,
    c: C | None = None,
    reference: str | None = None,
    margin: float | None = None,
    max_seeds: int = 30,
    max_seconds: float | None = None,
    tune: Mapping[str, Any] | None = None,
    executor: Executor | int | None = None,
    store: str | Path | None = None,
    page: str | Path | LivePage | None = None,
    keep_packed: bool = False,
    retry: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Train nets with each quantizer from several seeds, and compare what comes of it.

    What is compared are configs: a list of `Config`, a grid of schemes and widths, or both. They
    are paired: for a seed, all begin with the same latent weights, where their shapes are the same,
    and see the same batches in the same order. A run, one config from one seed, depends on nothing
    but its description; with a store, a study that was stopped or killed goes on where it was, and
    ends with the same numbers. A run that fails is recorded with its reason, and the others go on.
    Where the same call goes on with a store, it tries again what failed for want of something where
    it ran: memory, a file, a module, the data, the process itself.

    The generators of `random` and `numpy.random` are seeded for each run, from its seed alone, and
    are as they were afterwards; see the page on comparing for what threads mean for that.

    Args:
        build: ``build(weight=..., input=..., seed=...)`` returns an untrained model; weight and
            input are quantizers, or None for float. ``functools.partial(qnn.MLP, [784, 1000, 10])``
            is one.
        data: ``(training, test)``, or a function without arguments that returns them, which is
            called where runs are executed. Each is a pair of arrays, samples and labels, or a
            dataset, such as those of qnn-data. Training may be a function of the seed that returns
            batches, such as a `qnn_data.DataLoader` that augments. For nets of several outputs
            targets are tuples or dictionaries of arrays, as `qnn.fit` takes them.
        configs: what is compared beside the grid: quantizers, more arguments of `build`, and what
            is otherwise in the recipe, for each one.
        weights: schemes of the weights: specs without bits ("symmetric:grid=even"), or with bits
            if `bits` is left out; None for float. A quantizer of one's own may be given as an
            object or a class: it need not be registered, and its code is part of what a store
            checks.
        activations: schemes of the layers' inputs, each beside each of the weights'; left out: the
            same as the weights'.
        bits: widths, 1 to 8, and 32 for the float net; a pair is (weights, inputs). Combinations
            to which a scheme gives no meaning are left out and listed.
        seeds: how many, from 0, or which; or "auto": looks at 3, 5, 8, 12, 20 and 30 seeds, and at
            each only what is undecided goes on. Verdicts keep their level whatever the looks.
        epochs: passes over the training data.
        batch_size: of training; batches that are a function of the seed have their own.
        lr: greatest learning rate; half a cosine takes it to zero.
        optimizer: "adam", "adamw" or "sgd" (momentum 0.9), or ``optimizer(model, steps)``, for
            which `lr` means nothing.
        loss: ``loss(outputs, labels)``, a mean over the batch, or its name in `qnn.ops`. It gets
            what `forward` returns, also where that is several outputs.
        metric: what configs are compared by: "accuracy", "binary_accuracy", "mae", "mse", "r2",
            "auc", a `qnn.Metric`, or a function of outputs and targets that says which way is
            better; left out: what the loss means. But for accuracies, targets may be any numbers.
        weight_decay: of an optimizer that is named.
        warm_up: epochs over which the learning rate first rises evenly from zero.
        recipe: what else there is of a `Recipe`, such as ``{"schedule": "constant", "clip_norm":
            1.0, "augment": shifted}``.
        measure: ``measure(model, test)`` returns more numbers of a trained net, by name; `test` is
            the test data, as a dataset.
        c: a microcontroller, such as "m0": also measure what nets cost there as C, flash, RAM and
            modelled cycles; or a dictionary of the options of ``PackedModel.summary("c")``. Nets
            that are not integer throughout say why they have no form;
            ``{"target": "m0", "float": "tail"}`` allows a float last layer.
        reference: name of the config that verdicts are against; left out: float, else the first.
        margin: what is too small to matter, in the unit of the metric; left out: 0.005, half a
            point, of a share. Both are settled before anything is seen, and kept with the study.
        max_seeds: the most that ``seeds="auto"`` takes.
        max_seconds: ``seeds="auto"`` begins no look, but for the first, that would end later.
        tune: values of the recipe to choose from, such as ``{"lr": [0.001, 0.003, 0.01]}``: each
            config is trained with each combination, and compared with the one that does best on a
            tenth of the training data that is held back from these nets. "validation" in it is
            another share, or data of its own; "seeds" how many nets each combination trains (1).
        executor: any `concurrent.futures.Executor`, such as that of a Dask client; or how many
            processes of this machine, one thread each; left out: one for each core.
        store: folder for what is done; left out: nothing is kept. More configs, bits or seeds
            may be added to one later.
        page: an .html file with the report of what is done so far, written when runs have gone on
            for half a minute, then anew (at most every ten seconds, and in a twenty-fifth of the
            time), and at the end.
        keep_packed: whether to keep in the store the packed net of each config's first seed, in its
            folder ``packed``: reports then have a page beside them in which these nets answer. Of
            runs that the store had already there are none.
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
        >>> [config.name for config in found.configs]
        ['float', 'symmetric:2']
    """
    shared = recipe_of(
        Recipe(epochs, batch_size, lr, optimizer, loss, weight_decay, warm_up), recipe
    )
    auto = isinstance(seeds, str) and seeds == "auto"
    looks = looks_until(max_seeds) if auto else ()
    chosen = seeds_of(looks[-1] if auto else seeds)
    seconds = _checked_seconds(max_seconds)
    executor = _checked_executor(executor)
    compared, left_out = _compared(configs, weights, activations, bits, shared)
    judge = judge_of(metric, shared.of_targets)
    shown = Metric(judge.name, judge.greater_is_better is not False, is_share(judge))
    if margin is None and not shown.shares:
        raise CompareError(
            f"compare: give margin=, what is too small to matter in the unit of {shown.name}"
        )
    question = Question(MARGIN if margin is None else margin, reference, looks)
    live = page if page is None or isinstance(page, LivePage) else LivePage(page)
    shown.check_margin(question.margin)
    check_targets(compared, shown)
    if max_seconds is not None and not auto:
        raise CompareError('compare: max_seconds is for seeds="auto", which it ends')
    if reference is not None and reference not in (names := [c.name for c in compared]):
        raise CompareError(f"compare: reference {reference!r} is none of {', '.join(names)}")
    search = None if tune is None else search_of(tune, shared)
    loaded = loaded_data(data)
    seen = look(loaded, classes=of_classes(judge), both=True)
    check_shared(seen, "test")
    for config in compared:
        for stage in (*config.stages, config):
            share = shared.changed(stage.recipe, started=True).validation
            if share:
                divided(loaded, share)
    forget_codebooks()  # classes of the user's may have been changed since
    described = _described(build, shared, loaded, seen, measure, c=c) | shown.to_configuration()
    if (told := told_judge(judge)) is not None:
        described["judge"] = told
    key = json.dumps(described["data"])
    tuning = None
    if search is not None:
        once = partial(
            compare, build, search.data(data), **arguments_of(shared),
            executor=executor, retry=retry, progress=progress, metric=metric,
            margin=question.margin,
        )  # fmt: skip # one call
        compared, tuning = tuned_configs(
            search, compared, described, data, once=once, store=store, classes=of_classes(judge),
            progress=progress,
        )  # fmt: skip # one call
    elif store is not None:
        check_tuned(Store(store, mend=retry), compared)
    experiment = Experiment(
        build, data, shared, key, seen=seen, measure=measure, c=described.get("c"), metric=judge
    )
    experiment.keep(loaded)
    own = [part for config in compared for part in config.parts]
    own += [shared.schedule, shared.augment, shared.on_epoch]
    send_by_value(build, data, optimizer, loss, judge.function, loaded.train, measure, *own)
    plan = Plan(
        configs=tuple(compared),
        seeds=tuple(chosen),
        left_out=tuple(left_out),
        configuration=described,
        schemes=schemes_code(compared),
        question=question,
        tuning=tuning,
    )
    plan.check_names()
    run = partial(_until_decided, seconds=seconds) if auto else _run
    with _store(store, retry, keep_packed) as kept:
        found = run(kept, experiment, plan, executor, progress, classes=seen.classes, live=live)
    if live is not None:
        live.end(found)
    return found


@contextmanager
def _store(folder: str | Path | None, retry: bool, keep_packed: bool) -> Generator[Store]:
    """Yield the store, or one that is there for the time of a call."""
    if folder is not None:
        yield Store(folder, mend=retry, keeps_packed=keep_packed)
        return
    if keep_packed:
        raise CompareError("compare: keep_packed=True is for a study with a store=")
    with tempfile.TemporaryDirectory(prefix="qnn-compare-") as temporary:
        yield Store(temporary, kept=False)


def _compared(
    configs: Sequence[Config] | None,
    weights: Sequence[GivenQuantizer] | None,
    activations: Sequence[GivenQuantizer] | None,
    bits: Sequence[Width] | None,
    recipe: Recipe,
) -> tuple[list[Config], list[LeftOut]]:
    """Return the configs that are given and those of the grid, float first; and what is left out.

    Raises:
        CompareError: if there are none, or two of one name, or a recipe is none.
    """
    gridded: list[Config] = []
    left_out: list[LeftOut] = []
    if weights is not None or configs is None:
        if weights is None:
            raise CompareError(
                "compare: give configs=[Config(...), ...], or weights=[...] and bits"
            )
        gridded, left_out = configs_of(weights, activations, bits)
    elif activations is not None or bits is not None:
        raise CompareError("compare: activations and bits are those of a grid: weights= is missing")
    given = [] if configs is None else configs
    if not isinstance(given, list | tuple) or not all(isinstance(c, Config) for c in given):
        raise CompareError(f"compare: configs must be a list of Config, got {given!r}")
    if not gridded and not given:
        raise CompareError("compare: configs is empty")
    for config in given:
        config.quantizers()
        config.check_recipe()
        for number, stage in enumerate(config.stages):
            stage.quantizers()
            recipe.changed(stage.recipe, started=number > 0 or config.start is not None)
        own = recipe.changed(config.recipe, started=config.begins_trained)
        if own.post_training and config.is_float:
            raise CompareError(
                f"compare: {config.name} has post_training and no quantizer: there is nothing to "
                "do after training"
            )
        if sum(other.name == config.name for other in given) > 1:
            raise CompareError(f"compare: two configs are called {config.name}: give them names")
    configs_ = [*both_configs(gridded, given)]
    check_needs(configs_, recipe)
    return configs_, left_out


def _described(
    build: Build,
    recipe: Recipe,
    data: Data,
    seen: Look,
    measure: Measure | None,
    *,
    c: C | None,
) -> dict[str, Any]:
    """Return all that numbers depend on, but for config, seed and schemes, by name."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    functions = (
        *(build, data.train, measure, recipe.optimizer, recipe.loss),
        *(recipe.schedule, recipe.augment, recipe.on_epoch),
    )
    used = libraries(*(function for function in functions if callable(function)))
    of_data: dict[str, Any] = {"all": seen.digest, "test": seen.test.digest}
    if callable(data.train):
        of_data["batches"] = fingerprint(data.train)
    measured = {} if measure is None else {"measure": fingerprint(measure)}
    as_c = {} if c is None else {"c": c_options(c)}
    return (
        measured
        | as_c
        | {
            FINGERPRINT: VERSION,
            "build": fingerprint(build),
            "code": core_code(),
            "data": of_data,
            "recipe": recipe.described(),
            # NumPy's for the order of batches; Python's since it decides what code is compiled to.
            "versions": used | {"numpy": versions()["numpy"], "python": python},
        }
    )


def _checked_executor(executor: Any) -> Executor | int | None:
    if executor is None or isinstance(executor, Executor):
        return executor
    count = whole(executor) or 0
    if count < 1:
        raise CompareError(
            f"compare: executor must be an Executor or a number >= 1, got {executor!r}"
        )
    return count


def _checked_seconds(seconds: Any) -> float:
    if seconds is None:
        return math.inf
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise CompareError(f"compare: max_seconds must be a number above 0, got {seconds!r}")
    return float(seconds)


def _checked(
    store: Store, experiment: Experiment, plan: Plan, progress: bool | None, classes: int
) -> tuple[Experiment, Plan]:
    """Return both with the initial weights that nets begin with, if there is a net to train.

    Raises:
        CompareError: if build does not make pairs, or other initial weights than those that the
            store's nets began with.
    """
    known = store.starts()
    tasks = tasks_of(store, plan)
    kept = kept_of(store, tasks)
    left = [task for task in tasks if task not in kept]
    if not left:
        return experiment, replace(plan, starts=known)
    configs, seeds = (
        [*dict.fromkeys(getattr(task, name) for task in left)] for name in ("config", "seed")
    )
    with seeded(Purpose.TRAINING):  # nets may draw from these generators when they are tried
        starts = check_builder(experiment, configs, seeds, classes, known=known, progress=progress)
        check_origins(experiment, configs, seeds[0], plan.configs)
        check_last_batches(experiment, configs, seeds[0])
    replace(plan, starts=starts).check_starts(known)
    experiment = replace(experiment, starts=both_starts(known, starts))
    _check_sendable(experiment)
    return experiment, replace(plan, starts=experiment.starts)


def _check_sendable(experiment: Experiment) -> None:
    """Raise a CompareError if other processes could not get the experiment."""
    given = experiment.given if callable(experiment.given) else None
    try:
        parts = (experiment.recipe, given, experiment.measure, experiment.metric)
        cloudpickle.dumps((experiment.build, *parts))
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
    live: LivePage | None,
) -> Comparison:
    """Run what the store has no result of, and return the comparison of what was asked for."""
    store.check(plan)
    experiment, plan = _checked(store, experiment, plan, progress, classes)
    session, began = _about(executor), time.perf_counter()
    tasks = tasks_of(store, plan)
    results: dict[Task, Result] = {}
    left: list[Task] = []
    with standard_streams(), store.locked():
        try:
            store.begin(plan)
            results = kept_of(store, tasks)
            left = [task for task in tasks if task not in results]
            failed = sum(not result.done for result in results.values())
            with Progress(len(tasks), len(results), progress, failed, plan.metric) as shown:
                run = partial(_ended, executor, experiment)
                turns = in_turn(run, left, results, plan, store)
                for task, result in _shown(turns, left, store, shown):
                    if result.state is not None:  # first: a result says that it is there
                        store.write_state(task.key, result.state)
                    if result.packed is not None:
                        store.write_packed(task.key, result.packed)
                    store.write(task.key, result)
                    results[task] = replace(result, state=None, packed=None)
                    shown.show(result)
                    if live is not None and live.is_due:
                        live.show(Comparison.load(store.folder))
        except KeyboardInterrupt:
            if live is not None:
                live.end(Comparison.load(store.folder))
            _say_how_to_go_on(store, len(results), len(tasks))
            raise
        finally:
            session["cells"] = sum(task in results for task in left)
            store.end(session | {"seconds": time.perf_counter() - began})
    by_run = {(task.config.name, task.seed): result for task, result in results.items()}
    packed = store.packed(plan) if store.kept else {}
    sessions = tuple(store.sessions())
    return Comparison(plan, by_run, sessions, store.unsealed, metric=plan.metric, packed=packed)


def _until_decided(
    store: Store,
    experiment: Experiment,
    plan: Plan,
    executor: Executor | int | None,
    progress: bool | None,
    *,
    classes: int,
    seconds: float,
    live: LivePage | None,
) -> Comparison:
    """Run look by look; only configs that are undecided go on, and the reference with them."""
    began, made = time.perf_counter(), 0
    results: dict[tuple[str, int], Result] = {}
    packed: dict[str, Path] = {}
    configs = plan.configs
    for count in plan.question.looks:
        seeds = plan.seeds[:count]
        left = sum((c.name, seed) not in results for c in configs for seed in seeds)
        passed = time.perf_counter() - began
        each = passed / made if made else _mean_seconds(results)
        if results and passed + left * each > seconds:
            break
        part = replace(plan, configs=with_needs(configs, plan.configs), seeds=seeds)
        found = _run(store, experiment, part, executor, progress, classes=classes, live=live)
        results |= found.results
        packed |= found.packed
        made += found.sessions[-1]["cells"]  # the others were kept
        whole = replace(found.plan, configs=plan.configs)
        found = replace(found, plan=whole, results=results, packed=packed)
        if found.looked is None or not found.looked.open:
            break
        configs = tuple(
            c for c in plan.configs if c == found.reference or c.name in found.looked.open
        )
        if progress is not False:
            LOGGER.info("%s", _still_open(found, count))
    return found


def _mean_seconds(results: Mapping[tuple[str, int], Result]) -> float:
    """Return what a kept run took, alone: where none was made in this call, no less is known."""
    return sum(result.seconds for result in results.values()) / max(1, len(results))


def _still_open(found: Comparison, seeds: int) -> str:
    """Return what is undecided after a look, and what it would take."""
    pairs = [pair for pair in found.against() if not pair.decided]
    told = [f"{p.config} ({p.needs})" if p.needs is not None else p.config for p in pairs]
    return f"after {seeds} seeds, {listed(told)} {'is' if len(told) == 1 else 'are'} undecided"


def _about(executor: Executor | int | None) -> dict[str, Any]:
    """Return what this session is, before it begins."""
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


def _running(tasks: list[Task], store: Store) -> Iterator[tuple[str, RunProgress]]:
    names = {task.key: f"{task.config.name}, seed {task.seed}" for task in tasks}
    return ((names[far.key], far) for far in read_heartbeats(store.running) if far.key in names)


def _told(executor: Executor | int | None) -> str:
    if isinstance(executor, Executor):
        return f"{type(executor).__module__}.{type(executor).__qualname__}"
    count = usable_cores() if executor is None else executor
    return f"{count} {'process' if count == 1 else 'processes'} of this machine"


def _say_how_to_go_on(store: Store, done: int, total: int) -> None:
    told = "nothing is kept without store="
    if store.kept:
        # A search is in a store inside of the study's.
        folder = store.folder.parent if store.folder.name == FOLDER else store.folder
        told = f"the same call with store={str(folder)!r} goes on"
    LOGGER.warning("\nstopped by Ctrl-C with %d of %d runs done; %s", done, total, told)
