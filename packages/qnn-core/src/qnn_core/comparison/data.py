"""What nets are trained and measured on: batches in an order that the seed sets."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CompareError

Array = NDArray[Any]
Batch = tuple[Array, Array]
TEST_BATCH = 1000


class Dataset(Protocol):
    """Samples that a slice or an array of indices selects; `qnn_data.ArrayDataset` is one."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, index: Any, /) -> Batch:
        """Return samples and labels."""


# A pair of arrays, a dataset, or, for training, a function of the seed that returns batches.
Part = tuple[Array, Array] | Dataset
Training = Part | Callable[[int], Iterable[Batch]]
Pair = tuple[Training, Part]
Given = Pair | Callable[[], Pair]


class Data(NamedTuple):
    """Training and test data, checked.

    Attributes:
        train: a dataset, or a function of the seed that returns batches.
        test: a dataset.
    """

    train: Dataset | Callable[[int], Iterable[Batch]]
    test: Dataset

    def batches(self, seed: int, batch_size: int) -> Iterable[Batch]:
        """Return the training batches of a seed, which can be read again for each epoch."""
        if callable(self.train):
            return self.train(seed)
        return Shuffled(self.train, batch_size, seed)

    def test_batches(self) -> list[Batch]:
        """Return the test data in order."""
        return list(_slices(self.test))


class Shuffled:
    """Batches of a dataset, each epoch in another order, set by the seed and its number.

    Example:
        >>> data = Arrays(np.arange(4.0), np.arange(4))
        >>> [len(y) for x, y in Shuffled(data, batch_size=3, seed=0)]
        [3, 1]
    """

    def __init__(self, data: Dataset, batch_size: int, seed: int) -> None:
        self._data, self._size, self._seed = data, batch_size, seed
        self._epoch = 0

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(len(self._data) / self._size)

    def set_epoch(self, epoch: int) -> None:
        """Make the next pass that of so many epochs from the start."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Batch]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._data))
        self._epoch += 1
        for start in range(0, len(order), self._size):
            yield self._data[order[start : start + self._size]]


class Arrays:
    """A dataset of two arrays."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = np.asarray(x), np.asarray(y)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Any) -> Batch:
        return self.x[index], self.y[index]


def load(given: Given) -> Data:
    """Return the data that were given, or that the given function returns.

    Raises:
        CompareError: if they are no training and test data, or one of them is empty.
    """
    pair = given() if callable(given) else given
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise CompareError(
            "compare: data must be (training data, test data), or a function without arguments "
            f"that returns them; got {_told(pair)}"
        )
    train, test = pair
    if callable(test):
        raise CompareError("compare: the test data must be arrays or a dataset, not a function")
    return Data(train if callable(train) else _dataset(train, "training"), _dataset(test, "test"))


def _dataset(part: Any, name: str) -> Dataset:
    if isinstance(part, tuple | list):
        if len(part) != 2 or np.ndim(part[0]) < 1 or len(part[0]) != np.size(part[1]):
            shapes = ", ".join(_told(p) for p in part)
            raise CompareError(
                f"compare: the {name} data must be samples [n, ...] and n labels; got {shapes}"
            )
        part = Arrays(*part)
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise CompareError(
            f"compare: the {name} data must be (samples, labels), or a dataset that gives its "
            f"length and, for an array of indices, samples and labels; got {_told(part)}"
        )
    if not len(part):
        raise CompareError(f"compare: the {name} data are empty")
    first = None if isinstance(part, np.ndarray) else part[np.arange(1)]
    if not isinstance(first, tuple | list) or len(first) != 2:
        raise CompareError(
            f"compare: the {name} data must give samples and labels, {_told(part)} does not"
        )
    y = first[1]
    if np.ndim(y) != 1 or np.asarray(y).dtype.kind not in "iu":
        raise CompareError(
            f"compare: labels must be whole numbers, one for a sample, since nets are compared by "
            f"their right answers; the {name} data have {_told(np.asarray(y))}"
        )
    found: Dataset = part
    return found


def fingerprint(data: Data) -> str:
    """Return a digest of all samples and labels, in their order.

    Of training data that are a function of the seed: of the first epoch of seed 0.
    """
    digest = hashlib.blake2b(digest_size=16)
    train = data.train(0) if callable(data.train) else _slices(data.train)
    for part in (train, _slices(data.test)):
        for batch in part:
            for array in map(np.asarray, batch):
                digest.update(f"{array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        digest.update(b"end")
    return digest.hexdigest()


def _slices(data: Dataset) -> Iterator[Batch]:
    for start in range(0, len(data), TEST_BATCH):
        yield data[np.arange(start, min(start + TEST_BATCH, len(data)))]


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return f"a {type(value).__name__}"
