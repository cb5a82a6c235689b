"""What a caller may give as data, and how it is cut into batches."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Protocol

import numpy as np

from ..errors import ShapeError
from .arrays import as_array, is_array
from .batch import Array, Batch, leaves
from .items import Items

# Samples in a batch of training data that are not cut into batches yet, and of all others.
BATCH_SIZE = 100
EVALUATION_BATCH = 1000

# So many samples show what cannot be packed, if there are as many.
EXAMPLES = 32

# An array of inputs, (x, y), (x, y, weights), a data set, or batches of these.
Given = Any
Batches = Any

KINDS = (
    "an array of inputs, (x, y) or (x, y, weights), a data set with a length and samples by their "
    "numbers, or batches of these, such as a DataLoader or a list"
)


class Rows(Protocol):
    """Samples that are not cut into batches yet."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def take(self, rows: Any, /) -> Batch:
        """Return the samples of a slice or of an array of indices."""


class Arrays:
    """Samples in arrays: one batch of all of them, to be cut.

    Example:
        >>> len(Arrays(Batch(np.zeros((3, 2)), None, None)))
        3
    """

    def __init__(self, whole: Batch) -> None:
        self.take = whole.take
        self._count = whole.samples

    def __len__(self) -> int:
        return self._count


def rows_of(data: Given, where: str) -> Rows | None:
    """Return data that are to be cut into batches; None if they are batches already.

    A tuple is inputs, targets and weights; a list is batches. What has a length and samples by
    their numbers, and is nothing that iterates by itself, is a data set.

    Raises:
        ShapeError: for what is neither, or may be two things.
        DtypeError: for what does not hold numbers.
    """
    if is_array(data) and not isinstance(data, int | float):
        return Arrays(Batch.of(data, f"{where}: data"))
    if isinstance(data, tuple):
        return _tuple(data, where)
    if isinstance(data, list):
        _check_list(data, where)
        return None
    if isinstance(data, Mapping | str | bytes):
        raise ShapeError(f"{where}: data must be {KINDS}; got a {type(data).__name__}")
    if hasattr(data, "__iter__"):
        return None
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return Items(data, where)
    raise ShapeError(f"{where}: data must be {KINDS}; got a {type(data).__name__}")


def _tuple(data: tuple[Any, ...], where: str) -> Rows | None:
    """Return a tuple as arrays; None if it is batches."""
    if not any(isinstance(part, tuple | list) and not is_array(part) for part in data):
        return Arrays(Batch.of(data, f"{where}: data"))
    batches = all(isinstance(part, tuple | list) and not is_array(part) for part in data)
    try:
        whole = Batch.of(data, f"{where}: data")
    except ShapeError:
        if batches:
            return None
        raise
    if batches:
        raise ShapeError(
            f"{where}: a tuple of {len(data)} tuples of arrays may be batches, or several inputs "
            "with several targets; give batches as a list, or targets as a dictionary"
        )
    return Arrays(whole)


def _check_list(data: list[Any], where: str) -> None:
    """Refuse a list of inputs and targets, which would be batches of inputs."""
    if not 2 <= len(data) <= 3 or not all(is_array(part) for part in data):
        return
    shapes = [as_array(part, f"{where}: data").shape for part in data]
    same_length = len({shape[:1] for shape in shapes}) == 1
    # Images may be of several sizes.
    several_sizes = len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) > 2
    if same_length and len({shape[1:] for shape in shapes}) > 1 and not several_sizes:
        raise ShapeError(
            f"{where}: a list of arrays is batches of inputs, but these, of shapes "
            f"{', '.join(map(str, shapes))}, seem to be inputs and targets: give a tuple (x, y)"
        )


def batches_of(data: Given, where: str = "data", size: int = EVALUATION_BATCH) -> Iterator[Batch]:
    """Yield data in order as batches; those that are none yet are cut into such of `size`.

    Raises:
        ShapeError, DtypeError: see `rows_of` and `Batch.of`.

    Example:
        >>> x, y = np.zeros((4, 2)), np.zeros(4, int)
        >>> [len(list(batches_of(data, size=3))) for data in (x, (x, y), [x, x], [(x, y)] * 3)]
        [2, 2, 2, 3]
    """
    rows = rows_of(data, where)
    if rows is None:
        return _each(data, where)
    return (rows.take(slice(n, n + size)) for n in range(0, len(rows), size))


