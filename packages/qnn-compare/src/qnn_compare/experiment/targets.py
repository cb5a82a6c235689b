"""Samples with their targets: one array of these, or several in tuples and dictionaries."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.data import Batch as CoreBatch
from qnn_core.data import is_array
from qnn_core.errors import ShapeError

Array = NDArray[Any]
# An array, or tuples and dictionaries of arrays: what a loss and a metric get.
Targets = Any
Batch = tuple[Array, Targets]


def are_several(part: Any) -> bool:
    """Whether a part of a batch is several arrays."""
    return isinstance(part, tuple | list | Mapping) and not is_array(part)


def batch_of(given: Any, where: str) -> Batch:
    """Return samples and targets as arrays, several targets in the structure that they have.

    Args:
        given: samples and targets.
        where: for messages.

    Raises:
        ShapeError, DtypeError: if they are several and one is no numbers, or of another number of
            samples; or if a sample has several inputs.

    Example:
        >>> batch_of(([[0.5], [1.5]], {"kind": [0, 1], "age": [[3.0], [4.0]]}), "a batch")[1]["age"]
        array([[3.],
               [4.]])
    """
    x, y = given
    if not are_several(x) and not are_several(y):
        return np.asarray(x), np.asarray(y)
    whole = CoreBatch.of((x, y), where)
    if not isinstance(whole.inputs, np.ndarray):
        raise ShapeError(
            f"{where}: each sample has {len(whole.inputs)} inputs, and nets of several inputs are "
            "not compared: join them in one array"
        )
    return whole.inputs, whole.targets


def structure(targets: Targets) -> str:
    """Return the dtypes of targets, in their structure.

    Example:
        >>> structure(np.zeros(2)), structure((np.zeros(2), {"kind": np.zeros(2, int)}))
        ('float64', '(float64, {kind: int64})')
    """
    if isinstance(targets, dict):
        return f"{{{', '.join(f'{key}: {structure(part)}' for key, part in targets.items())}}}"
    if isinstance(targets, tuple):
        return f"({', '.join(map(structure, targets))})"
    return str(targets.dtype)
