"""What nets are trained and measured on: batches in an order that the seed sets."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from qnn_core.data import as_array, batches_of, by_indices, joined, leaves, mapped
from qnn_core.errors import CompareError, QnnError
from qnn_core.terminal import LOGGER

from .configs import one_line
from .failures import error_text
from .global_generators import Purpose, seeded
from .targets import Batch, Targets, are_several, batch_of, structure

Array = NDArray[Any]
Hash = Any  # hashlib names no class
TEST_BATCH = 1000


class Dataset(Protocol):
    """Samples that a slice or an array of indices selects; `qnn_data.ArrayDataset` is one."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, index: Any, /) -> Batch:
        """Return samples and labels, or other targets."""


# A pair of arrays, a dataset, or, for training, a function of the seed that returns batches.
Part = Batch | Dataset
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
        return [batch_of(batch, "a batch of the test data") for batch in _slices(self.test)]


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


class Later:
    """Batches whose first epoch is a later one: those of a stage, after the epochs before it.

    Args:
        batches: that can be read again for each epoch; without ``set_epoch`` all are alike.
        before: how many epochs were before.

    Example:
        >>> data = Shuffled(Arrays(np.arange(9.0), np.arange(9)), batch_size=9, seed=0)
        >>> (_, first), (_, second) = [next(iter(data)) for _ in range(2)]
        >>> later = Later(data, before=1)
        >>> later.set_epoch(0)
        >>> bool(np.all(next(iter(later))[1] == second)), bool(np.all(first == second))
        (True, False)
    """

    def __init__(self, batches: Iterable[Batch], before: int) -> None:
        self._batches, self._before = batches, before

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return _count(self._batches)

    def set_epoch(self, epoch: int) -> None:
        """Make the next pass that of so many epochs from the start of the stage."""
        if hasattr(self._batches, "set_epoch"):
            self._batches.set_epoch(self._before + epoch)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)


class Augmented:
    """Batches whose samples are changed, in another way in each epoch of each seed.

    Args:
        batches: that can be read again for each epoch.
        augment: ``augment(samples, rng)`` returns samples of the same number.
        seed: with the number of the epoch and of the batch, it seeds `rng`.
    """

    def __init__(
        self, batches: Iterable[Batch], augment: Callable[[Any, Any], Any], seed: int
    ) -> None:
        self._batches, self._augment, self._seed = batches, augment, seed
        self._epoch = 0

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return _count(self._batches)

    def set_epoch(self, epoch: int) -> None:
        """Make the next pass that of so many epochs from the start."""
        self._epoch = epoch
        if hasattr(self._batches, "set_epoch"):
            self._batches.set_epoch(epoch)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self._epoch
        self._epoch += 1
        for number, (x, y) in enumerate(self._batches):
            rng = np.random.default_rng([self._seed, epoch, number, len("augment")])
            yield self._augment(x, rng), y


def _count(batches: Any) -> int:
    return len(batches) if hasattr(batches, "__len__") else sum(1 for _ in batches)


class Arrays:
    """A dataset of two arrays, or of one with several targets for each sample."""

    def __init__(self, x: Any, y: Any) -> None:
        if are_several(x) or are_several(y):
            self.x, self.y = batch_of((x, y), "samples and targets")
        else:
            self.x, self.y = as_array(x, "samples"), as_array(y, "labels")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> Batch:
        return self.x[index], mapped(self.y, lambda array: array[index])


def load(given: Given) -> Data:
    """Return the data that were given, or that the given function returns.

    A function finds the global generators of `random` and `numpy.random` seeded, in the same way
    each time: a split that draws from them is the same one everywhere.

    Raises:
        CompareError: if they are no training and test data, or one of them is empty.
    """
    with seeded(Purpose.DATA):
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
        if not _is_pair(part):
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
            f"{_told(part)} raised {error_text(error)}"
        ) from error
    if not isinstance(first, tuple | list) or len(first) != 2:
        raise CompareError(
            f"compare: the {name} data must give samples and labels, {_told(part)} does not"
        )
    found: Dataset = part
    return found


def _is_pair(part: Any) -> bool:
    """Whether a tuple or a list is samples and one array of targets, or several, of as many."""
    if len(part) != 2:
        return False
    if any(map(are_several, part)):
        return True  # `Arrays` looks at each of them
    return all(np.ndim(one) > 0 for one in part) and len(part[0]) == len(part[1])


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


