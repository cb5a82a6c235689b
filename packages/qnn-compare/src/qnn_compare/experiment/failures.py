"""Whose fault an error is: that of the run, or that of where it ran."""

from collections.abc import Iterator

from qnn_core.errors import CompareError, NonFiniteError

from .global_generators import Shared
from .result import Failure

# What may be otherwise in the next call, on another machine, or with more memory.
OF_SURROUNDINGS = (OSError, MemoryError, ImportError, Shared)


class Elsewhere(CompareError):
    """Something is not here as it is where the study was begun: data, weights, a folder."""


def failure_of(error: BaseException) -> Failure:
    """Return the kind of failure that an error of a run is.

    An error that was raised because of another one is of that one's kind.

    Example:
        >>> [failure_of(error) for error in (ValueError(), FileNotFoundError(), SystemExit())]
        ['raised', 'environment', 'raised']
    """
    chain = [*_chain(error)]
    if any(isinstance(one, (*OF_SURROUNDINGS, Elsewhere)) for one in chain) or _no_children(error):
        return "environment"
    return "diverged" if isinstance(error, NonFiniteError) else "raised"


def error_text(error: BaseException) -> str:
    """Return an error in words, whatever it is: its own text may raise another.

    Example:
        >>> error_text(ValueError("no"))
        'ValueError: no'
        >>> class Mute(Exception):
        ...     def __str__(self):
        ...         raise ZeroDivisionError
        >>> error_text(Mute())
        'Mute, whose text cannot be had: ZeroDivisionError'
    """
    name = type(error).__name__
    try:
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        text = f"{error}{notes}"
    except KeyboardInterrupt:
        raise
    except BaseException as another:  # of the user's code, which may even exit
        return f"{name}, whose text cannot be had: {type(another).__name__}"
    if _no_children(error):
        text += (
            "; a run is a process that cannot start others here: leave multiprocessing out of "
            "build and data, or give executor a number of processes"
        )
    return f"{name}: {text}" if text else name


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _no_children(error: BaseException) -> bool:
    """Whether it is what multiprocessing says in a process that must have no children."""
    return isinstance(error, AssertionError) and error.args == (
        "daemonic processes are not allowed to have children",
    )
