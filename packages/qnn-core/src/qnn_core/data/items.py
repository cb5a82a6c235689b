"""A data set whose samples are taken by their numbers: many at once, or one by one."""

from typing import Any

import numpy as np

from ..errors import QnnError, ShapeError
from .arrays import as_array, is_array
from .batch import Batch, leaves

# Whatever the code of a user's data set raises where it cannot be asked in this way.
Failures = Exception


class Items:
    """A data set with ``len(data)`` and ``data[index]``, as PyTorch's and as qnn-data's.

    Samples are taken many at once, by an array of indices, where that gives what they are one by
    one; else one by one, as with data sets that know only whole numbers, draw at random, or
    compute something of each sample.

    Args:
        data: gives a sample, ``(x, y)`` or ``(x, y, weight)`` or x alone, for a whole number, or
            many for an array of indices.
        where: for messages.

    Attributes:
        together: whether samples are taken many at once.

    Raises:
        ShapeError: if it is empty, or gives neither.
    """

    def __init__(self, data: Any, where: str) -> None:
        self._data, self._where = data, where
        self._count = len(data)
        if not self._count:
            raise ShapeError(f"{where}: the data set is empty")
        self.together = self._probe()

    def __len__(self) -> int:
        return self._count

    def take(self, rows: Any) -> Batch:
        """Return the samples of a slice or of an array of indices."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self._count))
        return self._many(rows) if self.together else self._one_by_one(rows)

    def _many(self, rows: Any) -> Batch:
        batch = Batch.of(self._data[rows], f"{self._where}: the data set")
        if batch.samples != len(rows):
            raise ShapeError(
                f"{self._where}: the data set gives {batch.samples} samples for {len(rows)} indices"
            )
        return batch

    def _one_by_one(self, rows: Any) -> Batch:
        samples = [self._data[int(row)] for row in rows]
        name = f"{self._where}: sample {int(rows[0])}"
        if all(is_array(sample) for sample in samples):
            return Batch.of(_stacked(samples, name), name)
        return Batch.of(tuple(_stacked([*part], name) for part in zip(*samples, strict=True)), name)

    def _probe(self) -> bool:
        """Return whether many samples at once are what they are one by one."""
        rows = np.array([0, self._count - 1][: self._count])
        try:
            many = self._many(rows)
        except Failures as error:
            many, cause = None, error
        try:
            single = self._one_by_one(rows)
        except Failures as error:
            if many is None:
                raise ShapeError(
                    f"{self._where}: the data set gives no samples (x, y): for an array of indices "
                    f"it raised {_told(cause)}, for a number {_told(error)}"
                ) from error
            return True
        return many is not None and _equal(many, single)


class Pairs:
    """A data set that gives inputs and targets for an array of indices."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        batch = self._items.take(rows)
        return batch.inputs, batch.targets


def by_indices(data: Any) -> Any:
    """Return a data set that may be asked for many samples at once: itself, or one around it.

    What gives no samples in either way is returned as it is.
    """
    try:
        items = Items(data, "data")
    except QnnError:
        return data
    return data if items.together else Pairs(items)


def _stacked(parts: list[Any], name: str) -> Any:
    """Return the same part of several samples with the samples on the first axis."""
    first = parts[0]
    if is_array(first) and not isinstance(first, tuple):
        return np.stack([as_array(part, name) for part in parts])
    if isinstance(first, dict):
        return {key: _stacked([part[key] for part in parts], name) for key in first}
    if isinstance(first, tuple | list):  # several, also if they are numbers: as in PyTorch
        return tuple(_stacked([*column], name) for column in zip(*parts, strict=True))
    raise ShapeError(f"{name} must be (x, y), got a {type(first).__name__} in it")


def _equal(a: Batch, b: Batch) -> bool:
    ours, theirs = leaves(a), leaves(b)
    return len(ours) == len(theirs) and all(
        x.shape == y.shape and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        for x, y in zip(ours, theirs, strict=True)
    )


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, QnnError) else f"{type(error).__name__}: {error}"
