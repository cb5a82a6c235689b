"""What a forward does that no record of its operations shows."""

from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from .guard import Guard
from .record import Different

PACKAGE = __name__.partition(".")[0]


class Doubts:
    """A model before it is run, to be looked at again behind that.

    Args:
        modules: all that are in the model.
    """

    def __init__(self, modules: Iterable[Any]) -> None:
        modules = list(modules)
        self._kinds = sorted({type(module) for module in modules}, key=lambda kind: kind.__name__)
        self._guard = Guard(modules, ())

    def check(self) -> None:
        """Look whether all is as it was, and whether it could be otherwise.

        Raises:
            Different: if forward has changed something, or may take what nobody knows of.
        """
        for kind in self._kinds:
            for method in _methods_of(kind):
                if method.__name__ != "__init__" and "array" in method.__code__.co_names:
                    raise Different(f"{kind.__name__}.{method.__name__} takes Tensor.array")
        if self._guard.unseen:
            raise Different(self._guard.unseen)
        if not self._guard.attributes_hold():
            raise Different("its forward changes attributes, or what they hold")
        if self._guard.has_drawn():
            raise Different(
                "its forward draws random numbers: layers with noise of their own, such as "
                "Dropout, draw theirs in a program too"
            )


def _methods_of(kind: type[Any]) -> Iterator[FunctionType]:
    """Yield the methods of a class that is not of this package."""
    if kind.__module__.partition(".")[0] != PACKAGE:
        for method in vars(kind).values():
            if isinstance(method, FunctionType):
                yield method
