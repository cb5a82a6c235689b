"""Threads for the kernels: rows are independent, so threads share them.

The threads are Python's own and sleep when there is nothing to do. A pool that spins while it waits
would take the cores from NumPy's BLAS between two products.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from ..errors import SpecError

# Nanoseconds of work for each thread: waking one takes tens of microseconds.
LEAST_WORK = 1e5


def get_num_threads() -> int:
    """Return how many threads the kernels use at most.

    Raises:
        SpecError: at the first use, if ``QNN_NUM_THREADS`` is no number of threads.
    """
    if _State.count is None:
        _State.count = _default()
    return _State.count


def set_num_threads(count: int) -> None:
    """Let the kernels use up to `count` threads; results do not depend on it.

    The default is the environment's ``QNN_NUM_THREADS``, or as many as there are cores.

    Raises:
        SpecError: if it is not a whole number >= 1.

    Example:
        >>> import qnn_core as qnn
        >>> before = qnn.get_num_threads()
        >>> qnn.set_num_threads(1)
        >>> qnn.get_num_threads()
        1
        >>> qnn.set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise SpecError(f"the number of threads must be a whole number >= 1, got {count!r}")
    _State.count = count


def share_rows(run: Callable[[int, int], int], rows: int, work: float) -> int:
    """Call ``run(start, stop)`` over all rows, in threads if it pays, and return the sum.

    Args:
        run: does rows ``start`` to ``stop`` without the interpreter lock.
        rows: how many there are.
        work: about how many nanoseconds all of it takes on one thread.
    """
    count = min(get_num_threads(), rows, int(work / LEAST_WORK))
    if count <= 1:
        return run(0, rows)
    edges = [rows * n // count for n in range(count + 1)]
    pool = _pool(count - 1)
    parts = [pool.submit(run, edges[n], edges[n + 1]) for n in range(1, count)]
    total = run(edges[0], edges[1])
    return total + sum(part.result() for part in parts)


def _pool(workers: int) -> ThreadPoolExecutor:
    """Return threads, at least so many; whoever calls meanwhile may hold the ones from before."""
    with _State.lock:
        if _State.pool is None or _State.size < workers:
            _State.size = workers
            _State.pool = ThreadPoolExecutor(workers, thread_name_prefix="qnn")
        return _State.pool


def _default() -> int:
    given = os.environ.get("QNN_NUM_THREADS", "").strip()
    if not given:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores()
    if not given.isdecimal() or int(given) < 1:
        raise SpecError(f"QNN_NUM_THREADS must be a whole number >= 1, got {given!r}")
    return int(given)


def cores() -> int:
    """Return the number of cores of this machine."""
    return os.cpu_count() or 1


class _State:
    count: int | None = None
    size = 0
    pool: ThreadPoolExecutor | None = None
    lock = Lock()


def _forget_pool() -> None:
    # Threads do not live on in a forked process.
    _State.pool, _State.lock = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
