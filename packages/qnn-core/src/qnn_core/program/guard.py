"""What a program takes for granted: that the model is as it was when it was recorded."""

from collections.abc import Iterable, Iterator
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..autodiff.memory import Memory, digest_of
from ..autodiff.tensor import Tensor, memory_of

PACKAGE = __name__.partition(".")[0]
# Whose objects do not change, or are no business of a forward.
FOREIGN = {PACKAGE, "qnn_quantizers", "numpy", "functools"}
MOST_HOLDERS = 10_000


class Guard:
    """A model's attributes, modes and tensors at one moment.

    Args:
        modules: all that are in the model.
        leaves: tensors whose places a program knows.
    """

    __slots__ = ("arrays", "cells", "digests", "fixed", "holders", "leaves", "names")

    # Tensors, each with its array and whether it requires a gradient.
    leaves: list[tuple[Tensor, Any, bool]]
    # What forward takes numbers from, each with the time when it was written to.
    fixed: list[tuple[Memory, int]]
    # Attributes and containers, each with what it holds.
    holders: list[tuple[Any, tuple[Any, ...]]]
    # Names that a class of somebody else reads in its file, and around it, each with its value.
    names: list[tuple[dict[str, Any], str, Any]]
    cells: list[tuple[CellType, Any]]
    # Arrays among the attributes.
    arrays: list[Any]
    digests: list[int]

    def __init__(self, modules: Iterable[Any], leaves: Iterable[Tensor]) -> None:
        modules = list(modules)
        self.leaves = [(t, t.array, t.requires_grad) for t in leaves]
        memories = [memory_of(t) for m in modules for t in m.fixed_tensors()]
        self.fixed = [(memory, memory.written) for memory in memories]
        methods = [m for kind in {type(module) for module in modules} for m in methods_of(kind)]
        self.names = [
            (m.__globals__, name, m.__globals__[name]) for m in methods for name in _read(m)
        ]
        self.cells = [(cell, cell.cell_contents) for m in methods for cell in m.__closure__ or ()]
        outside = [value for *_, value in self.names] + [value for _, value in self.cells]
        self.holders = [(holder, _values(holder)) for holder in _holders([*modules, *outside])]
        self.arrays = [a for a in self.held() if type(a) is np.ndarray and a.dtype.kind in "biuf"]
        self.digests = [digest_of(array) for array in self.arrays]

    def held(self) -> list[Any]:
        """Return all that attributes, containers and variables hold."""
        outside = [value for *_, value in self.names] + [value for _, value in self.cells]
        return outside + [value for _, values in self.holders for value in values]

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
        for cell, value in self.cells:
            if cell.cell_contents is not value:
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


def _holders(roots: list[Any]) -> list[Any]:
    """Return the attributes and containers in which objects hold others, however deep.

    Modules, tensors and what is not of the user's are looked into only where they are roots.
    """
    found: list[Any] = []
    known: set[int] = set()
    waiting = [(root, True) for root in roots]
    while waiting and len(found) < MOST_HOLDERS:
        value, root = waiting.pop()
        if id(value) in known:
            continue
        known.add(id(value))
        holders = [value] if isinstance(value, list | tuple | dict) else []
        if _is_own(value) or (root and hasattr(value, "fixed_tensors")):
            holders.append(vars(value))
        for holder in holders:
            found.append(holder)
            waiting += [(part, False) for part in _values(holder)]
    return found


def _is_own(value: Any) -> bool:
    """Whether a value is an object of a class of the user's, with attributes."""
    kind = type(value)
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, type | ModuleType | FunctionType | Tensor)
        and not hasattr(value, "fixed_tensors")
        and kind.__module__.partition(".")[0] not in FOREIGN
    )


def _values(holder: Any) -> tuple[Any, ...]:
    return tuple(holder.values() if isinstance(holder, dict) else holder)


def _read(method: FunctionType) -> list[str]:
    """Return the names of its file that a method reads."""
    return [name for name in method.__code__.co_names if name in method.__globals__]


def methods_of(kind: type[Any]) -> Iterator[FunctionType]:
    """Yield the methods of a class that is not of this package."""
    if kind.__module__.partition(".")[0] != PACKAGE:
        for method in vars(kind).values():
            if isinstance(method, FunctionType):
                yield method
