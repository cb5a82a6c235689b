"""Standard streams for the processes that a comparison starts, where there are none."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def standard_streams() -> Generator[None]:
    """Give this process the standard streams that it lacks, for a while: they swallow all.

    Whoever starts processes flushes them. Their numbers, 0 to 2, are taken for good, as a daemon
    does: a pipe that got one of them would be written into by whatever prints in a worker.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest that is free, which is this one; workers need it too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    kept = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    missing = [name for name, stream in kept.items() if getattr(stream, "closed", stream is None)]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        for name in missing:
            setattr(sys, name, nowhere)
        try:
            yield
        finally:
            for name in missing:
                if getattr(sys, name) is nowhere:
                    setattr(sys, name, kept[name])
