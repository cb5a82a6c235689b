"""Runs on an executor that the user gave."""

import os
import pickle
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from qnn_core.errors import CompareError

from . import orphans
from .cluster import Workers
from .configs import Config
from .failures import error_text, failure_of
from .heartbeat import Heartbeat
from .result import Result, failed
from .run import Experiment, execute
from .warm_starts import Trained

POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Task:
    """A run that is to be made.

    Attributes:
        config, seed: the run.
        key: its name in the store.
        trained: the nets that its own begins with, or learns from.
        kept: whether another config begins with it, or learns from it.
        packed: whether its packed net is kept.
        notes: folder in which it says how far it is, if that exists where it runs.
        asker: the process that wants it.
    """

    config: Config
    seed: int
    key: str
    notes: Path
    asker: int = field(default_factory=os.getpid)
    trained: Mapping[str, Trained] = field(default_factory=dict, compare=False)
    kept: bool = field(default=False, compare=False)
    packed: bool = field(default=False, compare=False)


def run_task(experiment: Experiment, task: Task) -> Result:
    """Run a run, and say on the way how far it is."""
    orphans.end_with(task.asker)
    config = task.config
    epochs = sum(experiment.recipe_of(stage).epochs for stage in (*config.stages, config))
    with Heartbeat(task.notes, task.key, epochs) as note:
        found = execute(experiment, config, task.seed, note.epoch, trained=task.trained)
    # What nobody keeps need not come back from another process.
    state = found.state if task.kept else None
    return replace(found, state=state, packed=found.packed if task.packed else None)


def run_on(
    executor: Executor, experiment: Experiment, tasks: Sequence[Task]
) -> Generator[tuple[Task, Result] | None, None, None]:
    """Yield tasks and results as they come; None now and then while nothing comes.

    Closing the iterator cancels what has not begun.

    Raises:
        CompareError: if the executor broke, or has no workers; what is done is kept.
    """
    workers = Workers(executor)
    pending: dict[Future[Result], Task] = {}
    try:
        for task in tasks:
            pending[_submitted(executor, experiment, task)] = task
        while pending:
            done, _ = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                task = pending[future]
                yield task, _result(future, task)
                del pending[future]
            if pending:
                workers.check()
            yield None
    except BrokenExecutor as error:
        raise CompareError(
            f"compare: the executor broke ({type(error).__name__}: {error}) with {len(pending)} "
            "runs left; those that are done are kept in the store"
        ) from error
    finally:
        for future in pending:
            future.cancel()


def _submitted(executor: Executor, experiment: Experiment, task: Task) -> Future[Result]:
    try:
        return executor.submit(run_task, experiment, task)
    except BrokenExecutor:
        raise
    except RuntimeError as error:
        raise CompareError(f"compare: the executor takes no work: {error}") from error


def _result(future: Future[Result], task: Task) -> Result:
    """Return the result; a run whose worker was lost has failed.

    Raises:
        CompareError: if build or data cannot be sent to where runs are executed.
    """
    try:
        return future.result()
    except (BrokenExecutor, KeyboardInterrupt):
        raise
    except BaseException as error:  # as what cancels a future
        text = error_text(error)
        if isinstance(error, pickle.PicklingError) or (
            isinstance(error, TypeError | AttributeError) and "pickle" in text
        ):
            raise CompareError(
                f"compare: the executor cannot send build or data to its workers ({text}): give "
                "functions of a module that they can import, or leave the executor out"
            ) from error
        return lost(task, error)


def lost(task: Task, error: BaseException) -> Result:
    """Return the result of a run that an error kept from giving one, outside of the run itself.

    Not being able to import build or data there is of the surroundings, as is the loss of a worker.
    """
    kind = failure_of(error)
    return failed(
        task.config.name, task.seed, "killed" if kind == "raised" else kind, error_text(error)
    )