def _each(data: Iterable[Any], where: str) -> Iterator[Batch]:
    for number, batch in enumerate(data):
        yield batch if isinstance(batch, Batch) else Batch.of(batch, f"{where}: batch {number}")


class Stream:
    """Batches that somebody else makes, read once for each epoch."""

    def __init__(self, data: Iterable[Any]) -> None:
        self.data = data

    @property
    def steps(self) -> int | None:
        """Number of batches, None if it is not known."""
        return len(self.data) if isinstance(self.data, Sized) else None

    def epoch(self, number: int, where: str) -> Iterator[Batch]:
        """Return the batches of an epoch, from 0."""
        set_epoch = getattr(self.data, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(number)
        return _each(self.data, where)

    def smallest(self) -> Batch | None:
        """Return a batch of one sample if there is one and it can be known before training."""
        data: Any = self.data
        if isinstance(data, list | tuple):
            found = (Batch.of(b, "batch") for b in data if _first_length(b) == 1)
            return next(found, None)
        size = getattr(data, "batch_size", None)
        try:
            left = len(data.dataset) % size if size else 0
        except (AttributeError, TypeError):
            return None
        if left != 1 or getattr(data, "drop_last", False):
            return None
        try:
            return next(batches_of(data.dataset, "data", 1))
        except (ShapeError, TypeError):
            return None


def _first_length(batch: Any) -> int | None:
    first = batch[0] if isinstance(batch, list | tuple) and batch and not is_array(batch) else batch
    return len(first) if is_array(first) and hasattr(first, "__len__") else None


class Shuffled:
    """Batches of samples, each epoch in another order, set by the seed and its number.

    Example:
        >>> data = Shuffled(Arrays(Batch(np.arange(4.0), np.arange(4), None)), 3, seed=0)
        >>> [batch.samples for batch in data.epoch(0, "")], data.steps
        ([3, 1], 2)
    """

    def __init__(self, rows: Rows, size: int, seed: int) -> None:
        self._rows, self._size, self._seed = rows, size, seed

    @property
    def steps(self) -> int:
        """Number of batches."""
        return math.ceil(len(self._rows) / self._size)

    def epoch(self, number: int, where: str) -> Iterator[Batch]:
        """Return the batches of an epoch, from 0."""
        order = np.random.default_rng([self._seed, number]).permutation(len(self._rows))
        for start in range(0, len(order), self._size):
            yield self._rows.take(order[start : start + self._size])

    def smallest(self) -> Batch | None:
        """Return a batch of one sample if there is one."""
        single = len(self._rows) % self._size == 1 or self._size == 1
        return self._rows.take(slice(0, 1)) if single else None


def training_batches(
    data: Given, where: str, batch_size: int | None = None, seed: int = 0
) -> Stream | Shuffled:
    """Return data as batches of epochs: arrays and data sets shuffled, batches as they come.

    Raises:
        ShapeError, DtypeError: see `rows_of`.
        ValueError: for a size below 1, or one for data that are batches already.
    """
    if batch_size is not None and (
        isinstance(batch_size, bool)
        or not isinstance(batch_size, int | np.integer)
        or batch_size < 1
    ):
        raise ValueError(f"{where}: batch_size must be a whole number >= 1, got {batch_size!r}")
    rows = rows_of(data, where)
    if rows is not None:
        return Shuffled(rows, int(batch_size or BATCH_SIZE), seed)
    if batch_size is not None:
        raise ValueError(
            f"{where}: batch_size={batch_size} is for arrays and data sets; a "
            f"{type(data).__name__} gives batches already"
        )
    return Stream(data)


def example_of(data: Given, where: str) -> tuple[Array, ...] | None:
    """Return a few inputs of a data set, a loader or a list of batches; None for all else.

    Raises:
        ShapeError, DtypeError: see `rows_of` and `Batch.of`.
    """
    if is_array(data) or isinstance(data, tuple):
        return None
    first = next(batches_of(data, where, EXAMPLES), None)
    if first is None:
        raise ShapeError(f"{where}: the data gave no batch")
    return tuple(leaves(first.take(slice(0, EXAMPLES)).inputs))
