"""What a quantized tensor carries beside its values."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .shown import coded_html, coded_line

Array = NDArray[Any]


class QuantizedTensor(NamedTuple):
    """The codes of an array, and what they mean: ``value = scale * levels[code] + shift``.

    Attributes:
        codes: uint8, of the array's shape.
        bits: bits per code.
        levels: float32, ascending.
        scale: > 0, of shape () or (channels,), in the array's dtype.
        shift: likewise.
        axis: axis of the channels, or None.
    """

    codes: NDArray[np.uint8]
    bits: int
    levels: NDArray[np.float32]
    scale: Array
    shift: Array
    axis: int | None

    @property
    def per_tensor(self) -> bool:
        """Whether one scale and zero point holds for all elements."""
        return self.axis is None or (self.scale.ndim == 0 and self.shift.ndim == 0)

    def __repr__(self) -> str:
        return coded_line(self, self.codes.shape)

    def _repr_html_(self) -> str:
        """Return the codes as a picture, and how often each occurs, as notebooks show them."""
        return coded_html(self)

    def moved(self, move: Callable[[Array], Array]) -> "QuantizedTensor | None":
        """Return the codes moved as their values are, or None where channels would be lost."""
        if not self.per_tensor:
            return None
        # An element of an array is no array.
        return self._replace(codes=np.asarray(move(self.codes)), axis=None)
