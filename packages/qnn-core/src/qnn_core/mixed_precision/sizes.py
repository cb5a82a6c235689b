"""The bytes of a packed model's file, as a sum over the options that its layers have."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

from ..packed.constants import content
from ..packed.squeeze import to_bytes
from ..packed.write import INLINE
from ..quantizer import codebook
from .options import Option
from .search import Chosen, Item, best

# So many bytes for each layer may be counted in the sum and not be in the file: the description is
# deflated as a whole, and some of its numbers have fewer digits.
OFF = 16
# About what the entry of an array takes.
ENTRY = 20


class Sizes:
    """What each option adds to the file, from files that are really made.

    A file is a sum over its layers but for the arrays that several of them need, which are stored
    once. Those of a weight's coding are known, and counted apart. What else layers may share shows
    most where all have the same option: how far the sum is off there is allowed for.

    Args:
        groups: the options of each layer.
        measure: returns the bytes of the file with one option in each layer.

    Attributes:
        real: the same as `measure`; each choice is measured once.
        tables: bytes of each array that several layers may need.
    """

    def __init__(
        self, groups: Sequence[Sequence[Option]], measure: Callable[[Chosen], int]
    ) -> None:
        self.real = cache(measure)
        arrays = [[_arrays(option) for option in group] for group in groups]
        users = Counter(key for group in arrays for key in frozenset().union(*group))
        nbytes = {key: n for group in arrays for found in group for key, n in found.items()}
        self.tables = {key: nbytes[key] for key in users if users[key] > 1}
        self._needs = [
            [frozenset(self.tables.keys() & found.keys()) for found in group] for group in arrays
        ]
        # Where the sum begins: the fewest bits in each layer.
        self._first = tuple(min(range(len(g)), key=lambda n: g[n].bits) for g in groups)
        self._own = [
            [self._added(layer, n) for n in range(len(group))] for layer, group in enumerate(groups)
        ]

    def best(self, values: Sequence[Sequence[float]], budget: int) -> Chosen | None:
        """Return the choice of the least sum of values whose file has at most so many bytes.

        Args:
            values: of each option of each layer.
            budget: in bytes.

        Returns:
            None if no file is so small.
        """
        items = [
            [Item(*item) for item in zip(*group, strict=True)]
            for group in zip(values, self._own, self._needs, strict=True)
        ]
        limit = budget - self._fixed + self._off
        return best(items, limit, self.tables, lambda chosen: self.real(chosen) <= budget)

    def within(self, budget: int) -> Chosen | None:
        """Return a choice whose file has at most so many bytes, or None if there is none."""
        return self.best([[0.0] * len(group) for group in self._own], budget)

    def smallest(self) -> int:
        """Return the bytes of the smallest file."""
        found = self.real(self._first)
        while smaller := self.within(found - 1):
            found = self.real(smaller)
        return found

    @property
    def _fixed(self) -> int:
        """The bytes that belong to no option."""
        return self.real(self._first) - self._shared(self._first)

    @cached_property
    def _off(self) -> int:
        """How many bytes more than the file the sum may have."""
        longest = range(max(map(len, self._own)))
        alike = [tuple(min(n, len(group) - 1) for group in self._own) for n in longest]
        return OFF * len(self._own) + max(0, *(self._sum(c) - self.real(c) for c in alike))

    def _sum(self, chosen: Chosen) -> int:
        own = sum(group[n] for group, n in zip(self._own, chosen, strict=True))
        return self._fixed + own + self._shared(chosen)

    def _added(self, layer: int, n: int) -> int:
        """Return what an option adds where all others are the first, without what is shared."""
        chosen = (*self._first[:layer], n, *self._first[layer + 1 :])
        return self.real(chosen) - self._fixed - self._shared(chosen)

    def _shared(self, chosen: Chosen) -> int:
        needed = frozenset().union(
            *(group[n] for group, n in zip(self._needs, chosen, strict=True))
        )
        return sum(self.tables[key] for key in needed)


def _arrays(option: Option) -> dict[Any, int]:
    """Return the arrays of a weight's coding that other weights may have too, with their bytes."""
    if option.quantizer is None or option.module is None:
        return {}
    arrays = (codebook(option.quantizer).levels, option.module.frame().shift)
    return {content(a): len(to_bytes(a)) + ENTRY for a in arrays if a.size > INLINE}
