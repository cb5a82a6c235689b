"""The bytes of a packed model's file, as a sum over the options that its layers have."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...deploy.file.compress import to_bytes
from ...deploy.file.write import INLINE
from ...deploy.graph.constants import content
from .options import Option
from .search import Chosen, Item, best

# So many bytes for each layer may be counted in the sum and not be in the file: the description is
# deflated as a whole, and some of its numbers have fewer digits.
OFF = 8
# On so many choices it is seen how far the sum is off.
DRAWN = 24
# About what the entry of an array takes.
ENTRY = 20


class Sizes:
    """What each option adds to the file, from files that are really made.

    A file is a sum over its layers but for what several of them need and it has once: arrays, and
    the words of the description that say what a quantizer is. Arrays are known, and counted apart;
    so are words, by how much less a second layer with the same quantizer adds. How far the sum is
    off where all layers have the same quantizer, and in a few other files, is allowed for.

    Args:
        groups: the options of each layer.
        measure: returns the bytes of the file with one option in each layer.

    Attributes:
        real: the same as `measure`; each choice is measured once.
        tables: bytes of what several layers may need, by an array's content or by a quantizer.
    """

    def __init__(
        self, groups: Sequence[Sequence[Option]], measure: Callable[[Chosen], int]
    ) -> None:
        self.real = cache(measure)
        self._quantizers = [[option.quantizer for option in group] for group in groups]
        found = [[_tables(option) for option in group] for group in groups]
        users = Counter(key for group in found for key in frozenset().union(*group))
        nbytes = {key: n for group in found for needs in group for key, n in needs.items()}
        self.tables = {key: nbytes[key] for key in users if users[key] > 1}
        self._needs = [
            [frozenset(self.tables.keys() & needs.keys()) for needs in group] for group in found
        ]
        # Where the sum begins: the fewest bits in each layer.
        self._first = tuple(min(range(len(g)), key=lambda n: g[n].bits) for g in groups)
        self._count_words()
        self._own = [
            [self._added(layer, n) for n in range(len(group))] for layer, group in enumerate(groups)
        ]
        seen = [*map(self._alike, self._known()), *self._drawn()]
        # How many bytes more than the file the sum may have.
        self._off = OFF * len(groups) + max(0, *map(self._excess, seen))

    def best(self, values: Sequence[Sequence[float]], budget: int) -> Chosen | None:
        """Return the choice of the least sum of values whose file has at most so many bytes.

        Args:
            values: of each option of each layer.
            budget: in bytes.

        Returns:
            None if no file is so small.
        """
        return self._best(values, budget, self._off)

    def within(self, budget: int) -> Chosen | None:
        """Return a choice whose file has at most so many bytes, or None if there is none."""
        return self._within(budget, self._off)

    def _within(self, budget: int, off: int) -> Chosen | None:
        # Small files first: if any will do, one of them does.
        return self._best([[float(n) for n in group] for group in self._own], budget, off)

    def _best(self, values: Sequence[Sequence[float]], budget: int, off: int) -> Chosen | None:
        items = [
            [Item(*item) for item in zip(*group, strict=True)]
            for group in zip(values, self._own, self._needs, strict=True)
        ]
        limit = budget - self._fixed + off
        return best(items, limit, self.tables, lambda chosen: self.real(chosen) <= budget)

    def smallest(self) -> int:
        """Return the bytes of a file that is hardly ever not the smallest: nothing is allowed for.

        It is for a message. To be sure, many files that are a little greater had to be made.
        """
        found = self.real(self._first)
        while smaller := self._within(found - 1, 0):
            found = self.real(smaller)
        return found

    @property
    def _fixed(self) -> int:
        """The bytes that belong to no option."""
        return self.real(self._first) - self._shared(self._first)

    def _known(self) -> list[Any]:
        """Return the quantizers that there are."""
        return list(dict.fromkeys(quantizer for group in self._quantizers for quantizer in group))

    def _alike(self, quantizer: Any, most: int | None = None) -> Chosen:
        """Return the first choice, but with a quantizer where it can be, or in so many layers."""
        layers = [n for n, group in enumerate(self._quantizers) if quantizer in group][:most]
        chosen = list(self._first)
        for layer in layers:
            chosen[layer] = self._quantizers[layer].index(quantizer)
        return tuple(chosen)

    def _drawn(self) -> Iterator[Chosen]:
        """Return a few choices of all kinds, the same each time."""
        rng = np.random.default_rng(0)
        for _ in range(DRAWN):
            yield tuple(int(rng.integers(len(group))) for group in self._quantizers)

    def _count_words(self) -> None:
        """Count what the words for each quantizer take, where several layers may have it."""
        first = {group[n] for group, n in zip(self._quantizers, self._first, strict=True)}
        for quantizer in self._known():
            if quantizer in self.tables and quantizer not in first:
                self.tables[quantizer] = max(0, self._excess(self._alike(quantizer, 2)))
        # Those that are there from the first are missed where no layer has them.
        for quantizer in first & self.tables.keys():
            others = map(self._alike, self._known())
            without = [c for c in others if quantizer not in self._chosen(c)]
            self.tables[quantizer] = max(0, min(map(self._excess, without), default=0))

    def _chosen(self, chosen: Chosen) -> set[Any]:
        return {group[n] for group, n in zip(self._quantizers, chosen, strict=True)}

    def _excess(self, chosen: Chosen) -> int:
        """Return how many bytes more than the file the sum has."""
        own = sum(self._added(layer, n) for layer, n in enumerate(chosen))
        return self._fixed + own + self._shared(chosen) - self.real(chosen)

    def _added(self, layer: int, n: int) -> int:
        """Return what an option adds where all others are the first, without what is shared."""
        chosen = (*self._first[:layer], n, *self._first[layer + 1 :])
        return self.real(chosen) - self._fixed - self._shared(chosen)

    def _shared(self, chosen: Chosen) -> int:
        needed = frozenset().union(
            *(group[n] for group, n in zip(self._needs, chosen, strict=True))
        )
        return sum(self.tables[key] for key in needed)


def _tables(option: Option) -> dict[Any, int]:
    """Return what other weights may need too, with its bytes: arrays, and words not yet counted."""
    arrays = {content(a): len(to_bytes(a)) + ENTRY for a in option.arrays() if a.size > INLINE}
    return {**arrays, option.quantizer: 0}