class Seen(NamedTuple):
    """What was seen of one part, training or test.

    Attributes:
        samples: how many; of training data that are a function of the seed, in the first epoch of
            seed 0.
        shape: of a sample.
        dtype: of samples and of labels.
        total: sum of all values of the samples, to tell another order from other values.
        labels: each label, and how many samples have it.
        digest: of samples and labels, in their order.
    """

    samples: int
    shape: tuple[int, ...]
    dtype: str
    total: float
    labels: tuple[tuple[int, int], ...]
    digest: str


class Look(NamedTuple):
    """What a look at all data says.

    Attributes:
        digest: of all samples and labels, in their order.
        classes: one more than the greatest label.
        train, test: what was seen of each part.
        least: samples in the smallest batch of training data that are a function of the seed; None
            of a dataset, whose batches depend on their size.
        shared: how many test samples are training samples too; 0 if nobody asked.
    """

    digest: str
    classes: int
    train: Seen
    test: Seen
    least: int | None
    shared: int = 0


def look(data: Data, *, classes: bool = True, both: bool = False) -> Look:
    """Check all samples and labels once, before anything is trained on them.

    Of training data that are a function of the seed: the first epoch of seed 0.

    Args:
        data: training and test data.
        classes: whether labels are those of classes; else they are numbers, one or more for a
            sample.
        both: whether to count the test samples that are training samples too.

    Raises:
        CompareError: if samples are not finite numbers of one shape, labels are not whole numbers
            from 0, batches cannot be read again, or what gives them raises an error.
    """
    whole = hashlib.blake2b(digest_size=16)
    with seeded(Purpose.DATA):
        trained: set[int] | None = set() if both else None
        tested: list[int] | None = [] if both else None
        batches = _noted(_checked(_first_epoch(data), "training", classes=classes), trained)
        train, sizes = _seen(batches, whole)
        whole.update(b"end")
        own = hashlib.blake2b(digest_size=16)
        batches = _noted(_checked(_slices(data.test), "test", classes=classes), tested)
        test, _ = _seen(batches, own, whole)
        whole.update(b"end")
    if train.shape != test.shape:
        raise CompareError(
            f"compare: samples have shape {train.shape} in the training data and {test.shape} in "
            "the test data"
        )
    labels = [label for part in (train, test) for label, _ in part.labels]
    least = min(sizes) if callable(data.train) else None
    shared = sum(sample in (trained or ()) for sample in tested or ())
    return Look(whole.hexdigest(), 1 + max(labels, default=-1), train, test, least, shared)


def _noted(batches: Iterable[Batch], samples: Any) -> Iterator[Batch]:
    """Yield batches, and add a hash of each sample with its label to a set or a list."""
    for x, y in batches:
        if samples is not None:
            arrays = [np.ascontiguousarray(a).reshape(len(a), -1) for a in (x, *leaves(y))]
            rows = zip(*arrays, strict=True)
            found = [hash(tuple(part.tobytes() for part in row)) for row in rows]
            (samples.update if isinstance(samples, set) else samples.extend)(found)
        yield x, y


def _seen(batches: Iterable[Batch], digest: Hash, *others: Hash) -> tuple[Seen, list[int]]:
    """Return what was seen of a part, and the sizes of its batches; digests get all of it."""
    labels: Counter[int] = Counter()
    sizes: list[int] = []
    total = 0.0
    kinds = set()
    for x, y in batches:
        told = structure(y)
        for each in (digest, *others):
            if not isinstance(y, np.ndarray):
                each.update(told.encode())
            for array in (x, *leaves(y)):
                each.update(f"{array.dtype} {array.shape}".encode())
                each.update(np.ascontiguousarray(array).data)
        if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iu":
            labels.update(y.tolist())
        with np.errstate(over="ignore"):
            total += float(x.sum(dtype=np.float64))
        sizes.append(len(x))
        kinds.add((x.shape[1:], f"{x.dtype}, labels {told}"))
        if len({shape for shape, _ in kinds}) > 1:
            one, other = sorted({shape for shape, _ in kinds})
            raise CompareError(f"compare: samples have shape {one}, and others shape {other}")
    ((shape, dtype), *_) = sorted(kinds)
    counted = tuple(sorted(labels.items()))
    return Seen(sum(sizes), shape, dtype, total, counted, digest.hexdigest()), sizes


def digest_of_test(batches: Iterable[Batch], *, classes: bool = True) -> str:
    """Return the digest of test data that `look` gives too."""
    found = hashlib.blake2b(digest_size=16)
    return _seen(_checked(batches, "test", classes=classes), found)[0].digest


