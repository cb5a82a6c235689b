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
        noise: what its noise in training is drawn with: a seed and the number of draws so far. The
            seed of a layer is made of the weight that it was built with, so that each layer and
            each seed of a net has one of its own; without a weight, of the first data. None if it
            draws none.
    """

    def __init__(self, quantizer: str | Quantizer) -> None:
        self.scheme = get_quantizer(quantizer)
        values = self.scheme.trained_values() if self.scheme.trained else {}
        self.trained = {
            name: Parameter(values[name], bounds=bounds, decay=False)
            for name, bounds in self.scheme.trained.items()
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
        values = quantizer.trained_values() if self.trained else {}
        for name, value in values.items():
            self.trained[name].array[...] = value
            self.trained[name].written()

    def _values(self) -> bytes:
        return b"".join(field.array.tobytes() for field in self.trained.values())

    def seed_noise(self, made_of: Array, number: int) -> None:
        """Make the seed of the noise of an array and a number, if there is noise."""
        if self.noise is not None:
            seed = zlib.crc32(np.ascontiguousarray(made_of).tobytes(), number)
            self.noise.array[...] = seed, 0

    def draw(self, x: Array) -> np.random.Generator:
        """Return the generator of the next noise."""
        assert self.noise is not None
        if not self.noise.array.any():
            self.seed_noise(x, 0)
        seed, count = (int(n) for n in self.noise.array)
        self.noise.array[...] = seed, count + 1
        self.noise.written()
        return np.random.Generator(np.random.Philox(key=seed, counter=(0, 0, 0, count)))
