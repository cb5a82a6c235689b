"""Processes that end with the one that asked: left alone, they would work on for nobody."""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

POLL_SECONDS = 0.5

# Handles that are this process's own, and not for children that it forks.
_HANDLES: set[int] = set()
_WATCHED: set[int] = set()


def end_with(parent: int) -> None:
    """End this process, without ado, when its parent is no longer the process `parent`.

    Nothing is done in a process that is no child of that one: a thread of it, or on a cluster.
    """
    if os.getppid() != parent or os.getpid() in _WATCHED:
        return
    _WATCHED.clear()  # a fork inherits what its parent watched
    _WATCHED.add(os.getpid())
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(POLL_SECONDS)
    os._exit(1)


@contextmanager
def keep_from_children(handle: int | None) -> Generator[None]:
    """Keep a handle, and the lock that is on it, from processes that are forked meanwhile.

    A lock is on the open file, which a fork shares: a child that outlives its parent would hold it.
    Such children end with their parent.
    """
    own = set() if handle is None else {handle}
    _HANDLES.update(own)
    try:
        yield
    finally:
        _HANDLES.difference_update(own)


def _in_child() -> None:
    if not _HANDLES:
        return
    for handle in _HANDLES:
        with suppress(OSError):
            os.close(handle)
    _HANDLES.clear()
    end_with(os.getppid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
