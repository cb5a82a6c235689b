"""What a program takes for granted: that the model is as it was when it was recorded."""

import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..autodiff.memory import Memory, digest_of
from ..autodiff.tensor import Tensor, memory_of
from ..nn.parts import vars_of
from .reach import Reach, values_of

# More than that cannot be looked at before each run without losing more than a program wins.
MOST_VALUES, MOST_BYTES = 10_000, 1 << 24


class Guard:
    """A model's attributes, modes and tensors at one moment, and what else its code reads.

    Args:
        modules: all that are in the model.
        leaves: tensors whose places a program knows.

    Attributes:
        unseen: why changes cannot all be noticed; empty if they can.
    """

    __slots__ = (
        "arrays",
        "cells",
        "digests",
        "fixed",
        "holders",
        "kinds",
        "leaves",
        "names",
        "random",
        "slotted",
        "unseen",
    )

    # Tensors, each with its array and whether it requires a gradient.
    leaves: list[tuple[Tensor, Any, bool]]
    # What forward takes numbers from, each with its memory and the time when it was written to.
    fixed: list[tuple[Tensor, Memory, int]]
    # Modules, each with its class.
    kinds: list[tuple[Any, Any]]
    # See `Reach`.
    holders: list[tuple[Any, tuple[Any, ...]]]
    slotted: list[tuple[Any, tuple[Any, ...]]]
    names: list[tuple[dict[str, Any], str, Any]]
    cells: list[tuple[Any, Any]]
    arrays: list[Any]
    digests: list[int]
    # Generators of random numbers, each with its state.
    random: list[tuple[Any, Any]]
    unseen: str

    def __init__(self, modules: Iterable[Any], leaves: Iterable[Tensor]) -> None:
        modules = list(modules)
        self.leaves = [(t, t.array, t.requires_grad) for t in leaves]
        self.fixed = []
        # First: a quantizer whose fields are trained is made anew when it is asked for.
        self._fix(modules)
        found = Reach(modules)
        own = {id(module) for module in modules}
        self._fix([m for m in found.modules if id(m) not in own])
        self.kinds = [(m, type(m)) for m in found.modules]
        self.holders, self.slotted = found.holders, found.slotted
        self.names, self.cells = found.names, found.cells
        self.arrays = found.arrays
        self.digests = [digest_of(array) for array in self.arrays]
        self.random = [(source, _state(source)) for source in (*found.generators, None)]
        self.unseen = ""
        if found.iterators:
            self.unseen = f"it holds a {found.iterators[0]}, which is another one at each step"
        elif found.count > MOST_VALUES or sum(a.nbytes for a in self.arrays) > MOST_BYTES:
            self.unseen = "its code reaches more values than can be compared at each step"

    def _fix(self, modules: list[Any]) -> None:
        for tensor in [t for m in modules for t in m.fixed_tensors()]:
            memory = memory_of(tensor)
            memory.look()
            self.fixed.append((tensor, memory, memory.written))

    def holds(self) -> bool:
        """Return whether all is as it was."""
        for tensor, array, requires_grad in self.leaves:
            if tensor.array is not array or tensor.requires_grad != requires_grad:
                return False
        for tensor, memory, written in self.fixed:
            if tensor.memory is not memory:
                return False
            if memory.exposed:
                memory.look()
            if memory.written != written:
                return False
        return self.attributes_hold()

    def attributes_hold(self) -> bool:
        """Return whether attributes, and what else code reads, are what they were."""
        for module, kind in self.kinds:
            if type(module) is not kind:
                return False
        for holder, values in self.holders:
            if not _holds(holder, values):
                return False
        for value, values in self.slotted:
            if not _all_same(tuple(vars_of(value).values()), values):
                return False
        for space, name, value in self.names:
            if not _same(space.get(name), value):
                return False
        for cell, value in self.cells:
            if not _same(cell.cell_contents, value):
                return False
        return not self.arrays or [digest_of(array) for array in self.arrays] == self.digests

    def has_drawn(self) -> bool:
        """Return whether random numbers were drawn that no operation has asked for."""
        return any(_state(source) != state for source, state in self.random)


def _holds(holder: Any, values: tuple[Any, ...]) -> bool:
    if not isinstance(holder, dict):
        return _all_same(values_of(holder), values)
    if len(holder) * 2 != len(values):
        return False
    n = 0
    for key, value in holder.items():
        if key is not values[n] or not (value is values[n + 1] or _same(value, values[n + 1])):
            return False
        n += 2
    return True


def _all_same(these: tuple[Any, ...], those: tuple[Any, ...]) -> bool:
    if len(these) != len(those):
        return False
    for n, value in enumerate(these):
        if value is not those[n] and not _same(value, those[n]):
            return False
    return True


def _same(a: Any, b: Any) -> bool:
    """Whether it is the same object, or an equal number."""
    if a is b:
        return True
    if type(a) is not type(b) or not isinstance(a, int | float | str | np.generic):
        return False
    # Not by ==, to which zeros of both signs are equal, and NaN is not.
    return repr(a) == repr(b)


def _state(source: Any) -> Any:
    """Return the state of a generator of random numbers; None stands for those of all."""
    if source is None:
        _, key, *rest = np.random.get_state()  # noqa: NPY002 # what users draw from
        return random.getstate(), np.asarray(key).tobytes(), rest
    if isinstance(source, np.random.Generator):
        return repr(source.bit_generator.state)
    if isinstance(source, np.random.RandomState):
        kind, key, *rest = source.get_state()
        return kind, np.asarray(key).tobytes(), rest
    return source.getstate()
