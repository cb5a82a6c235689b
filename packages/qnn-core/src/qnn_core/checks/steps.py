"""Operations that turn many values into few, wherever they are in a layer, and their gradients."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..autodiff import GraphNode, Tensor
from .samples import Array

# A tensor counts as quantized with up to this many values, each of them often.
MOST_VALUES = 256
TIMES = 2

# Where a gradient is taken, on the way.
CUTS = 97

# A smaller input is qparams or another constant, not data.
LEAST_DATA = 64


def few_values(array: Array) -> int | None:
    """Return how many values an array takes, as a whole or in a channel, or None if many.

    Values that differ by rounding only count as one.
    """
    if array.size < LEAST_DATA:
        return None
    width = float(np.ptp(array)) or 1.0
    rounded = np.rint((array - array.min()) / width * 1e5)
    slices = [rounded.reshape(1, -1)]
    slices += [np.moveaxis(rounded, axis, 0).reshape(n, -1) for axis, n in enumerate(array.shape)]
    counts = [
        (max(np.unique(row).size for row in rows), rows.shape[1]) for rows in slices if rows.size
    ]
    return min((c for c, size in counts if c <= MOST_VALUES and TIMES * c <= size), default=None)


def data_inputs(node: GraphNode) -> list[int]:
    """Return which inputs of an operation are data of many values."""
    return [
        n
        for n, value in enumerate(node.inputs)
        if value.data.size >= LEAST_DATA and few_values(value.data) is None
    ]


def quantizes(node: GraphNode) -> bool:
    """Whether an operation turns many values into few."""
    return few_values(node.output.data) is not None and bool(data_inputs(node))


@dataclass(frozen=True)
class Climb:
    """One element of an input of an operation, moved over the range of what comes out.

    Attributes:
        size: the greatest magnitude of the input.
        low, high: between which it is moved.
        value: by how much the output climbs.
        gradient: by how much it would by the gradient, which is summed up on the way.
    """

    size: float
    low: float
    high: float
    value: float
    gradient: float

    @property
    def ratio(self) -> float:
        """1 if the gradient is that of the climb."""
        return self.gradient / self.value


def climbs(node: GraphNode, given: int, size: float, count: int = 2) -> Iterator[Climb]:
    """Yield the climbs of some elements of an input, scaled so that its greatest magnitude is size.

    That greatest element stays where it is, so that a scale made of it stays too. Elements that do
    not make the output climb in steps are left out.
    """
    data = np.asarray(node.inputs[given].data, np.float32)
    data = data * np.float32(size / np.abs(data).max())
    pinned = int(np.abs(data).argmax())
    for place in (n for n in (1, data.size // 2, data.size - 2) if n != pinned):
        line = _Line.of(node, given, data, place)
        climb = None if line is None else line.climb()
        if climb is not None:
            yield climb
            count -= 1
        if not count:
            return


@dataclass(frozen=True, eq=False)
class _Line:
    """An operation as a function of one element of one input, at one element of its output."""

    node: GraphNode
    given: int
    data: Array
    place: int
    seen: int
    size: float

    @classmethod
    def of(cls, node: GraphNode, given: int, data: Array, place: int) -> "_Line | None":
        """Return the line to the output that changes most, or None if that is no staircase."""
        size = float(np.abs(data).max())
        line = cls(node, given, data, place, 0, size)
        change = np.abs(line.output(size) - line.output(-size))
        if not np.any(change):
            return None
        line = cls(node, given, data, place, int(change.argmax()), size)
        return line if line._is_staircase() else None

    def output(self, t: float) -> Array:
        return self._run(t, grad=False)[1].data

    def value(self, t: float) -> float:
        return float(self.output(t).flat[self.seen])

    def gradient(self, t: float) -> float:
        moved, output = self._run(t, grad=True)
        if not output.requires_grad:
            return 0.0
        one_hot = np.zeros(output.shape, output.dtype)
        one_hot.flat[self.seen] = 1
        output.backward(one_hot)
        return 0.0 if moved.grad is None else float(moved.grad.data.flat[self.place])

    def _run(self, t: float, *, grad: bool) -> tuple[Tensor, Tensor]:
        """Return the input with the element at `t`, and what comes out."""
        data = self.data.copy()
        data.flat[self.place] = t
        inputs = [Tensor(value.data) for value in self.node.inputs]
        inputs[self.given] = Tensor(data, requires_grad=grad)
        return inputs[self.given], self.node.op.apply(tuple(inputs), self.node.attributes)

    def climb(self) -> Climb | None:
        """Return the climb from the middle of the lowest step to the middle of the highest."""
        low, high = self.value(-self.size), self.value(self.size)
        first = self._edge(-self.size, self.size, low)
        last = self._edge(self.size, -self.size, high)
        seen = len({self.value(t) for t in np.linspace(first, last, MOST_VALUES + 1)} | {low, high})
        wide = last - first > 1e-4 * self.size  # else a single step, or a value at one point only
        if seen > 2 and wide:
            half = (last - first) / (2 * (seen - 2))
            ends = max(first - half, -self.size), min(last + half, self.size)
            cuts = np.linspace(*ends, CUTS)
        else:
            # It has no width: how far the surrogate reaches is looked for on every scale.
            reach = np.geomspace(1e-6, 2, CUTS) * self.size
            cuts = np.concatenate([first - reach[::-1], first + reach])
            cuts = np.clip(cuts, -self.size, self.size)
        gradients = np.array([self.gradient(t) for t in (cuts[1:] + cuts[:-1]) / 2])
        if not wide and np.ptp(gradients) == 0 and gradients[0] != 0:
            return None  # a gradient that passes everywhere has no range to compare with
        summed = float((gradients * np.diff(cuts)).sum())
        return Climb(self.size, float(cuts[0]), float(cuts[-1]), high - low, summed)

    def _is_staircase(self) -> bool:
        tried = np.random.default_rng(0).uniform(-self.size, self.size, 16)
        return sum(self.value(t) == self.value(t + 1e-5 * self.size) for t in tried) >= 12

    def _edge(self, start: float, end: float, value: float) -> float:
        """Return how far from `start` the value stays what it is there."""
        for _ in range(30):
            middle = (start + end) / 2
            start, end = (middle, end) if self.value(middle) == value else (start, middle)
        return start
