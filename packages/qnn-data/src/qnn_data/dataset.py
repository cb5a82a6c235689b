"""A data set in memory."""

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._order import random_order
from .transforms import Transform

Index = SupportsIndex | slice | ArrayLike

_MOST_UNNAMED_CLASSES = 1 << 16  # a label beyond is a mistake, not a class; no names are made up


class ArrayDataset:
    """Samples and their labels, in two arrays, taken in whole batches.

    Args:
        x: samples along the first axis; numbers. If floating, all finite.
        y: the class of each sample: whole numbers from 0, shape (n,).
        transform: from a batch of `x` to what is given out; None gives `x` as it is.
        classes: the names of the classes; by default "0", "1", ... up to the greatest label.

    Attributes:
        x, images: the samples before the transform, C-contiguous.
        y, labels: the labels, int64, shape (n,).
        transform: as given.
        classes: the names of the classes, a tuple.

    Raises:
        ValueError: no samples, not as many labels as samples, labels that are negative or
            have no name, values that are not finite.
        TypeError: samples or labels of another kind.

    Example:
        >>> data = ArrayDataset([[0.0], [0.5], [1.0]], [0, 1, 1], classes=["low", "high"])
        >>> data
        ArrayDataset(3 samples, x=float64 (1,), 2 classes)
        >>> data[1:]
        (array([[0.5],
               [1. ]]), array([1, 1]))
        >>> data[0]
        (array([0.]), np.int64(0))
    """

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        transform: Transform | None = None,
        *,
        classes: Sequence[str] | None = None,
    ) -> None:
        self.x = _samples(x)
        self.y = _labels(y)
        if len(self.x) != len(self.y):
            raise ValueError(f"{len(self.x):,} samples, but {len(self.y):,} labels")
        if not len(self.x):
            raise ValueError("no samples: a data set needs one at least")
        if transform is not None and not callable(transform):
            raise TypeError(f"a transform is a function of a batch, or None, not {transform!r}")
        self.transform = transform
        self.classes = _classes(self.y, classes)

    @property
    def images(self) -> NDArray[Any]:
        """The samples before the transform: `x`, by the name that image data sets use."""
        return self.x

    @property
    def labels(self) -> NDArray[np.int64]:
        """The labels: `y`, by the name that image data sets use."""
        return self.y

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.y)

    def __getitem__(self, index: Index) -> tuple[NDArray[Any], Any]:
        """Return the transformed samples and the labels of a batch.

        A slice or integer array (or a bool array of n) gives the batch. An integer gives one
        sample: its batch of one without the batch axis, and its label as np.int64.

        With a slice and no transform the batch is a view: changing it changes the data set.

        Raises:
            IndexError: beyond the data, or an index of another kind.
        """
        if isinstance(index, slice):
            return self._batch(self.x[index], self.y[index])
        array = np.asarray(index)
        if array.ndim == 0:
            x, y = self[array.reshape(1)]
            return x[0], y[0]
        rows = self._rows(array)
        return self._batch(self.x.take(rows, axis=0), self.y.take(rows))

    def subset(self, indices: slice | ArrayLike) -> "ArrayDataset":
        """Return a data set of some of the samples, with the same transform and classes.

        Args:
            indices: a slice (the data are then shared), or an integer array, or a bool array of n
                (the data are then copied).

        Raises:
            IndexError: beyond the data, or indices of another kind.
            ValueError: no samples are left.

        Example:
            >>> from qnn_data import MNISTMini
            >>> data = MNISTMini(train=False)
            >>> data.subset(data.labels < 2)
            ArrayDataset(200 samples, x=uint8 (28, 28), 10 classes)
        """
        rows = indices if isinstance(indices, slice) else self._rows(np.asarray(indices))
        return ArrayDataset(self.x[rows], self.y[rows], self.transform, classes=self.classes)

    def split(self, n: int, seed: int = 0) -> tuple["ArrayDataset", "ArrayDataset"]:
        """Take `n` random samples away, for validation. Both parts keep the order of the samples.

        Args:
            n: 1 to len(self) - 1.
            seed: what is taken is a pure function of it, of `n` and of the length.

        Returns:
            The remaining samples, and the `n` taken.

        Raises:
            ValueError: `n` or `seed` is out of range.

        Example:
            >>> from qnn_data import MNISTMini
            >>> train, validation = MNISTMini(train=True).split(1000, seed=0)
            >>> len(train), len(validation)
            (5000, 1000)
        """
        if not 0 < n < len(self):
            raise ValueError(f"n must be from 1 to {len(self) - 1:,}, not {n!r}")
        taken = np.zeros(len(self), np.bool_)
        taken[random_order(len(self), seed)[:n]] = True
        return self.subset(~taken), self.subset(taken)

    def __repr__(self) -> str:
        """Return the kind, the number of samples, and the dtype and shape of one."""
        sample = f"x={self.x.dtype} {self.x.shape[1:]}"
        return f"{type(self).__name__}({len(self)} samples, {sample}, {len(self.classes)} classes)"

    def _batch(
        self, x: NDArray[Any], y: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return (x if self.transform is None else self.transform(x)), y

    def _rows(self, index: NDArray[Any]) -> NDArray[Any]:
        """Check an index array, and make integers of a bool one."""
        kind = index.dtype.kind
        if index.ndim != 1 or (kind not in "iub" and len(index)):
            raise IndexError(
                "an index is an integer, a slice, or one axis of integers or bools; "
                f"not {index.dtype} of shape {index.shape}"
            )
        if kind == "b":
            if len(index) != len(self):
                raise IndexError(f"a bool index needs {len(self):,} elements, not {len(index):,}")
            return np.flatnonzero(index)
        return index if kind == "i" else index.astype(np.intp)


def _samples(x: ArrayLike) -> NDArray[Any]:
    array = np.ascontiguousarray(x)
    if np.ndim(x) == 0:
        raise TypeError(f"x needs a first axis of samples; it is one value, {x!r}")
    if array.dtype.kind not in "iufb":
        raise TypeError(f"x holds numbers, not {array.dtype}")
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        count = array.size - int(np.count_nonzero(finite))
        first = int(np.flatnonzero(~finite.reshape(len(array), -1).all(axis=1))[0])
        raise ValueError(f"x has {count:,} values that are not finite; the first in sample {first}")
    return array


def _labels(y: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(y)
    if array.ndim != 1:
        raise TypeError(f"y needs one axis, the class of each sample; its shape is {array.shape}")
    if array.dtype.kind not in "iu" and len(array):
        raise TypeError(f"y holds classes, whole numbers from 0, not {array.dtype}")
    if len(array) and (least := array.min()) < 0:
        raise ValueError(f"y holds classes, whole numbers from 0; it has {least}")
    if len(array) and (greatest := array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"y holds classes, whole numbers from 0; it has {greatest}")
    return np.ascontiguousarray(array, np.int64)


def _classes(y: NDArray[np.int64], classes: Sequence[str] | None) -> tuple[str, ...]:
    greatest = int(y.max())
    if classes is None:
        if greatest >= _MOST_UNNAMED_CLASSES:
            raise ValueError(
                f"y has label {greatest}: is it a class? If so, give the classes' names"
            )
        return tuple(str(label) for label in range(greatest + 1))
    if greatest >= len(classes):
        raise ValueError(f"y has label {greatest}, but there are {len(classes)} classes")
    return tuple(classes)
