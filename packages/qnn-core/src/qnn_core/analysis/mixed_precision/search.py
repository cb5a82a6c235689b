"""The best choice of one option from each group under a limit of bytes: exact, by best first."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Chosen = tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """An option in its group.

    Attributes:
        value: what it costs, in the sum that is to be least.
        nbytes: bytes that it takes by itself.
        tables: names of what it needs besides, and shares with all others that need it.
    """

    value: float
    nbytes: int
    tables: frozenset[Any] = frozenset()


def best(
    groups: Sequence[Sequence[Item]],
    limit: int,
    tables: Mapping[Any, int],
    accept: Callable[[Chosen], bool] = lambda _: True,
) -> Chosen | None:
    """Return the position of one item in each group, with the least sum of values.

    It is the multiple-choice knapsack problem, in which some items also need a table that is paid
    for once. Partial choices are taken up in the order of a lower bound of what can become of them
    (A*, Hart et al. 1968): their value so far, and the least that the groups to come can add within
    the bytes that are left, tables apart. So complete ones come up in the order of their sums, and
    the first that is accepted is the best.

    Args:
        groups: items to choose from.
        limit: of the sum of all bytes, tables included.
        tables: bytes of each table.
        accept: says whether a complete choice will do.

    Returns:
        None if nothing fits and is accepted.

    Example:
        >>> small, large = Item(5.0, 10), Item(1.0, 30)
        >>> best([[small, large], [small, large]], 40, {})
        (0, 1)
    """
    rest = _rests(groups, limit)
    heap: list[tuple[float, int, int, Chosen, float, frozenset[Any]]] = []

    def push(chosen: Chosen, value: float, nbytes: int, used: frozenset[Any]) -> None:
        added = rest[len(chosen)].least(limit - nbytes)
        if added is not None:
            # Of equal bounds the deeper first: then a complete choice is near.
            heapq.heappush(heap, (value + added, -len(chosen), nbytes, chosen, value, used))

    push((), 0.0, 0, frozenset())
    while heap:
        _, _, nbytes, chosen, value, used = heapq.heappop(heap)
        if len(chosen) == len(groups):
            if accept(chosen):
                return chosen
            continue
        for position, item in enumerate(groups[len(chosen)]):
            new = item.tables - used
            size = nbytes + item.nbytes + sum(tables[table] for table in new)
            push((*chosen, position), value + item.value, size, used | new)
    return None


class _Rest:
    """The least values that some groups can have, over the bytes that they may take.

    Attributes:
        nbytes: ascending.
        values: the least sum of values with at most so many bytes, strictly descending.
    """

    def __init__(self, nbytes: Array, values: Array) -> None:
        self.nbytes = nbytes
        self.values = values

    def least(self, nbytes: int) -> float | None:
        """Return the least sum of values within so many bytes, or None."""
        place = int(np.searchsorted(self.nbytes, nbytes, side="right")) - 1
        return float(self.values[place]) if place >= 0 else None

    def before(self, group: Sequence[Item], limit: int) -> "_Rest":
        """Return the same with one more group, as far as a limit."""
        own = np.array([item.nbytes for item in group])[:, None]
        cost = np.array([item.value for item in group])[:, None]
        nbytes, values = (own + self.nbytes).ravel(), (cost + self.values).ravel()
        kept = nbytes <= limit
        nbytes, values = nbytes[kept], values[kept]
        order = np.lexsort((values, nbytes))
        nbytes, values = nbytes[order], values[order]
        # What takes more bytes and is no better is never chosen.
        better = np.ones(len(values), bool)
        better[1:] = values[1:] < np.minimum.accumulate(values)[:-1]
        return _Rest(nbytes[better], values[better])


def _rests(groups: Sequence[Sequence[Item]], limit: int) -> list[_Rest]:
    """Return what the groups from each position on can have; the last is for none."""
    rests = [_Rest(np.zeros(1, np.int64), np.zeros(1))]
    ahead = sum(min(item.nbytes for item in group) for group in groups)
    for group in reversed(groups):
        ahead -= min(item.nbytes for item in group)
        rests.append(rests[-1].before(group, limit - ahead))
    return rests[::-1]
