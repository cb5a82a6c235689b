"""What a forward does that no record of its operations shows."""

import pickle
import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from .guard import Guard, methods_of
from .record import Different

DRAWN_FROM = (np.random.Generator, np.random.RandomState)


class Doubts:
    """A model before it is run, to be looked at again behind that.

    Args:
        modules: all that are in the model.
    """

    def __init__(self, modules: Iterable[Any]) -> None:
        modules = list(modules)
        self._kinds = sorted({type(module) for module in modules}, key=lambda kind: kind.__name__)
        self._guard = Guard(modules, ())
        held = self._guard.held()
        self._iterates = any(hasattr(value, "__next__") for value in held)
        self._generators = [value for value in held if isinstance(value, DRAWN_FROM)]
        self._states = self._drawn()

    def check(self) -> None:
        """Look whether all is as it was, and whether it could be otherwise.

        Raises:
            Different: if forward has changed something, or may take what nobody knows of.
        """
        for kind in self._kinds:
            for method in methods_of(kind):
                if method.__name__ != "__init__" and "array" in method.__code__.co_names:
                    raise Different(f"{kind.__name__}.{method.__name__} takes Tensor.array")
        if self._iterates:
            raise Different("it holds an iterator, or reads one, whose next value nobody knows")
        if not (self._guard.attributes_hold() and self._guard.arrays_hold()):
            raise Different("its forward changes attributes, or what they hold")
        if self._drawn() != self._states:
            raise Different(
                "its forward draws random numbers: layers with noise of their own, such as "
                "Dropout, draw theirs in a program too"
            )

    def _drawn(self) -> bytes:
        """Return the states of all generators that a forward may draw from."""
        own = [
            g.bit_generator.state if isinstance(g, np.random.Generator) else g.get_state()
            for g in self._generators
        ]
        shared = random.getstate(), np.random.get_state()  # noqa: NPY002 # what users draw from
        return pickle.dumps((shared, own))
