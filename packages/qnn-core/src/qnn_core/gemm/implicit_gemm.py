"""Products of floats with the patches of images, which are never laid out.

Element ``k`` of the patch of pixel ``p`` lies at ``pixel[p] + element[k]`` in the images: these two
tables say all that a convolution's geometry is.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import float_gemm as kernel
from ..machine import empty, kernel_settings
from ..qtensor import QuantizedTensor
from .padding import padded
from .window import Window

Array = NDArray[Any]
Offsets = NDArray[np.int64]

# The terms of sums are cut into as many parts, at most, for threads to share; and the blocks of
# results from which on there is enough to share without.
MOST_PARTS = 16
ENOUGH_BLOCKS = 8
LEAST_TERMS = 512
# Longer chains of additions have more rounding errors.
MOST_TERMS = 2**13


def convolved(x: Array, w: Array, scale: Array, bias: Array, window: Window) -> NDArray[np.float32]:
    """Return ``(sum of patch * weight) * scale + bias``, ``[b, oh, ow, n]``.

    The sums are those of `gemm.operand.operand`: fused, in the order (ky, kx, channel).

    Args:
        x: float32 ``[b, h, w, c]``.
        w: float32 ``[n, kh * kw * c]``.
        scale: float32 ``[n]``.
        bias: float32 ``[n]``.
        window: of the kernel.
    """
    pixel, element = offsets(window, x.shape)
    y = empty((len(x), *window.output(*x.shape[1:3]), len(w)), np.float32)
    kernel.sums(
        *kernel_settings(),
        padded(x, window),
        pixel,
        element,
        np.ascontiguousarray(w.T),
        y,
        pixel.size,
        element.size,
        len(w),
        scale,
        bias,
    )
    return y


def weight_sums(g: Array, x: Array | QuantizedTensor, window: Window) -> NDArray[np.float32]:
    """Return the sum over all pixels of ``g`` times the patch under each, ``[n, kh * kw * c]``.

    Args:
        g: float32 ``[b, oh, ow, n]``.
        x: float32 ``[b, h, w, c]``, or codes of these.
        window: of the kernel.
    """
    n = g.shape[-1]
    shape = x.codes.shape if isinstance(x, QuantizedTensor) else x.shape
    pixel, element = offsets(window, shape)
    parts = parts_of(pixel.size, element.size, n)
    out = empty((parts, element.size, n), np.float32)
    kernel.sums_in_parts(
        *kernel_settings(),
        padded(x, window),
        element,
        pixel,
        np.asarray(g, order="C"),
        out,
        element.size,
        pixel.size,
        n,
        parts,
    )
    # One after the other: the same order whoever computed them.
    for part in out[1:]:
        out[0] += part
    return np.ascontiguousarray(out[0].T)


def parts_of(pixels: int, elements: int, n: int) -> int:
    """Return the number of parts that the sums of `weight_sums` are added up from."""
    blocks = -(-elements // 60) * -(-n // 64)
    parts = 1 if blocks >= ENOUGH_BLOCKS else max(1, min(MOST_PARTS, pixels // LEAST_TERMS))
    return max(parts, -(-pixels // MOST_TERMS))


# Few: a table has an entry for each pixel of the batch.
@lru_cache(maxsize=16)
def offsets(window: Window, shape: tuple[int, ...]) -> tuple[Offsets, Offsets]:
    """Return where the patch of each pixel begins in the padded images, and where its elements are.

    Args:
        window: of the kernel.
        shape: ``(b, h, w, c)`` of the images, without padding.
    """
    batch, height, width, channels = shape
    (py, px), (sy, sx), (dy, dx) = window.padding, window.stride, window.dilation
    line = (width + 2 * px) * channels
    rows, columns = window.output(height, width)
    pixel = (
        np.arange(batch)[:, None, None] * ((height + 2 * py) * line)
        + np.arange(rows)[:, None] * (sy * line)
        + np.arange(columns) * (sx * channels)
    )
    element = (
        np.arange(window.kernel[0])[:, None, None] * (dy * line)
        + np.arange(window.kernel[1])[:, None] * (dx * channels)
        + np.arange(channels)
    )
    return pixel.reshape(-1).astype(np.int64), element.reshape(-1).astype(np.int64)
