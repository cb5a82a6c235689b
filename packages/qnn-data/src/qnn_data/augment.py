"""Images shifted, turned and scaled at random, the same ones in every run."""

import math
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _kernels
from ._checks import checked_integer

_SALT = 0xA6_3E47  # orders are drawn from (seed, epoch) alone
_LARGEST = 1 << 24  # whole numbers below are exact in float32, which addresses pixels

# The bits are the same with and without; QNN_CPU caps the instruction set as it does in qnn-core.
_AVX2 = _kernels.augment.wide() and os.environ.get("QNN_CPU", "") != "base"


class Augment:
    """Shifts, turns and scales images at random; what comes in from outside is `fill`.

    For `DataLoader(augment=...)`, which gives it the images before the data set's transform. Each
    image goes through one affine map about its centre, with bilinear interpolation in float32;
    uint8 pixels are rounded to the nearest. How a sample is moved is a pure function of
    (`seed`, epoch, index of the sample in the data set), on every machine: not of the batch size,
    the order or the threads. The four amounts are uniform and independent.

    Args:
        shift: greatest shift in pixels, in any direction; or (down, right).
        rotation: greatest rotation in degrees, either way; 180 at most.
        scale: greatest relative change of size: 0.1 for factors from 0.9 to 1.1; below 1.
        fill: the pixel value of what lies around an image: a number, in the images' own units.
        seed: 0 or more.
        shape: of an image, (height, width) or (height, width, channels), where the data set has
            images as flat rows. Else it is that of the samples.

    Raises:
        ValueError: a number out of range.
        TypeError: a number of another kind.

    Example:
        >>> from qnn_data import DataLoader, MNISTMini
        >>> augment = Augment(shift=2, rotation=10, scale=0.1)
        >>> loader = DataLoader(MNISTMini(), batch_size=100, shuffle=True, augment=augment)
        >>> x, y = next(iter(loader))
        >>> x.shape, x.dtype
        ((100, 784), dtype('float32'))

        Images by hand, one pixel to the right:

        >>> Augment().move(np.array([[[1, 2], [3, 4]]], np.uint8), [[0, 1, 0, 1]])
        array([[[0, 1],
                [0, 3]]], dtype=uint8)
    """

    def __init__(
        self,
        shift: float | tuple[float, float] = 0,
        rotation: float = 0,
        scale: float = 0,
        *,
        fill: float = 0,
        seed: int = 0,
        shape: Sequence[int] | None = None,
    ) -> None:
        self.shift = _shift(shift)
        self.rotation = _number("rotation", rotation, 0, 180)
        self.scale = _number("scale", scale, 0, 1)
        if self.scale == 1:
            raise ValueError("scale must be below 1: an image of size 0 shows nothing")
        self.fill = _number("fill", fill, -math.inf, math.inf)
        self.seed = checked_integer("seed", seed, least=0)
        self.shape = None if shape is None else _shape(shape)

    def __call__(
        self, images: NDArray[Any], samples: NDArray[np.integer[Any]], epoch: int
    ) -> NDArray[Any]:
        """Return the images as they are seen in an epoch; the array given is left alone.

        Args:
            images: (n, height, width), (n, height, width, channels), or (n, features) with
                `shape`; uint8 or float32.
            samples: the index of each in the data set.
            epoch: 0 or more.

        Raises:
            TypeError, ValueError: images of another kind or shape.
        """
        return self.move(images, self.draw(samples, epoch))

    def draw(self, samples: NDArray[np.integer[Any]], epoch: int) -> NDArray[np.float64]:
        """Return how these samples are moved in an epoch: see `move`.

        Example:
            >>> moves = Augment(shift=2, rotation=10, scale=0.1).draw(np.arange(3), epoch=0)
            >>> moves.round(2)
            array([[-1.7 , -0.6 ,  2.46,  0.97],
                   [ 0.69, -1.9 , -9.06,  1.05],
                   [ 0.19, -1.33, -6.25,  1.02]])
        """
        moves = np.empty((len(samples), 4))
        index = np.ascontiguousarray(samples, np.int64)
        key = _key(self.seed, epoch)
        _kernels.augment.draw(index, key, *self.shift, self.rotation, self.scale, moves)
        return moves

    def move(self, images: NDArray[Any], moves: Any) -> NDArray[Any]:
        """Return images moved by known amounts.

        Args:
            images: as for a call.
            moves: (n, 4): down and right in pixels, degrees anticlockwise, and the factor of the
                size, for each image. It is turned and scaled about its centre, then shifted.

        Raises:
            TypeError, ValueError: images of another kind or shape, or moves that are not finite
                or have a factor that is not above zero.
        """
        moves = np.ascontiguousarray(moves, np.float64)
        if moves.shape != (len(images), 4):
            raise ValueError(f"moves must have shape ({len(images)}, 4), not {moves.shape}")
        if not (np.isfinite(moves).all() and (moves[:, 3] > 0).all()):
            raise ValueError("moves must be finite, and factors above zero")
        images = np.ascontiguousarray(images)
        size = self._size(images)
        _, height, width, channels = size
        out = np.empty_like(images)
        if not images.size:
            return out
        bordered = np.full((height + 3, width + 3, channels), self.fill, np.float32)
        _kernels.augment.warp(
            images.reshape(size),
            moves,
            bordered,
            np.empty(height * width * channels, np.float32),
            out.reshape(size),
            _AVX2,
        )
        return out

    def _size(self, images: NDArray[Any]) -> tuple[int, int, int, int]:
        """Return (n, height, width, channels), or say what is wrong with the images."""
        if images.dtype not in (np.uint8, np.float32):
            raise TypeError(f"images must be uint8 or float32, not {images.dtype}")
        if images.dtype == np.uint8 and not (0 <= self.fill <= 255 and self.fill % 1 == 0):
            raise ValueError(f"fill of uint8 images must be a whole number 0..255, not {self.fill}")
        shape = images.shape[1:] if self.shape is None else self.shape
        if self.shape is not None and math.prod(images.shape[1:]) != math.prod(shape):
            raise ValueError(f"images of shape {images.shape[1:]} do not have the shape {shape}")
        if len(shape) not in (2, 3):
            raise ValueError(
                "images must be (n, height, width) or (n, height, width, channels), not "
                f"{images.shape}; give the shape of an image to Augment if they are flat"
            )
        height, width, channels = (*shape, 1) if len(shape) == 2 else shape
        if (height + 3) * (width + 3) * channels >= _LARGEST:
            raise ValueError(f"an image may have up to 16 million numbers, not {shape}")
        return len(images), height, width, channels

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        shape = "" if self.shape is None else f", shape={self.shape}"
        return (
            f"Augment(shift={self.shift}, rotation={self.rotation}, scale={self.scale}, "
            f"fill={self.fill}, seed={self.seed}{shape})"
        )


@lru_cache(maxsize=64)
def _key(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, _SALT)).generate_state(1, np.uint64)[0])


def _number(name: str, value: float, least: float, most: float) -> float:
    """Return `value` as a float, or say what is wrong with it."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, not {value!r}")
    found = float(value)  # a short float of NumPy's would make the ends short, too
    if not (least <= found <= most and math.isfinite(found)):
        allowed = "finite" if math.isinf(most) else f"from {least} to {most:,}"
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return found


def _shift(shift: float | tuple[float, float]) -> tuple[float, float]:
    both = shift if isinstance(shift, tuple) else (shift, shift)
    if len(both) != 2:
        raise ValueError(f"shift must be a number or (down, right), not {shift!r}")
    return _number("shift", both[0], 0, _LARGEST), _number("shift", both[1], 0, _LARGEST)


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) not in (2, 3):
        raise ValueError(f"shape must be (height, width) or (height, width, channels): {shape!r}")
    return tuple(checked_integer("shape", length, least=1) for length in shape)
