"""What nets are trained and measured on: batches in an order that the seed sets."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data import as_array, batches_of, by_indices, joined
from ..errors import CompareError, QnnError

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
        self.x, self.y = as_array(x, "samples"), as_array(y, "labels")

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
            shapes = ", ".join(_told(p) for p in part[:3]) + ", ..." * (len(part) > 3)
            raise CompareError(
                f"compare: the {name} data must be samples [n, ...] and n labels; got {shapes}"
            )
        part = _arrays(part, name)
    elif hasattr(part, "__iter__") and not hasattr(part, "__getitem__") and not _is_set(part):
        part = _joined(part, name)
    elif not isinstance(part, np.ndarray):
        part = by_indices(part)
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise CompareError(
            f"compare: the {name} data must be (samples, labels), or a dataset that gives its "
            f"length and, for an array of indices, samples and labels; got {_told(part)}"
        )
    if not len(part):
        raise CompareError(f"compare: the {name} data are empty")
    try:
        first = None if isinstance(part, np.ndarray) else part[np.arange(1)]
    except Exception as error:
        raise CompareError(
            f"compare: the {name} data must give samples and labels for an array of indices; "
            f"{_told(part)} raised {type(error).__name__}: {error}"
        ) from error
    if not isinstance(first, tuple | list) or len(first) != 2:
        raise CompareError(
            f"compare: the {name} data must give samples and labels, {_told(part)} does not"
        )
    found: Dataset = part
    return found


def _is_set(part: Any) -> bool:
    return isinstance(part, set | frozenset)


def _arrays(part: Any, name: str) -> Arrays:
    try:
        return Arrays(*part)
    except QnnError as error:
        raise CompareError(f"compare: the {name} data: {error}") from error


def _joined(batches: Any, name: str) -> Arrays:
    """Return test data that are batches as arrays; training batches have an order of their own."""
    if name != "test":
        raise CompareError(
            f"compare: a {type(batches).__name__} has an order of its own, and seeds set the "
            "order: give its data set, or a function of the seed that returns the batches"
        )
    try:
        found = list(batches_of(batches, f"compare: the {name} data"))
        x, y = (joined([batch[part] for batch in found]) for part in (0, 1))
    except (QnnError, IndexError, ValueError) as error:
        raise CompareError(f"compare: the {name} data are no batches: {error}") from error
    return Arrays(x, y)


class Look(NamedTuple):
    """What a look at all data says.

    Attributes:
        digest: of all samples and labels, in their order.
        classes: one more than the greatest label.
    """

    digest: str
    classes: int


def look(data: Data) -> Look:
    """Check all samples and labels once, before anything is trained on them.

    Of training data that are a function of the seed: the first epoch of seed 0.

    Raises:
        CompareError: if samples are not finite numbers of one shape, labels are not whole numbers
            from 0, batches cannot be read again, or what gives them raises an error.
    """
    digest = hashlib.blake2b(digest_size=16)
    shapes: dict[tuple[int, ...], str] = {}
    greatest = -1
    for name, batches in (("training", _first_epoch(data)), ("test", _slices(data.test))):
        for x, y in _checked(batches, name):
            shapes.setdefault(x.shape[1:], name)
            if len(shapes) > 1:
                (one, first), (two, other) = shapes.items()
                raise CompareError(
                    f"compare: samples have shape {one} in the {first} data and {two} in the "
                    f"{other} data"
                )
            greatest = max(greatest, int(y.max()))
            for array in (x, y):
                digest.update(f"{array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        digest.update(b"end")
    return Look(digest.hexdigest(), greatest + 1)


def _first_epoch(data: Data) -> Iterable[Batch]:
    if not callable(data.train):
        return _slices(data.train)
    try:
        batches = data.train(0)
    except Exception as error:
        raise _raised("training", error) from error
    if iter(batches) is batches:
        raise CompareError(
            "compare: training(seed) must return batches that can be read again for each epoch, "
            f"such as a list or a DataLoader, not a {type(batches).__name__}"
        )
    return batches


def _checked(batches: Iterable[Batch], name: str) -> Iterator[Batch]:
    """Yield the batches as arrays, checked."""
    iterator, number = iter(batches), 0
    while True:
        try:
            x, y = map(np.asarray, next(iterator))
        except StopIteration:
            break
        except Exception as error:  # whatever the user's code raises
            raise _raised(name, error) from error
        _check_batch(x, y, f"batch {number} of the {name} data")
        yield x, y
        number += 1
    if not number:
        raise CompareError(f"compare: the {name} data are empty")


def _check_batch(x: Array, y: Array, where: str) -> None:
    if x.dtype.kind not in "buif" or x.ndim < 1 or len(x) != y.size or not len(x):
        raise CompareError(
            f"compare: {where} must be samples, numbers [n, ...], and n labels; got {_told(x)} "
            f"and {_told(y)}"
        )
    if y.ndim != 1 or y.dtype.kind not in "iu" or y.min() < 0:
        raise CompareError(
            f"compare: labels must be whole numbers from 0, one for a sample, since nets are "
            f"compared by their right answers; {where} has {_told(y)}"
            + (f", the least {y.min()}" if y.dtype.kind in "iu" else "")
        )
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise CompareError(f"compare: {where} holds NaN or infinity")


def _raised(name: str, error: Exception) -> CompareError:
    return CompareError(f"compare: the {name} data raised {type(error).__name__}: {error}")


def _slices(data: Dataset) -> Iterator[Batch]:
    for start in range(0, len(data), TEST_BATCH):
        yield data[np.arange(start, min(start + TEST_BATCH, len(data)))]


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return f"a {type(value).__name__}"
