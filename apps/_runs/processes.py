"""Running cells, in this process or in several, until they are done or someone presses Ctrl-C."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

Cell = TypeVar("Cell")
Result = TypeVar("Result")


def run(
    run_cell: Callable[[Cell], Result], cells: Sequence[Cell], jobs: int
) -> Generator[Result | None]:
    """Yield the results as they come; None now and then while nothing comes.

    Closing the iterator stops what still runs.

    Args:
        run_cell: a function of a module, which other processes can find.
        cells: what it is called with, one by one.
        jobs: number of processes; with 1 this one does it all.

    Raises:
        BrokenProcessPool: if a worker process died.
    """
    jobs = min(jobs, len(cells))
    if jobs <= 1:
        return (run_cell(cell) for cell in cells)
    return _in_processes(run_cell, cells, jobs)


def _in_processes(
    run_cell: Callable[[Cell], Result], cells: Sequence[Cell], jobs: int
) -> Generator[Result | None]:
    # Spawned, not forked: a fork copies the locks of other threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, context, initializer=_prepare_worker)
    pending: set[Future[Result]] = set()
    try:
        pending |= _submit(executor, run_cell, cells)
        while pending:
            done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
            yield None
    finally:
        with _interrupts_ignored():
            executor.shutdown(wait=False, cancel_futures=True)
            if pending:
                for worker in multiprocessing.active_children():
                    worker.terminate()
            executor.shutdown(wait=True)


def _submit(
    executor: ProcessPoolExecutor, run_cell: Callable[[Cell], Result], cells: Sequence[Cell]
) -> set[Future[Result]]:
    """Submit the cells. The workers that this starts inherit that Ctrl-C is ignored.

    A terminal sends it to all of them; this process alone decides what it means.
    """
    with _interrupts_ignored():
        return {executor.submit(run_cell, cell) for cell in cells}


@contextmanager
def _interrupts_ignored() -> Generator[None]:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _prepare_worker() -> None:
    """Ignore Ctrl-C also where nothing is inherited, on Windows; end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # Left alone, a worker would wait for ever for the next cell.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