def unlike(there: Look, here: Look) -> str:
    """Return in words how data differ from those of the study, or ``""``.

    Args:
        there: of the study.
        here: of where a net is to be trained.
    """
    if there.digest == here.digest:
        return ""
    parts = {"training": (there.train, here.train), "test": (there.test, here.test)}
    said = [
        f"the {name} data: {different}"
        for name, (one, other) in parts.items()
        if (different := _unlike(one, other))
    ]
    totals = [look.train.total + look.test.total for look in (there, here)]
    counts = [look.train.samples + look.test.samples for look in (there, here)]
    if counts[0] == counts[1] and len(said) == 2 and math.isclose(*totals, rel_tol=1e-9):
        said.append(
            "both together have the same samples: they are split in another way each time; give "
            "the split a seed of its own"
        )
    return "; ".join(said)


def _unlike(there: Seen, here: Seen) -> str:
    for name in ("samples", "shape", "dtype"):
        if getattr(there, name) != getattr(here, name):
            one, other = getattr(there, name), getattr(here, name)
            return f"{name} {one} in the study and {other} here"
    if there.digest == here.digest:
        return ""
    digests = f"digest {there.digest[:8]} in the study and {here.digest[:8]} here"
    if there.labels != here.labels:
        return f"other labels, {digests}"
    if math.isclose(there.total, here.total, rel_tol=1e-9):
        return f"the same number, shape and sum of samples, in another order, {digests}"
    return f"other values, {digests}"


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


def _checked(batches: Iterable[Batch], name: str, *, classes: bool) -> Iterator[Batch]:
    """Yield the batches as arrays, checked."""
    iterator, number = iter(batches), 0
    while True:
        try:
            given = next(iterator)
        except StopIteration:
            break
        except Exception as error:  # whatever the user's code raises
            raise _raised(name, error) from error
        where = f"batch {number} of the {name} data"
        try:
            x, y = batch_of(given, where)
        except QnnError as error:  # which says where
            raise CompareError(f"compare: {error}") from error
        except Exception as error:  # no pair, or what cannot be made an array
            raise _raised(name, error) from error
        _check_batch(x, y, where, classes=classes)
        yield x, y
        number += 1
    if not number:
        raise CompareError(f"compare: the {name} data are empty")


def _check_batch(x: Array, y: Targets, where: str, *, classes: bool) -> None:
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise CompareError(f"compare: {where} holds NaN or infinity")
    if not classes:
        _check_targets(x, y, where)
        return
    if not isinstance(y, np.ndarray):
        raise CompareError(
            f"compare: {where} has several targets for each sample, {structure(y)}: nets are not "
            "compared by right answers then, but by a metric that gets all outputs and all "
            "targets, such as metric=qnn.Metric(function, greater_is_better=True, mean=True)"
        )
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
            + ("; labels of one-hot rows are y.argmax(axis=1)" if y.ndim == 2 else "")
            + (
                '; targets that are no labels need a metric, such as metric="mae"'
                if y.dtype.kind == "f"
                else ""
            )
        )


def _check_targets(x: Array, targets: Targets, where: str) -> None:
    """Refuse what is no samples with numbers for each."""
    for y in leaves(targets):
        numbers = all(part.dtype.kind in "buif" and part.ndim for part in (x, y))
        if not numbers or len(x) != len(y) or not len(x):
            raise CompareError(
                f"compare: {where} must be samples [n, ...] and targets [n, ...], numbers; got "
                f"{_told(x)} and {_told(y)}"
            )
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise CompareError(f"compare: the targets of {where} hold NaN or infinity")


def _raised(name: str, error: Exception) -> CompareError:
    return CompareError(f"compare: the {name} data raised {error_text(error)}")


def _slices(data: Dataset) -> Iterator[Batch]:
    for start in range(0, len(data), TEST_BATCH):
        yield data[np.arange(start, min(start + TEST_BATCH, len(data)))]


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return f"a {type(value).__name__}"


def check_shared(seen: Look, name: str) -> None:
    """Refuse samples to judge by that are training samples for the most part; say if some are."""
    shared, count = seen.shared, seen.test.samples
    told = f"{shared} of the {count} {name} samples are training samples too, with the same labels"
    if 2 * shared > count:
        raise CompareError(f"compare: {told}: they say what was learned by heart, and nothing else")
    if shared > 0.01 * count:
        LOGGER.warning("compare: %s", told)


def loaded_data(given: Given) -> Data:
    """Return the data, or raise a CompareError: for what a function of the user's raises too."""
    try:
        return load(given)
    except QnnError:
        raise
    except Exception as error:
        raise CompareError(f"compare: data raised {one_line(error_text(error))}") from error
