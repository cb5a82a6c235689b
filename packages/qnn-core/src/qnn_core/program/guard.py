"""What a program takes for granted: that the model is as it was when it was recorded."""

from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from ..autodiff.memory import Memory, digest_of
from ..autodiff.tensor import Tensor, memory_of

PACKAGE = __name__.partition(".")[0]


class Guard:
    """A model's attributes, modes and tensors at one moment.

    Args:
        modules: all that are in the model.
        leaves: tensors whose places a program knows.
    """

    __slots__ = ("arrays", "digests", "fixed", "holders", "leaves", "names")

    # Tensors, each with its array and whether it requires a gradient.
    leaves: list[tuple[Tensor, Any, bool]]
    # What forward takes numbers from, each with the time when it was written to.
    fixed: list[tuple[Memory, int]]
    # Attributes and containers, each with what it holds.
    holders: list[tuple[Any, tuple[Any, ...]]]
    # Names that a class of somebody else reads, each with its module and its value.
    names: list[tuple[dict[str, Any], str, Any]]
    # Arrays among the attributes.
    arrays: list[Any]
    digests: list[int]

    def __init__(self, modules: Iterable[Any], leaves: Iterable[Tensor]) -> None:
        modules = list(modules)
        self.leaves = [(t, t.array, t.requires_grad) for t in leaves]
        memories = [memory_of(t) for m in modules for t in m.fixed_tensors()]
        self.fixed = [(memory, memory.written) for memory in memories]
        self.holders = [(holder, _values(holder)) for m in modules for holder in _holders(m)]
        held = [value for _, values in self.holders for value in values]
        self.arrays = [a for a in held if type(a) is np.ndarray and a.dtype.kind in "biuf"]
        self.digests = [digest_of(array) for array in self.arrays]
        read = {key for kind in {type(m) for m in modules} for key in _read(kind)}
        spaces = {
            id(space): space for kind in {type(m) for m in modules} for space in _spaces(kind)
        }
        self.names = [(spaces[at], name, spaces[at][name]) for at, name in read]

    def holds(self) -> bool:
        """Return whether all is as it was."""
        for tensor, array, requires_grad in self.leaves:
            if tensor.array is not array or tensor.requires_grad != requires_grad:
                return False
        for memory, written in self.fixed:
            if memory.written != written:
                return False
        if not self.attributes_hold():
            return False
        for space, name, value in self.names:
            if space.get(name) is not value:
                return False
        return self.arrays_hold()

    def attributes_hold(self) -> bool:
        """Return whether the attributes, and the containers in them, hold what they held."""
        for holder, values in self.holders:  # noqa: SIM110 # a generator cannot be typed
            if not _holds(holder, values):
                return False
        return True

    def arrays_hold(self) -> bool:
        """Return whether the arrays among the attributes have the numbers that they had."""
        return not self.arrays or [digest_of(array) for array in self.arrays] == self.digests


def _holds(holder: Any, values: tuple[Any, ...]) -> bool:
    if len(holder) != len(values):
        return False
    n = 0
    if isinstance(holder, dict):
        for value in holder.values():
            if value is not values[n]:
                return False
            n += 1
        return True
    for value in holder:
        if value is not values[n]:
            return False
        n += 1
    return True


def _holders(module: Any) -> Iterator[Any]:
    """Yield a module's attributes, and the containers in them, however deep."""
    waiting: list[Any] = [vars(module)]
    if isinstance(module, list | dict):
        waiting.append(module)
    while waiting:
        holder = waiting.pop()
        yield holder
        # A module that is a container is looked into by itself.
        waiting += [v for v in _values(holder) if type(v) in (list, tuple, dict)]


def _values(holder: Any) -> tuple[Any, ...]:
    return tuple(holder.values() if isinstance(holder, dict) else holder)


def _spaces(kind: type[Any]) -> Iterator[dict[str, Any]]:
    for method in _methods(kind):
        yield method.__globals__


def _read(kind: type[Any]) -> Iterator[tuple[int, str]]:
    """Yield the names of its module that a class of somebody else reads in its methods."""
    for method in _methods(kind):
        for name in method.__code__.co_names:
            if name in method.__globals__:
                yield id(method.__globals__), name


def _methods(kind: type[Any]) -> Iterator[FunctionType]:
    if kind.__module__.partition(".")[0] != PACKAGE:
        for method in vars(kind).values():
            if isinstance(method, FunctionType):
                yield method
