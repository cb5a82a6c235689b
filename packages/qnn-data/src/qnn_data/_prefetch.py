"""Items that another thread makes ahead of whoever takes them."""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Worker(Generic[T]):
    """A thread that makes item after item, each as soon as it is allowed to."""

    def __init__(self, make: Callable[[int], T], first: int, count: int) -> None:
        # Puts and gets of these queues are single calls of C: Ctrl-C finds nothing half done.
        self.allowed: SimpleQueue[bool] = SimpleQueue()
        self.made: SimpleQueue[T | _Failure] = SimpleQueue()
        self.thread = threading.Thread(
            target=_work,
            args=(make, range(first, count), self.allowed, self.made),
            name="qnn_data prefetch",
            # Not waited for at exit, where it may wait itself; _stop_all ends it before.
            daemon=True,
        )
        self.thread.start()

    def take(self) -> T:
        """Return the next item, or raise what its making raised."""
        item = self.made.get()
        if isinstance(item, _Failure):
            try:
                raise item.error
            finally:
                del item  # the traceback has this frame, which would have the error
        self.allowed.put(True)
        return item

    def stop(self) -> None:
        """Let the thread end, after the item that it is at."""
        self.allowed.put(False)


_workers: "weakref.WeakSet[_Worker[Any]]" = weakref.WeakSet()


def prefetched(make: Callable[[int], T], count: int, ahead: int) -> Iterator[T]:
    """Yield make(0), ..., make(count - 1), made by a thread up to `ahead` items before it is due.

    What `make` raises is raised here, at the item where it was. The thread ends with the iteration,
    also if that is abandoned. Where no thread can run (a forked child that goes on with its
    parent's iteration, an interpreter that ends) the items are made here: they are the same.
    """
    process = os.getpid()
    item = make(0)  # it is due at once; nobody would wait less for a thread to make it
    try:
        worker = _Worker(make, 1, count)
    except RuntimeError:  # no new thread can be started
        yield item
        yield from map(make, range(1, count))
        return
    _workers.add(worker)
    try:
        for _ in range(ahead):
            worker.allowed.put(True)
        yield item
        for number in range(1, count):
            del item  # one batch less in memory
            item = make(number) if os.getpid() != process else worker.take()
            yield item
    finally:
        worker.stop()


def _work(
    make: Callable[[int], T],
    numbers: range,
    allowed: "SimpleQueue[bool]",
    made: "SimpleQueue[T | _Failure]",
) -> None:
    for number in numbers:
        if not allowed.get():
            return
        try:
            made.put(make(number))
        except BaseException as error:  # whatever it is, who waits for the item is told
            made.put(_Failure(error))
            return


@atexit.register
def _stop_all() -> None:
    """End the threads of iterations that are under way while Python still can run them."""
    for worker in list(_workers):
        worker.stop()
        worker.thread.join(timeout=10)


def _forget() -> None:
    """In a forked child there are no threads to end."""
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
