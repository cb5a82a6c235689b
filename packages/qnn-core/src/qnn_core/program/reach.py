"""What a model's `forward` can read: attributes, and whatever its own code leads to."""

import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dis import get_instructions
from functools import cache, partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..autodiff.tensor import Tensor
from ..nn.module import Module
from ..nn.parts import vars_of
from ..quantizer import Quantizer

# Code of theirs reads nothing that changes between two steps, but for what it is given.
OTHERS = sys.stdlib_module_names | {__name__.partition(".")[0], "numpy"}
CONTAINERS = (list, tuple, dict, set, frozenset, deque)
# Whose state decides on numbers, and cannot be compared by identity.
RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
Holder = tuple[Any, tuple[Any, ...]]


class Reach:
    """All that modules and their code can read, as it is now.

    The library's own modules read their attributes, and say what else (`Module.fixed_tensors`).
    Quantizers do not change.
    Code of somebody else is followed: the classes of modules and of objects, functions, the global
    names and the variables of enclosing functions in them.

    Args:
        modules: of the model.

    Attributes:
        modules: those, and others that are reached.
        holders: attributes and containers, each with what it holds.
        slotted: objects whose attributes are in slots, likewise.
        names: global names, each with its module's dictionary and its value.
        cells: variables of enclosing functions, each with its value.
        arrays: arrays that were found.
        generators: of random numbers.
        iterators: names of the classes of what can be gone through once.
        count: of all values outside of modules.
    """

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules: list[Module] = []
        self.holders: list[Holder] = []
        self.slotted: list[Holder] = []
        self.names: list[tuple[dict[str, Any], str, Any]] = []
        self.cells: list[tuple[CellType, Any]] = []
        self.arrays: list[Any] = []
        self.generators: list[Any] = []
        self.iterators: list[str] = []
        self.count = 0
        self._seen: set[int] = set()
        self._waiting: list[Any] = []
        for module in modules:
            self._waiting.append(module)
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting:
            value = self._waiting.pop()
            if id(value) in self._seen or value is None or type(value) in (bool, int, float, str):
                continue
            self._seen.add(id(value))
            self._enter(value)

    def _enter(self, value: Any) -> None:
        if isinstance(value, Module):
            self.modules.append(value)
            self._object(value)
        elif isinstance(value, np.ndarray):
            if value.dtype.kind in "biufc":
                self.arrays.append(value)
        elif isinstance(value, RANDOM):
            self.generators.append(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self._waiting += [value.__self__, value.__func__]
        elif isinstance(value, staticmethod | classmethod):
            self._waiting.append(value.__func__)
        elif isinstance(value, property):
            self._waiting += [value.fget, value.fset]
        elif isinstance(value, partial):
            self._waiting += [value.func, value.args, value.keywords]
        elif isinstance(value, type):
            self._class(value)
        elif not isinstance(value, Tensor | Quantizer | ModuleType | CodeType):
            self._object(value)

    def _object(self, value: Any) -> None:
        """Look at what an object holds, and at its class."""
        container = isinstance(value, CONTAINERS)
        if container:
            self._holder(value)
        elif not isinstance(value, Module) and hasattr(value, "__next__"):
            self.iterators.append(type(value).__name__)
        if not container or type(value) not in CONTAINERS:
            self._waiting.append(type(value))
            if _is_known(type(value)) and not isinstance(value, Module | SimpleNamespace):
                return
            own = getattr(value, "__dict__", None)
            if isinstance(own, dict):
                self._holder(own, counted=not isinstance(value, Module))
            found = vars_of(value)
            if found is not own and found:
                self.slotted.append((value, tuple(found.values())))
                self._waiting += found.values()

    def _holder(self, holder: Any, *, counted: bool = True) -> None:
        values = values_of(holder)
        self.holders.append((holder, values))
        self.count += len(values) * counted
        self._waiting += values

    def _class(self, kind: type[Any]) -> None:
        for base in kind.__mro__:
            if not _is_known(base):
                if base is not kind:
                    self._waiting.append(base)
                else:
                    self._holder(vars(base))

    def _function(self, function: FunctionType) -> None:
        if _is_of_others(function.__module__):
            return
        self._waiting += [function.__defaults__, function.__kwdefaults__, vars(function)]
        for cell in function.__closure__ or ():
            if id(cell) not in self._seen:
                self._seen.add(id(cell))
                self._cell(cell)
        attributes: list[str] = []
        for code in _codes(function.__code__):
            attributes += code.co_names
        for code in _codes(function.__code__):
            for name in _globals_of(code):
                self._name(function.__globals__, name, attributes)

    def _cell(self, cell: CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # it has none yet
            return
        self.cells.append((cell, value))
        self._waiting.append(value)

    def _name(self, space: dict[str, Any], name: str, attributes: list[str]) -> None:
        """Look at what a name stands for; of a module, at all that may be read of it."""
        if name not in space:
            return
        value = space[name]
        self.names.append((space, name, value))
        self.count += 1
        if not isinstance(value, ModuleType):
            self._waiting.append(value)
        elif not _is_of_others(value.__name__):
            for attribute in attributes:
                key = (id(value), attribute)
                if hash(key) not in self._seen and attribute in vars(value):
                    self._seen.add(hash(key))
                    self._name(vars(value), attribute, attributes)


def values_of(holder: Any) -> tuple[Any, ...]:
    """Return what a container holds, keys too."""
    if hasattr(holder, "items"):
        return tuple([part for pair in holder.items() for part in pair])
    return tuple(holder)


def _is_of_others(name: str | None) -> bool:
    return name is None or name.partition(".")[0] in OTHERS


def _is_known(kind: type[Any]) -> bool:
    return _is_of_others(kind.__module__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a function's code, and that of functions inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@cache
def _globals_of(code: CodeType) -> tuple[str, ...]:
    """Return the global names that code reads, not those of attributes."""
    found = {i.argval for i in get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return tuple(sorted(found))
