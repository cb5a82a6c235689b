"""Standard streams that are missing, closed, full, or of few characters."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any


def say(text: str, *streams: Any) -> bool:
    """Write a line to a stream, or to standard error, if that can be: what counts is in files.

    Characters that the stream cannot encode are replaced.

    Returns:
        Whether it was written, or its reader has gone, which is no fault.
    """
    (stream,) = streams or (sys.stderr,)
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever read has seen enough. What is still in the buffer would be an error at the end.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (AttributeError, OSError, ValueError, LookupError):  # None, closed, or a full disk
        return False
    return True


def is_terminal(stream: Any) -> bool:
    """Whether a stream is there, open, and a terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False


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
