"""Batches of a data set, epoch by epoch."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import checked_integer
from ._order import random_order
from ._pair import ArrayPair
from ._prefetch import prefetched
from .augment import Augment
from .dataset import ArrayDataset

Batch = tuple[NDArray[Any], ...]


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
        dataset: its samples are taken in whole batches; or two arrays ``(x, y)`` of as many
            samples, or three, with a weight for each, which batches then have too. Frames and
            series of pandas and polars are arrays, and y may be any numbers.
        batch_size: samples in a batch, 1 or more; the last has what is left.
        shuffle: a new random order in each epoch; else the order of the data set.
        seed: of the orders; 0 or more.
        drop_last: leave out a last batch that is not full.
        augment: changes the samples before the data set's transform, each epoch in another way;
            for training data only. The data set must be an `ArrayDataset`.
        prefetch: batches that a thread makes ahead, the same ones to the bit; 0 makes each when
            it is asked for. A thread needs a core that is idle: where the training uses all, it
            only adds some 25 microseconds a batch to the 45 that an MNIST batch of 100 takes. So
            it pays for dear batches (`augment`, slow transforms) beside free cores. The data set
            is then read in that thread.

    Attributes:
        dataset: as given; of arrays an object that has them as its ``arrays``.
        batch_size, shuffle, seed, drop_last, augment, prefetch: as given.
        epoch: the epoch that the next iteration will be.

    Yields:
        (x, y), as `dataset` gives them. Without shuffling and without a transform these are views
        of the data: changing them changes the data set.

    Raises:
        ValueError: an empty data set; a number out of range; no full batch with `drop_last`;
            arrays that differ in their number of samples.
        TypeError: a number that is not an integer; what is no data set, and no arrays of numbers.

    Example:
        >>> from qnn_data import Spiral
        >>> loader = DataLoader(Spiral(train=True), batch_size=128, shuffle=True)
        >>> len(loader), [len(y) for x, y in loader]
        (3, [128, 128, 44])
        >>> loader.set_epoch(0)  # once more the order of the first epoch
    """

    def __init__(
        self,
        dataset: Dataset | tuple[ArrayLike, ...],
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        *,
        augment: Augment | None = None,
        prefetch: int = 0,
    ) -> None:
        self.dataset = dataset = _dataset(dataset)
        self.batch_size = checked_integer("batch_size", batch_size, least=1)
        self.shuffle = shuffle
        self.seed = checked_integer("seed", seed, least=0)
        self.drop_last = drop_last
        self.prefetch = checked_integer("prefetch", prefetch, least=0)
        self.augment = _augmentation(augment, dataset)
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
        self.epoch = checked_integer("epoch", epoch, least=0)

    def __iter__(self) -> Iterator[Batch]:
        """Start an epoch. Several can run at once; each keeps its own order."""
        epoch = self.epoch
        self.epoch += 1  # here, not in the generator, which starts only with its first batch
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        make = _Epoch(self, epoch).batch
        if self.prefetch:
            return prefetched(make, len(self), self.prefetch)
        return map(make, range(len(self)))

    def __repr__(self) -> str:
        """Return the data set and the settings."""
        settings = (
            f"batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"seed={self.seed}, drop_last={self.drop_last}"
        )
        if self.augment is not None:
            settings += f", augment={self.augment!r}"
        if self.prefetch:
            settings += f", prefetch={self.prefetch}"
        return f"DataLoader({self.dataset!r}, {settings})"


class _Epoch:
    """The batches of one epoch, each a pure function of its number."""

    def __init__(self, loader: DataLoader, epoch: int) -> None:
        self.dataset = loader.dataset
        self.batch_size = loader.batch_size
        self.augment = loader.augment
        self.epoch = epoch
        self._orders = (len(loader.dataset), loader.seed, epoch) if loader.shuffle else None
        self._order: NDArray[np.int64] | None = None

    def batch(self, number: int) -> Batch:
        start = number * self.batch_size
        rows: Any = slice(start, start + self.batch_size)
        if self._orders is not None:
            if self._order is None:  # not before the first batch, which may be in another thread
                self._order = random_order(*self._orders)
            rows = self._order[rows]
        if self.augment is None:
            return self.dataset[rows]
        return self._augmented(self.augment, rows)

    def _augmented(self, augment: Augment, rows: Any) -> Batch:
        data = self.dataset
        assert isinstance(data, ArrayDataset)  # DataLoader checked it
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(data)))
        x = augment(data.x.take(rows, axis=0), rows, self.epoch)
        return (x if data.transform is None else data.transform(x)), data.y.take(rows)


def _dataset(given: Any) -> Dataset:
    """Return what was given as a data set, or say why it is none; here, not at a batch."""
    if isinstance(given, tuple):
        return ArrayPair(given)
    by_index = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    if isinstance(given, list | dict | str) or hasattr(given, "columns") or not by_index:
        raise TypeError(
            "the data set must be arrays (x, y), or give its length and samples and labels for a "
            f"slice or an array of indices, as an ArrayDataset; not a {type(given).__name__}"
        )
    found: Dataset = given
    return found


def _augmentation(augment: Augment | None, dataset: Dataset) -> Augment | None:
    """Return `augment` if it goes with the data set, or say why not; here, not at a batch."""
    if augment is None:
        return None
    if not isinstance(augment, Augment):
        raise TypeError(f"augment must be an Augment or None, not {augment!r}")
    if not isinstance(dataset, ArrayDataset):
        raise TypeError(
            "augment needs the samples before their transform, as an ArrayDataset has them; "
            f"the data set is {dataset!r}"
        )
    augment(dataset.x[:1], np.zeros(1, np.int64), 0)
    return augment
