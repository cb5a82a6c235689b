"""Standard output and error as they are: no terminal, no UTF-8, full, closed or none at all."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec

P = ParamSpec("P")

# What a shell reports of a program that wrote to a pipe which nobody reads any more.
BROKEN_PIPE = 128 + 13


def is_writable(stream: Any) -> bool:
    """Whether something can be written to a stream: windowed programs have none.

    Example:
        >>> import io
        >>> is_writable(io.StringIO()), is_writable(None)
        (True, False)
    """
    return hasattr(stream, "write") and not getattr(stream, "closed", False)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; False for one that cannot say, is closed, or is None.

    Example:
        >>> is_terminal(None)
        False
    """
    try:
        return is_writable(stream) and bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def say(text: str, stream: Any) -> None:
    """Write a line for whoever watches, if anybody can: news are no reason to fail.

    What the stream cannot encode is replaced.
    """
    if not is_writable(stream):
        return
    with contextlib.suppress(OSError, ValueError):
        _write(stream, f"{text}\n")
        if hasattr(stream, "flush"):
            stream.flush()


def command(main: Callable[P, int | None]) -> Callable[P, int]:
    """Return `main` of a program so that what it prints goes wherever there is a place for it.

    Without standard output or error, nothing is shown there; what they cannot encode is replaced.
    If nobody reads on (``| head -1``), the program ends without a word, with the status that a
    shell gives for that, 141. If standard output takes no more (a full disk), it ends with one line
    on standard error and the status 1.

    Args:
        main: returns the exit status, None for 0.

    Example:
        >>> @command
        ... def main() -> None:
        ...     print("done")
        >>> main()
        done
        0
    """

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        with _replaced("stdout", _Output), _replaced("stderr", None):
            try:
                return _flushed(main, *args, **kwargs)
            except _Lost as lost:
                _drop(sys.stdout)
                if isinstance(lost.error, BrokenPipeError):
                    return BROKEN_PIPE
                say(f"standard output: {lost.error.strerror}", sys.stderr)
                return 1

    return run


class _Lost(Exception):  # it is told from the errors of files by not being one
    """Standard output takes no more. No OSError: nobody who expects those of files catches it."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class _Output:
    """Standard output that replaces what it cannot encode, and says when it takes no more."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            _write(self._stream, text)
        except OSError as error:
            raise _Lost(error) from error
        return len(text)

    def flush(self) -> None:
        try:
            if hasattr(self._stream, "flush"):
                self._stream.flush()
        except OSError as error:
            raise _Lost(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _write(stream: Any, text: str) -> None:
    """Write text, with marks in place of what the stream cannot encode."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))


def _flushed(main: Callable[P, int | None], *args: P.args, **kwargs: P.kwargs) -> int:
    try:
        status = main(*args, **kwargs) or 0
    except SystemExit:  # as after --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


@contextlib.contextmanager
def _replaced(name: str, by: Callable[[Any], Any] | None) -> Iterator[None]:
    """Put something else in the place of a stream of `sys`: nowhere, if it is none."""
    before = getattr(sys, name)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        stream = before if is_writable(before) else nowhere
        setattr(sys, name, by(stream) if by else stream)
        try:
            yield
        finally:
            setattr(sys, name, before)


def _drop(stream: Any) -> None:
    """Let what a stream still has go nowhere: Python would write it at its end, and complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
