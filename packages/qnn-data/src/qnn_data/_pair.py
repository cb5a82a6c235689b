"""Inputs and targets in arrays, as a data set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class ArrayPair:
    """Arrays of as many samples each, taken in whole batches.

    Args:
        arrays: inputs and targets, or inputs, targets and weights: numbers, samples along the
            first axis.

    Attributes:
        arrays: these, as NumPy has them.

    Raises:
        ValueError: not as many samples in each.
        TypeError: other than two or three arrays of numbers.

    Example:
        >>> pair = ArrayPair(([[1.0], [2.0]], [0.5, 0.25]))
        >>> len(pair), pair[1:]
        (2, (array([[2.]]), array([0.25])))
    """

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        if not 2 <= len(arrays) <= 3:
            raise TypeError(
                f"arrays are (x, y), or (x, y, weights); these are {len(arrays)}: a data set "
                "gives samples and labels for a slice"
            )
        names = ("x", "y", "weights")
        self.arrays = tuple(_numbers(*named) for named in zip(names, arrays, strict=False))
        lengths = [len(array) for array in self.arrays]
        if len({*lengths}) > 1:
            told = ", ".join(f"{n:,} in {name}" for n, name in zip(lengths, names, strict=False))
            raise ValueError(f"as many samples are needed in each array; there are {told}")

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.arrays[0])

    def __getitem__(self, index: Any) -> tuple[NDArray[Any], ...]:
        """Return the samples that a slice or an integer array selects."""
        return tuple(array[index] for array in self.arrays)

    def __repr__(self) -> str:
        """Return the number of samples, and the dtype and shape of each array."""
        shapes = ", ".join(f"{array.dtype} {array.shape[1:]}" for array in self.arrays)
        return f"ArrayPair({len(self)} samples, {shapes})"


def _numbers(name: str, given: Any) -> NDArray[Any]:
    array = np.asarray(given)
    if array.dtype == object:  # as pandas gives columns of several dtypes
        array = np.array(array.tolist())
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} holds numbers, not {array.dtype}")
    if not array.ndim:
        raise TypeError(f"{name} needs a first axis of samples; it is one value, {given!r}")
    return array
