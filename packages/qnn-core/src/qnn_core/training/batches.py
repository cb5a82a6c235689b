"""Batches on their way into a model: checks where data enter."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NonFiniteError, ShapeError

Array = NDArray[Any]
Batches = Iterable[tuple[Any, Any]]
# What a caller may give for them: one array of inputs, one pair, or batches of either kind.
Given = Array | tuple[Any, Any] | Iterable[Any]


def batches_of(data: Given) -> Iterator[tuple[Any, Any]]:
    """Yield data as batches ``(inputs, targets)``, with None for targets that are not given.

    Args:
        data: an array (or tensor) of inputs, a tuple of inputs and targets, or batches of either
            kind; a list of arrays is batches of inputs.

    Raises:
        ShapeError: for data or a batch that is neither.

    Example:
        >>> x, y = np.zeros((4, 2)), np.zeros(4, int)
        >>> [len(list(batches_of(data))) for data in (x, (x, y), [x, x], [(x, y)] * 3)]
        [1, 1, 2, 3]
    """
    if _is_array(data) or (isinstance(data, tuple) and all(_is_array(part) for part in data)):
        data = [data]
    if not isinstance(data, Iterable):
        raise ShapeError(
            "data must be an array of inputs, a pair (inputs, targets), or batches of either kind, "
            f"such as a DataLoader; got a {type(data).__name__}"
        )
    for number, batch in enumerate(data):
        if _is_array(batch):
            yield batch, None
        elif isinstance(batch, tuple | list) and len(batch) == 2:
            yield batch[0], batch[1]
        else:
            raise ShapeError(
                f"batch {number} must be an array of inputs, or inputs and targets; got a "
                f"{type(batch).__name__}"
                + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
            )


def _is_array(data: Any) -> bool:
    return hasattr(data, "ndim")


def checked_batches(data: Batches, dtype: np.dtype[Any], where: str) -> Iterator[tuple[Array, Any]]:
    """Yield the batches of one pass, inputs as float arrays of `dtype`.

    Raises:
        ShapeError: if there is none, one is empty, or inputs and targets differ in number.
        NonFiniteError: if an input holds NaN or infinity; the message says in which batch.
    """
    number = -1
    for number, batch in enumerate(data):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ShapeError(
                f"{where}: batches of (inputs, targets) are needed, such as a DataLoader or "
                f"[(x, y)]; batch {number} is a {type(batch).__name__}"
                + (f" of shape {np.shape(batch)}" if _is_array(batch) else "")
            )
        inputs, targets = batch
        x, y = np.asarray(inputs, dtype), np.asarray(targets)
        if x.ndim == 0 or y.ndim == 0 or len(x) == 0 or len(x) != len(y):
            raise ShapeError(
                f"{where}: batch {number} has inputs of shape {x.shape} and targets of "
                f"shape {y.shape}: as many of both are needed, and at least one"
            )
        _check_finite(x, f"{where}: batch {number}")
        yield x, y
    if number < 0:
        raise ShapeError(
            f"{where}: the data gave no batch: they are empty, or an iterator that is used up "
            "(a list of batches or a DataLoader can be read again every epoch)"
        )


def checked_inputs(data: Given, dtype: np.dtype[Any], where: str) -> list[Array]:
    """Return the inputs of all batches as float arrays of `dtype`.

    Raises:
        ShapeError: if there is none, or one is empty.
        NonFiniteError: if one holds NaN or infinity; the message says in which batch.
    """
    found = [np.asarray(inputs, dtype) for inputs, _ in batches_of(data)]
    for number, x in enumerate(found):
        if x.ndim == 0 or len(x) == 0:
            raise ShapeError(f"{where}: batch {number}, of shape {x.shape}, holds no sample")
        _check_finite(x, f"{where}: batch {number}")
    if not found:
        raise ShapeError(f"{where}: the data gave no batch")
    return found


def _check_finite(x: Array, batch: str) -> None:
    # The sum is one fast pass; it is not finite if an element is not.
    with np.errstate(over="ignore", invalid="ignore"):
        suspect = not np.isfinite(x.sum())
    if suspect and not np.all(np.isfinite(x)):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise NonFiniteError(f"{batch} holds {x[first]} at index {first}")


def correct(scores: Array, targets: Array) -> int | None:
    """Return how many rows have their greatest score at the label; None if these are no labels."""
    if scores.ndim != 2 or targets.ndim != 1 or targets.dtype.kind not in "iu":
        return None
    return int(np.count_nonzero(scores.argmax(axis=1) == targets))
