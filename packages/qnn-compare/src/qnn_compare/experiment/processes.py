"""Runs in processes of this machine: one thread each, all cores, and no run takes others down."""

import contextlib
import functools
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

import cloudpickle
from loky import ProcessPoolExecutor
from qnn_core.errors import CompareError

from . import orphans
from .executors import POLL_SECONDS, Task, lost, run_task
from .failures import error_text
from .result import Result, failed
from .run import Experiment

# The BLAS behind NumPy reads these when it is imported.
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB", "QNN")
} | {"VECLIB_MAXIMUM_THREADS": "1"}

Yielded = tuple[Task, Result] | None


def run_locally(
    experiment: Experiment, tasks: Sequence[Task], workers: int
) -> Generator[Yielded, None, None]:
    """Yield tasks and results as they come; None now and then while nothing comes.

    Closing the iterator stops what still runs. Where a process ends in mid-run, perhaps killed
    for want of memory, each run that ran then is run once more, alone: the one whose process ends
    again has failed.
    """
    suspects: list[Task] = []
    left = list(tasks)
    while left or suspects:
        alone = suspects[:1]
        batch = alone or left
        ended: set[Task] = set()
        try:
            for found in _in_pool(experiment, batch, 1 if alone else min(workers, len(batch))):
                if found is not None:
                    ended.add(found[0])
                yield found
        except _Died as died:
            if alone:
                task = alone[0]
                reason = "its process ended, perhaps killed for want of memory"
                yield task, failed(task.config.name, task.seed, "killed", reason)
                ended.add(task)
            else:
                suspects = [task for task in batch if task in died.running]
        left = [task for task in left if task not in ended]
        suspects = [task for task in suspects if task not in ended]


class _Died(Exception):
    """A process ended; `running` are the tasks that it may have been."""

    def __init__(self, running: set[Task]) -> None:
        super().__init__(running)
        self.running = running


def _in_pool(
    experiment: Experiment, tasks: Sequence[Task], workers: int
) -> Generator[Yielded, None, None]:
    # The experiment, with its data, is sent once to each process: as bytes, so that what it cannot
    # be made from there is an error of a run, and not the death of a process.
    content = cloudpickle.dumps(experiment)
    pool = ProcessPoolExecutor(
        workers, initializer=_prepare, initargs=(content, os.getpid()), env=ONE_THREAD
    )
    waiting: Iterator[Task] = iter(tasks)
    running: dict[Future[Result], Task] = {}

    def submit(count: int) -> None:
        # Not all at once: what was submitted is what may have run when a process ends.
        with _interrupts_held():
            for task in islice(waiting, count):
                try:
                    running[pool.submit(_run, task)] = task
                except BrokenProcessPool as error:  # a process ended since we looked
                    raise _Died(set(running.values())) from error
                except OSError as error:
                    raise CompareError(
                        f"compare: processes cannot be started: {error_text(error)}; what is done "
                        "is kept"
                    ) from error

    try:
        # One more for each process: it goes on while what has ended is written and shown.
        submit(2 * workers)
        while running:
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            # What has ended first: it must not run again for the death of another.
            broken = [f for f in done if isinstance(f.exception(), BrokenProcessPool)]
            for future in done.difference(broken):
                task, error = running.pop(future), future.exception()
                yield task, future.result() if error is None else lost(task, error)
            if broken:
                raise _Died(set(running.values())) from broken[0].exception()
            submit(len(done))
            yield None
    finally:
        with _interrupts_held():
            pool.shutdown(wait=True, kill_workers=True)


_CONTENT: list[bytes] = []


def _prepare(content: bytes, parent: int) -> None:
    # A terminal sends Ctrl-C to all processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _CONTENT[:] = [content]
    orphans.end_with(parent)


def _run(task: Task) -> Result:
    try:
        experiment = _experiment()
    except Exception as error:  # a module that is not to be found here, or whatever it raises
        reason = f"a process cannot make build or data: {error_text(error)}"
        return failed(task.config.name, task.seed, "environment", reason)
    return run_task(experiment, task)


@functools.cache
def _experiment() -> Experiment:
    found: Experiment = cloudpickle.loads(_CONTENT[0])
    return found


@contextlib.contextmanager
def _interrupts_held() -> Generator[None]:
    """Keep Ctrl-C back while processes start, which inherit that; it is not lost."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
