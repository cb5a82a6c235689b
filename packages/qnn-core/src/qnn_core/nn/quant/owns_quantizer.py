"""What holds a quantizer: the fields of it that are trained, and the noise that it draws."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import Buffer, Parameter
from ...quantizer import Quantizer
from ...quantizer.trained_fields import with_values
from ...registry import get_quantizer
from ..module import Module

Array = NDArray[Any]


class OwnsQuantizer(Module):
    """A module with a quantizer of its own.

    Attributes:
        scheme: the quantizer as it was given.
        trained: by name, the fields of it that are trained; empty for most.
        noise: what its noise in training is drawn with: a seed, which is made of the first data, so
            that each layer and each seed of a net has one of its own, and the number of draws so
            far. None if it draws none.
    """

    def __init__(self, quantizer: str | Quantizer) -> None:
        self.scheme = get_quantizer(quantizer)
        self.trained = {
            name: Parameter(value, bounds=self.scheme.trained[name], decay=False)
            for name, value in self.scheme.trained_values().items()
        }
        self.noise: Buffer | None = None
        if type(self.scheme).training_levels is not Quantizer.training_levels:
            self.noise = Buffer(np.zeros(2), np.int64)
        self._now = (self._values(), self.scheme)

    @property
    def quantizer(self) -> Quantizer:
        """The quantizer as it is now: with what was trained in its fields, if it has such."""
        if not self.trained:
            return self.scheme
        values = self._values()
        if self._now[0] != values:
            arrays = {name: field.array for name, field in self.trained.items()}
            self._now = values, with_values(self.scheme, arrays)
        return self._now[1]

    @property
    def plain(self) -> bool:
        """Whether training does what evaluation does, and no field is trained."""
        return not self.trained and self.noise is None

    def begin_anew(self) -> None:
        """Set the fields that are trained to what they begin with."""
        self._take(self.scheme)

    def _take(self, quantizer: Quantizer) -> None:
        """Let the fields have the values of a quantizer's."""
        for name, value in quantizer.trained_values().items():
            self.trained[name].array[...] = value
            self.trained[name].written()

    def _values(self) -> bytes:
        return b"".join(field.array.tobytes() for field in self.trained.values())

    def draw(self, x: Array) -> np.random.Generator:
        """Return the generator of the next noise; the first data make its seed."""
        assert self.noise is not None
        seed, count = (int(n) for n in self.noise.array)
        if not count:
            seed = zlib.crc32(np.ascontiguousarray(x).tobytes())
        self.noise.array[...] = seed, count + 1
        self.noise.written()
        return np.random.Generator(np.random.Philox(key=seed, counter=(0, 0, 0, count)))
