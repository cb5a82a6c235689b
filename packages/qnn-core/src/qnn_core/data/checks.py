"""Checks where data enter a model."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import NonFiniteError, ShapeError
from .batch import Array, Batch, leaves
from .sources import Given, batches_of


def checked_batches(
    data: Iterable[Batch], dtype: np.dtype[Any], where: str, *, targets: bool = True
) -> Iterator[Batch]:
    """Yield the batches of one pass, inputs as float arrays of `dtype`.

    Raises:
        ShapeError: if there is none, or one has no targets though they are needed.
        NonFiniteError: if an input holds NaN or infinity; the message says in which batch.
    """
    number = -1
    for number, batch in enumerate(data):
        if targets and batch.targets is None:
            raise ShapeError(
                f"{where}: batches of (inputs, targets) are needed, such as (x, y), [(x, y)] or a "
                f"DataLoader; batch {number} is one array of shape {np.shape(batch.inputs)}"
            )
        x = batch.inputs
        given = batch if isinstance(x, np.ndarray) and x.dtype == dtype else batch.astype(dtype)
        for x in leaves(given.inputs):
            _check_finite(x, where, number)
        yield given
    if number < 0:
        raise ShapeError(
            f"{where}: the data gave no batch: they are empty, or an iterator that is used up "
            "(arrays, a list of batches or a DataLoader can be read again every epoch)"
        )


def checked_inputs(data: Given, dtype: np.dtype[Any], where: str) -> list[Array]:
    """Return the inputs of all batches as float arrays of `dtype`.

    Raises:
        ShapeError: if there is none, one is empty, or the model has several.
        NonFiniteError: if one holds NaN or infinity; the message says in which batch.
    """
    found = [
        b.inputs for b in checked_batches(batches_of(data, where), dtype, where, targets=False)
    ]
    if any(isinstance(x, tuple) for x in found):
        raise ShapeError(f"{where}: models of several inputs are not taken; got a tuple of arrays")
    return found


def _check_finite(x: Array, where: str, number: int) -> None:
    finite = np.isfinite(x)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise NonFiniteError(f"{where}: batch {number} holds {x[first]} at index {first}")
