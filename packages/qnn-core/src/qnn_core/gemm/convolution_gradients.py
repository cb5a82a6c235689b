"""The gradients of a convolution of floats: sums in an order that no number of threads changes."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import convolution as kernel
from ..machine import cpu, empty
from ..machine.threads import threads_for
from ..qtensor import QuantizedTensor
from .gemm import RATES
from .implicit_gemm import weight_sums
from .sparse_windows import is_sparse, sparse_input_gradient, sparse_weight_gradient
from .window import Window

Array = NDArray[Any]
Offsets = NDArray[np.int64]

# Fewer channels would leave most lanes of a vector empty.
FEW_CHANNELS = 8


def input_gradient(
    g: Array, w: Array, window: Window, image: tuple[int, int], *, finite: bool = False
) -> Array:
    """Return the images that patches ``g w`` are added up to, ``[b, height, width, c]``.

    Args:
        g: ``[b, oh, ow, n]``, float32 or float64.
        w: ``[n, kh, kw, c]``, of the same dtype.
        window: of the kernel.
        image: height and width.
        finite: whether all weights are known to be: a zero times infinity is not left out.
    """
    n, channels = g.shape[-1], w.shape[-1]
    if finite and is_sparse(g, w.shape):
        return sparse_input_gradient(g, w, window, image)
    if g.dtype != np.float32:
        patches = (g @ w.reshape(n, -1)).reshape(*g.shape[:3], *w.shape[1:])
        return window.folded(patches, *image)
    run = _few if channels < FEW_CHANNELS else _spread
    return run(np.asarray(g, order="C"), w, window, image)


def _spread(g: Array, w: Array, window: Window, image: tuple[int, int]) -> Array:
    """Add each output pixel's gradient times a tap's weights to the pixel under it, in place."""
    batch, n, channels = len(g), g.shape[-1], w.shape[-1]
    # Whole vectors of channels: what is beyond the last is cut off again.
    lanes = -(-channels // 16) * 16
    taps = empty((math.prod(window.kernel), n, lanes), np.float32)
    taps[..., channels:] = 0
    taps[..., :channels] = w.reshape(n, -1, channels).transpose(1, 0, 2)
    x = empty((batch, *image, lanes), np.float32)
    if x.size:
        pairs = spread(window, image)
        kernel.input_gradient(
            cpu.active_index(), _threads(g, w), g, taps, x, *pairs, batch, n, lanes
        )
    return x if lanes == channels else np.ascontiguousarray(x[..., :channels])


def _few(g: Array, w: Array, window: Window, image: tuple[int, int]) -> Array:
    """The same sums in another loop: pixels, not channels, fill the lanes of a vector."""
    (batch, *_, n), channels = g.shape, w.shape[-1]
    (ey, ex), (sy, sx), (py, px) = window.extent, window.stride, window.padding
    line = image[1] + ex - 1
    ky, kx = np.indices(window.kernel)
    shift = (ey - 1 - ky * window.dilation[0]) * line + (ex - 1 - kx * window.dilation[1])
    x = empty((batch, *image, channels), np.float32)
    if x.size:
        kernel.input_gradient_of_few(
            cpu.active_index(),
            _threads(g, w),
            g,
            np.ascontiguousarray(w.reshape(n, -1, channels).transpose(2, 1, 0)),
            x,
            shift.reshape(-1).astype(np.int64),
            batch,
            n,
            channels,
            output=g.shape[1:3],
            image=image,
            line=line,
            # An odd number of cache lines: planes do not fall on the same places of a cache. The
            # last tap of the last pixel reads up to ex - 1 numbers beyond the last line.
            plane=(-(-((image[0] + ey - 1) * line + ex - 1) // 16) | 1) * 16,
            first=(ey - 1 - py) * line + ex - 1 - px,
            step=(sy * line, sx),
        )
    return x


def _threads(g: Array, w: Array) -> int:
    return threads_for(g.size * math.prod(w.shape[1:]) / RATES["float"])


@lru_cache(maxsize=64)
def spread(window: Window, image: tuple[int, int]) -> tuple[Offsets, Offsets, Offsets]:
    """Return which output pixels give to which pixels, tap by tap.

    Returns:
        For each tap the number of the first of its pairs, and one more; then the output pixel, and
        the pixel under the tap, of each pair. Pixels are counted line by line.
    """
    (height, width), (rows, columns) = image, window.output(*image)
    (sy, sx), (py, px), (dy, dx) = window.stride, window.padding, window.dilation
    line, column = np.divmod(np.arange(rows * columns), columns)
    first, source, target = [0], [], []
    for ky, kx in np.ndindex(window.kernel):
        y, x = line * sy + ky * dy - py, column * sx + kx * dx - px
        inside = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
        first.append(first[-1] + inside.size)
        source.append(inside)
        target.append((y * width + x)[inside])
    return (
        np.array(first, np.int64),
        np.concatenate(source).astype(np.int64),
        np.concatenate(target).astype(np.int64),
    )


def weight_gradient(
    g: Array, x: Array | QuantizedTensor, window: Window, *, finite: bool = False
) -> Array:
    """Return the sum over all windows of ``g`` times what is under them, ``[n, kh, kw, c]``.

    Args:
        g: ``[b, oh, ow, n]``, float32 or float64.
        x: ``[b, h, w, c]``, of the same dtype; or codes, for float32.
        window: of the kernel.
        finite: whether all of `x` is known to be.
    """
    n = g.shape[-1]
    if finite:
        channels = x.codes.shape[-1] if isinstance(x, QuantizedTensor) else x.shape[-1]
        if is_sparse(g, (n, *window.kernel, channels)):
            return sparse_weight_gradient(g, x, window)
    if isinstance(x, QuantizedTensor) or g.dtype == np.float32:
        return weight_sums(g, x, window).reshape(n, *window.kernel, -1)
    channels = x.shape[-1]
    pixels, k = g.shape[1] * g.shape[2], window.kernel[0] * window.kernel[1] * channels
    rows, patches = g.reshape(-1, n), window.patches(x).reshape(len(x) * pixels, k)
    return (rows.T @ patches).reshape(n, *window.kernel, channels)
