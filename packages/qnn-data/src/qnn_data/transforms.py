"""Transforms: functions from a batch to a batch. The first axis is the batch's.

Any such function can be a transform. Those here never change the array that they are given.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _kernels

Transform = Callable[[NDArray[Any]], NDArray[Any]]
"""A function from a batch of samples to a batch of as many."""


class Compose:
    """Several transforms, one after the other.

    Where they begin by making float32 of uint8 pixels, each pixel on its own, one pass looks the
    values up in a table of the 256; they are the same.

    Args:
        transforms: in the order in which they act.

    Example:
        >>> transform = Compose([ToFloat(), Normalize(mean=0.5, std=0.5), Flatten()])
        >>> transform
        Compose([ToFloat(), Normalize(mean=0.5, std=0.5), Flatten()])
        >>> transform(np.array([[[0, 255]]], np.uint8))
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, transforms: Iterable[Transform]) -> None:
        self.transforms = tuple(transforms)
        for transform in self.transforms:
            if not callable(transform):
                raise TypeError(f"a transform is a function of a batch, not {transform!r}")
        decoding = tuple(itertools.takewhile(_is_of_each_pixel, self.transforms))
        self._table: NDArray[Any] | None = None
        self._after_table = self.transforms[len(decoding) :]
        if decoding and isinstance(decoding[0], ToFloat):
            self._table = _chain(decoding, np.arange(256, dtype=np.uint8))

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the last transform makes of `x`."""
        if self._table is None or x.dtype != np.uint8 or not x.size:
            return _chain(self.transforms, x)
        out = np.empty(x.shape, np.float32)
        pixels = np.ascontiguousarray(x).reshape(-1)
        _kernels.decode.lookup(pixels, self._table, out.reshape(-1))
        return _chain(self._after_table, out)

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


class ToFloat:
    """Pixels as numbers from 0 to 1: uint8 to float32, divided by 255.

    Raises:
        TypeError: the batch is not uint8.

    Example:
        >>> ToFloat()(np.array([[0, 51, 255]], np.uint8))
        array([[0. , 0.2, 1. ]], dtype=float32)
    """

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return `x` / 255 as float32, in the same shape."""
        if x.dtype != np.uint8:
            raise TypeError(f"ToFloat takes uint8 pixels, 0 to 255, not {x.dtype}; see AsType")
        y = x.astype(np.float32)
        y /= np.float32(255)
        return y

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return "ToFloat()"


class AsType:
    """The same values in another dtype; no copy if they have it already.

    Args:
        dtype: any that NumPy knows.

    Example:
        >>> AsType("float32")(np.array([[1, 2]]))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return `x` in the dtype, in the same shape."""
        return x.astype(self.dtype, copy=False)

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return f"AsType({str(self.dtype)!r})"


class Normalize:
    """Subtract the mean, multiply by 1 / standard deviation (the cheaper division); in float32.

    Args:
        mean: a number, or an array that broadcasts against a batch: of shape (3, 1, 1) for one
            number per channel of (n, 3, height, width).
        std: likewise; above zero.

    Raises:
        ValueError: mean or std is not finite, or std is not above zero.
        TypeError: a batch is not float32.

    Example:
        >>> Normalize(mean=1, std=2)(np.array([[1, 5]], np.float32))
        array([[0., 2.]], dtype=float32)
    """

    def __init__(self, mean: ArrayLike, std: ArrayLike) -> None:
        self.mean = np.asarray(mean, np.float32)
        self.std = np.asarray(std, np.float32)
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all()):
            raise ValueError(f"mean and std must be finite, not {mean!r} and {std!r}")
        if not (self.std > 0).all():
            raise ValueError(f"std must be above zero, not {std!r}")
        self._factor = 1 / self.std

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return (`x` - mean) * (1 / std) as float32, in the same shape."""
        if x.dtype != np.float32:
            raise TypeError(f"Normalize takes float32, not {x.dtype}; put ToFloat or AsType first")
        y: NDArray[np.float32] = x - self.mean
        y *= self._factor
        return y

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return f"Normalize(mean={_number(self.mean)}, std={_number(self.std)})"


class NormalizeChannels:
    """Each channel, the last axis, less its mean, times 1 / its standard deviation; in float32.

    Args:
        mean: of each channel.
        std: of each channel, > 0.

    Raises:
        ValueError: not as many of both, or a deviation that is not above 0.

    Example:
        >>> NormalizeChannels((0.5, 0.0), (0.5, 2.0))(np.array([[1.0, 1.0]], np.float32))
        array([[1. , 0.5]], dtype=float32)
    """

    def __init__(self, mean: Iterable[float], std: Iterable[float]) -> None:
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))
        if len(self.mean) != len(self.std) or not all(0 < s < np.inf for s in self.std):
            raise ValueError(
                f"as many means as deviations above 0 are needed, not {self.mean} and {self.std}"
            )

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return the normalised channels, in the same shape."""
        y = x.astype(np.float32)
        y -= np.array(self.mean, np.float32)
        y *= np.float32(1) / np.array(self.std, np.float32)
        return y

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return f"NormalizeChannels({self.mean}, {self.std})"


class Flatten:
    """One axis per sample: (n, ...) to (n, features); a view where that is possible.

    Example:
        >>> Flatten()(np.zeros((2, 28, 28))).shape
        (2, 784)
    """

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return `x` in the shape (n, features)."""
        # Not -1, which an empty batch leaves undetermined.
        return x.reshape(len(x), int(np.prod(x.shape[1:])))

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return "Flatten()"


class Reshape:
    """Another shape for each sample: ``(n, ...)`` to ``(n, *shape)``; a view if possible.

    Args:
        shape: of a sample; (28, 28, 1) gives an image the channel axis of a convolution.

    Example:
        >>> Reshape(28, 28, 1)(np.zeros((2, 28, 28))).shape
        (2, 28, 28, 1)
    """

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return `x` in the shape (n, *shape)."""
        return x.reshape(len(x), *self.shape)

    def __repr__(self) -> str:
        """Return the expression that makes this."""
        return f"Reshape({', '.join(map(str, self.shape))})"


def _chain(transforms: Iterable[Transform], x: NDArray[Any]) -> NDArray[Any]:
    for transform in transforms:
        x = transform(x)
    return x


def _is_of_each_pixel(transform: Transform) -> bool:
    """Return whether it makes float32, each from one pixel whatever its place."""
    if type(transform) is Normalize:
        return transform.mean.ndim == transform.std.ndim == 0
    return type(transform) is ToFloat


def _number(value: NDArray[np.float32]) -> str:
    """Return a number, or nested list of numbers, in the fewest digits that tell it apart."""
    return np.array2string(value, separator=", ", floatmode="unique").rstrip(".")
