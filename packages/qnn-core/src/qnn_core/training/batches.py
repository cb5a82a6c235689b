"""Batches on their way into a model: checks where data enter."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NonFiniteError, ShapeError

Array = NDArray[Any]
Batches = Iterable[tuple[Any, Any]]


def checked_batches(data: Batches, dtype: np.dtype[Any], where: str) -> Iterator[tuple[Array, Any]]:
    """Yield the batches of one pass, inputs as float arrays of `dtype`.

    Raises:
        ShapeError: if there is none, one is empty, or inputs and targets differ in number.
        NonFiniteError: if an input holds NaN or infinity; the message says in which batch.
    """
    number = -1
    for number, (inputs, targets) in enumerate(data):
        x, y = np.asarray(inputs, dtype), np.asarray(targets)
        if x.ndim == 0 or y.ndim == 0 or len(x) == 0 or len(x) != len(y):
            raise ShapeError(
                f"{where}: batch {number} has inputs of shape {x.shape} and targets of "
                f"shape {y.shape}: as many of both are needed, and at least one"
            )
        # The sum is one fast pass; it is not finite if an element is not.
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = not np.isfinite(x.sum())
        if suspect and not np.all(np.isfinite(x)):
            first = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise NonFiniteError(f"{where}: batch {number} holds {x[first]} at index {first}")
        yield x, y
    if number < 0:
        raise ShapeError(
            f"{where}: the data gave no batch: they are empty, or an iterator that is used up "
            "(a list of batches or a DataLoader can be read again every epoch)"
        )


def correct(scores: Array, targets: Array) -> int | None:
    """Return how many rows have their greatest score at the label; None if these are no labels."""
    if scores.ndim != 2 or targets.ndim != 1 or targets.dtype.kind not in "iu":
        return None
    return int(np.count_nonzero(scores.argmax(axis=1) == targets))
