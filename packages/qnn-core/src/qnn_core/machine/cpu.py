"""Which instruction set the kernels run on: all that the processor has, or less by request."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._kernels import engine
from ..errors import SpecError, nearest

# From the plainest on; each includes the ones before it.
KNOWN = ("base", "avx2", "avx512", "avx512vnni")


def paths() -> tuple[str, ...]:
    """Return the kernel paths that this processor can run, the fastest last.

    All give the same bits. ``base`` is plain C; ``avx2`` needs FMA too; ``avx512`` is AVX-512 F,
    BW, DQ and VL; ``avx512vnni`` has VNNI and VPOPCNTDQ besides.
    """
    return engine.supported()


def active() -> str:
    """Return the path in use: the fastest, or what the environment's ``QNN_CPU`` caps it to."""
    return paths()[active_index()]


def active_index() -> int:
    """Return the number of the path in use.

    Raises:
        SpecError: at the first use, if ``QNN_CPU`` names no path.
    """
    if State.index is None:
        State.index = _capped(os.environ.get("QNN_CPU", "").strip().lower())
    return State.index


@contextmanager
def using(path: str) -> Iterator[None]:
    """Run the kernels on another path inside the block, in all threads.

    Raises:
        SpecError: if there is no such path, or this processor cannot run it.

    Example:
        >>> with using("base"):
        ...     active()
        'base'
    """
    if path not in paths():
        known = ", ".join(paths())
        raise SpecError(f"no kernel path {path!r}{nearest(path, paths())} (here: {known})")
    before = active_index()
    State.index = paths().index(path)
    try:
        yield
    finally:
        State.index = before


def _capped(cap: str) -> int:
    """Return the fastest path that is not above `cap`."""
    if cap and cap not in KNOWN:
        raise SpecError(f"QNN_CPU={cap!r} is not one of {', '.join(KNOWN)}{nearest(cap, KNOWN)}")
    most = KNOWN.index(cap) if cap else len(KNOWN)
    return min(most, len(paths()) - 1)


class State:
    """The number of the path in use, None before it is asked for."""

    index: int | None = None
