"""The constants of a graph, each stored once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...qtensor import QuantizedTensor
from .graph import Constant


class Constants:
    """Gathers constants under names of their own; what is equal is kept once.

    Attributes:
        values: the constants by name.
    """

    def __init__(self) -> None:
        self.values: dict[str, Constant] = {}
        self._known: dict[Any, str] = {}

    def add(self, name: str, constant: Constant) -> str:
        """Keep a constant and return its name: `name`, that with a number, or an earlier one's."""
        key = content(constant)
        if key not in self._known:
            unique, number = name, 1
            while unique in self.values:
                number += 1
                unique = f"{name}_{number}"
            self._known[key] = unique
            self.values[unique] = _copy(constant)
        return self._known[key]


def content(constant: Constant | NDArray[Any]) -> Any:
    """Return what two constants have in common if they are the same to the bit."""
    if isinstance(constant, QuantizedTensor):
        parts = (constant.codes, constant.levels, constant.scale, constant.shift)
        return constant.bits, constant.axis, *(content(part) for part in parts)
    return constant.dtype.str, constant.shape, constant.tobytes()


def _copy(constant: Constant) -> Constant:
    # Parameters are trained in place; what was packed stays.
    if not isinstance(constant, QuantizedTensor):
        return np.array(constant, order="C")
    parts = (constant.codes, constant.levels, constant.scale, constant.shift)
    codes, levels, scale, shift = (np.array(part, order="C") for part in parts)
    return QuantizedTensor(codes, constant.bits, levels, scale, shift, constant.axis)
