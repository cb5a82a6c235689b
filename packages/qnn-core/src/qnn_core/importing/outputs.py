"""What two nets answer to the same inputs, compared: outputs of a net of PyTorch and of ours."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConversionError


def tensors(answer: Any) -> list[Any]:
    """Return the tensors of an answer of PyTorch, in the order in which its exporter has them.

    That is the order in which dictionaries were filled and fields are declared, whatever is inside
    of whatever; what is no tensor is left out, and so are tensors of whole numbers or truth values
    beside floats, as `from_onnx` leaves them out.
    """
    found = list(_inside(answer))
    return [tensor for tensor in found if tensor.is_floating_point()] or found


def _inside(answer: Any) -> Sequence[Any]:
    if hasattr(answer, "is_floating_point"):
        return [answer]
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    elif dataclasses.is_dataclass(answer):
        answer = [getattr(answer, field.name) for field in dataclasses.fields(answer)]
    if not isinstance(answer, tuple | list):
        return []
    return [tensor for part in answer for tensor in _inside(part)]


def difference(theirs: Sequence[NDArray[Any]], ours: Sequence[NDArray[Any]]) -> float:
    """Return the greatest difference of outputs, in units of the greatest number of each.

    NaN and infinity are equal to the same in the same place; elsewhere the difference is infinite.

    Raises:
        ConversionError: if there are not as many on both sides, or they have other shapes.

    Example:
        >>> difference([np.array([1.0, np.nan])], [np.array([1.5, np.nan])])
        0.5
        >>> difference([np.array([1.0, np.nan])], [np.array([1.0, 2.0])])
        inf
    """
    shapes = [[y.shape for y in outputs] for outputs in (theirs, ours)]
    if shapes[0] != shapes[1]:
        said = [
            f"{len(own)} output{'s' * (len(own) != 1)} of shape {' and '.join(map(str, own))}"
            if own
            else "no output"
            for own in shapes
        ]
        raise ConversionError(
            f"from_torch: the net of PyTorch has {said[0]}, and what became of it here {said[1]}"
        )
    return max((_distance(a, b) for a, b in zip(theirs, ours, strict=True)), default=0.0)


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.all(same | finite):
        return np.inf
    error = np.abs(a[finite].astype(np.float64) - b[finite]).max(initial=0)
    return float(error / max(np.abs(a[finite]).max(initial=0), 1e-6))
