"""Windows that slide over images, and what lies under them as rows: im2col, in plain NumPy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Where the windows on an image are; pairs are (vertical, horizontal).

    Attributes:
        kernel: pixels of a window.
        stride: from one window to the next.
        padding: pixels added on each side of the image.
        dilation: from one pixel of a window to the next.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def extent(self) -> Pair:
        """Pixels from one end of a window to the other."""
        (ky, kx), (dy, dx) = self.kernel, self.dilation
        return dy * (ky - 1) + 1, dx * (kx - 1) + 1

    def output(self, height: int, width: int) -> Pair:
        """Return how many windows an image has; below 1 if it is too small for one."""
        (sy, sx), (py, px), (ey, ex) = self.stride, self.padding, self.extent
        return (height + 2 * py - ey) // sy + 1, (width + 2 * px - ex) // sx + 1

    def patches(self, x: Array, fill: float = 0) -> Array:
        """Return what is under each window, ``[b, oh, ow, kh, kw, c]`` of ``x [b, h, w, c]``."""
        batch, height, width, channels = x.shape
        (py, px), out = self.padding, self.output(height, width)
        framed = np.full((batch, height + 2 * py, width + 2 * px, channels), fill, x.dtype)
        framed[:, py : py + height, px : px + width] = x
        found = np.empty((batch, *out, *self.kernel, channels), x.dtype)
        for pixel in np.ndindex(self.kernel):
            found[:, :, :, pixel[0], pixel[1]] = framed[:, *self._under(pixel, out)]
        return found

    def folded(self, patches: Array, height: int, width: int) -> Array:
        """Return the images that patches are added up to: the transpose of `patches`."""
        batch, *out, _, _, channels = patches.shape
        py, px = self.padding
        framed = np.zeros((batch, height + 2 * py, width + 2 * px, channels), patches.dtype)
        for pixel in np.ndindex(self.kernel):
            framed[:, *self._under(pixel, (out[0], out[1]))] += patches[:, :, :, pixel[0], pixel[1]]
        return framed[:, py : py + height, px : px + width]

    def _under(self, pixel: tuple[int, ...], out: Pair) -> tuple[slice, slice]:
        """Return where a pixel of all windows lies in the padded image."""
        starts = [n * d for n, d in zip(pixel, self.dilation, strict=True)]
        ends = [
            start + (count - 1) * s + 1
            for start, count, s in zip(starts, out, self.stride, strict=True)
        ]
        vertical, horizontal = (
            slice(start, end, s) for start, end, s in zip(starts, ends, self.stride, strict=True)
        )
        return vertical, horizontal
