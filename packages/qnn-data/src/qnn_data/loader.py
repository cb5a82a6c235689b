"""Batches of a data set, epoch by epoch."""

import operator
from collections.abc import Iterator
from typing import Any, Protocol

from numpy.typing import NDArray

from qnn_data._order import random_order

Batch = tuple[NDArray[Any], NDArray[Any]]


class Dataset(Protocol):
    """What `DataLoader` needs of a data set; `ArrayDataset` is one."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: Any, /) -> Batch:
        """Return the samples and labels that a slice or an integer array selects."""
        ...


class DataLoader:
    """Cuts a data set into batches: each iteration over it is an epoch.

    The order of epoch e is a pure function of (seed, e), the same on every machine. The first
    iteration is epoch 0, and each further one the next, also if the one before was not finished.

    Args:
        dataset: its samples are taken in whole batches.
        batch_size: samples in a batch, 1 or more; the last has what is left.
        shuffle: a new random order in each epoch; else the order of the data set.
        seed: of the orders; 0 or more.
        drop_last: leave out a last batch that is not full.

    Attributes:
        dataset, batch_size, shuffle, seed, drop_last: as given.
        epoch: the epoch that the next iteration will be.

    Yields:
        (x, y), as `dataset` gives them. Without shuffling and without a transform these are views
        of the data: changing them changes the data set.

    Raises:
        ValueError: an empty data set; a number out of range; no full batch with `drop_last`.
        TypeError: a number that is not an integer.

    Example:
        >>> from qnn_data import Spiral
        >>> loader = DataLoader(Spiral(train=True), batch_size=128, shuffle=True)
        >>> len(loader), [len(y) for x, y in loader]
        (3, [128, 128, 44])
        >>> loader.set_epoch(0)  # once more the order of the first epoch
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.batch_size = _integer("batch_size", batch_size, least=1)
        self.shuffle = shuffle
        self.seed = _integer("seed", seed, least=0)
        self.drop_last = drop_last
        self.epoch = 0
        if not len(dataset):
            raise ValueError("the data set is empty")
        if not len(self):
            raise ValueError(
                f"drop_last leaves no batch: {len(dataset):,} samples, batch_size {batch_size:,}"
            )

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration epoch `epoch`, 0 or more: so training resumes where it stopped.

        Raises:
            ValueError: `epoch` is below 0.
            TypeError: `epoch` is not an integer.
        """
        self.epoch = _integer("epoch", epoch, least=0)

    def __iter__(self) -> Iterator[Batch]:
        """Start an epoch. Several can run at once; each keeps its own order."""
        epoch = self.epoch
        self.epoch += 1  # here, not in the generator, which starts only with its first batch
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order = random_order(len(self.dataset), self.seed, epoch) if self.shuffle else None
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.dataset[batch if order is None else order[batch]]

    def __repr__(self) -> str:
        """Return the data set and the settings."""
        settings = (
            f"batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"seed={self.seed}, drop_last={self.drop_last}"
        )
        return f"DataLoader({self.dataset!r}, {settings})"


def _integer(name: str, value: int, least: int) -> int:
    """Return `value` as an int, or say what is wrong with it."""
    try:
        if isinstance(value, bool):
            raise TypeError
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
    return value
