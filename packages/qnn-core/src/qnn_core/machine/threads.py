"""How many threads the kernels share their rows among; the threads are those of `pool.h`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, ClassVar

from ..arguments import whole
from ..errors import SpecError
from .processor import usable_cores

# Nanoseconds of work for each thread: waking one from sleep takes about ten microseconds.
LEAST_WORK = 1.5e4


def get_num_threads() -> int:
    """Return how many threads the kernels use at most.

    Raises:
        SpecError: at the first use, if ``QNN_NUM_THREADS`` is no number of threads.

    Example:
        >>> import qnn_core as qnn
        >>> with qnn.threads(2):
        ...     get_num_threads()
        2
    """
    if State.count is None:
        State.count = _default()
    return State.count


def set_num_threads(count: int) -> None:
    """Let the kernels use up to `count` threads; results do not depend on it.

    The default is the environment's ``QNN_NUM_THREADS``, or as many as there are cores for this
    process: its affinity, and the CPU quota of its container, rounded up.

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
    count = whole("set_num_threads", "count", count, least=1, error=SpecError)
    with State.lock:
        State.count = count
        if State.blocks:
            State.blocks[-1].count = count


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Let the kernels use up to `count` threads inside a ``with`` block; also as a decorator.

    Blocks may be nested, and what was before holds again however a block ends. The number is that
    of the whole process, as with `set_num_threads`: while blocks of several Python threads overlap,
    that of the block counts which was entered last and has not ended, and when none is left, what
    was before the first. `set_num_threads` inside a block lasts until its end.

    Raises:
        SpecError: if it is not a whole number >= 1.

    Example:
        >>> import qnn_core as qnn
        >>> before = qnn.get_num_threads()
        >>> with qnn.threads(1):
        ...     qnn.get_num_threads()
        1
        >>> qnn.get_num_threads() == before
        True
    """
    block = _Block(whole("threads", "count", count, least=1, error=SpecError))
    with State.lock:
        if not State.blocks:
            State.outside = State.count
        State.blocks.append(block)
        State.count = block.count
    try:
        yield
    finally:
        with State.lock:
            State.blocks.remove(block)
            State.count = State.blocks[-1].count if State.blocks else State.outside


def threads_for(work: float) -> int:
    """Return how many threads pay for so many nanoseconds of work, at least one."""
    return max(1, min(get_num_threads(), int(work / LEAST_WORK)))


def _default() -> int:
    given = os.environ.get("QNN_NUM_THREADS", "").strip()
    if not given:
        return usable_cores()
    if not given.isdecimal() or int(given) < 1:
        raise SpecError(f"QNN_NUM_THREADS must be a whole number >= 1, got {given!r}")
    return int(given)


class _Block:
    """A ``with`` block that has not ended, and how many threads there are in it."""

    def __init__(self, count: int) -> None:
        self.count = count


class State:
    """How many threads there are at most, None before it is asked for."""

    count: int | None = None
    # What it was before the first of the blocks that have not ended.
    outside: int | None = None
    blocks: ClassVar[list[_Block]] = []
    lock: ClassVar[Any] = Lock()
