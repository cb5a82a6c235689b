"""The gradients of a convolution of finite numbers, where most of its outputs' are zero.

Behind a maximum of pixels and a relu that is so: of four gradients three are zero, and some of the
fourth ones. Sums are those of `convolution_gradients` without the terms that are zero, in their
order. Of finite numbers that changes no bit, but where a product is too small for any number: a sum
may be -0 then where it was 0.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import sparse_windows as kernel
from ..machine import cpu, empty
from ..machine.threads import threads_for
from ..qtensor import QuantizedTensor
from .gemm import RATES
from .implicit_gemm import offsets, parts_of
from .padding import padded
from .window import Window

Array = NDArray[Any]
Offsets = NDArray[np.int64]

# Up to this share of gradients that are not zero it pays; it is found out on so many pixels.
MOST, SAMPLE = 0.3, 64
# For fewer numbers in a window, looking for what is not zero takes longer than multiplying by all;
# and below so many multiply-adds all is quick.
LEAST_WINDOW, LEAST_WORK = 128, 2**20


def is_sparse(g: Array, w: tuple[int, ...]) -> bool:
    """Return whether few gradients ``[b, oh, ow, n]``, for weights of shape `w`, are not zero."""
    window = math.prod(w[1:])
    if g.dtype != np.float32 or window < LEAST_WINDOW or g.size * window < LEAST_WORK:
        return False
    rows = g.reshape(-1, g.shape[-1])
    some = rows[:: max(1, len(rows) // SAMPLE)]
    return bool(np.count_nonzero(some) <= MOST * some.size)


def sparse_input_gradient(
    g: Array, w: Array, window: Window, image: tuple[int, int]
) -> NDArray[np.float32]:
    """Return what `input_gradient` does."""
    channels = w.shape[-1]
    starts, run = runs_of(window, image, channels)
    rows = w.reshape(len(w), starts.size, run)
    weights = empty((starts.size, len(w), -(-run // 16) * 16), np.float32)
    weights[..., run:] = 0
    weights[..., :run] = rows.transpose(1, 0, 2)
    pixel, _ = offsets(window, (1, *image, channels))
    x = empty((len(g), *image, channels), np.float32)
    threads = _threads(g, w.shape)
    g = np.asarray(g, order="C")
    kernel.to_input(cpu.active_index(), threads, g, weights, x, pixel, starts, run, window.padding)
    return x


def sparse_weight_gradient(
    g: Array, x: Array | QuantizedTensor, window: Window
) -> NDArray[np.float32]:
    """Return what `weight_gradient` does."""
    shape = x.codes.shape if isinstance(x, QuantizedTensor) else x.shape
    pixel, element = offsets(window, shape)
    n, channels = g.shape[-1], shape[-1]
    starts, run = runs_of(window, (shape[1], shape[2]), channels)
    parts = parts_of(pixel.size, element.size, n)
    sums = empty((parts, n, starts.size, -(-run // 16) * 16), np.float32)
    threads = _threads(g, (n, *window.kernel, channels))
    images, g = padded(x, window, room=16), np.asarray(g, order="C")
    kernel.to_weight(cpu.active_index(), threads, g, images, pixel, starts, run, sums)
    for part in sums[1:]:
        sums[0] += part
    return np.ascontiguousarray(sums[0, ..., :run]).reshape(n, *window.kernel, channels)


@lru_cache(maxsize=64)
def runs_of(window: Window, image: tuple[int, int], channels: int) -> tuple[Offsets, int]:
    """Return where in a window the numbers lie that are side by side, and how many these are."""
    line = (image[1] + 2 * window.padding[1]) * channels
    (ky, kx), (dy, dx) = window.kernel, window.dilation
    starts = np.arange(ky)[:, None] * (dy * line)
    if dx == 1:
        return starts.reshape(-1).astype(np.int64), kx * channels
    starts = starts + np.arange(kx) * (dx * channels)
    return starts.reshape(-1).astype(np.int64), channels


def _threads(g: Array, w: tuple[int, ...]) -> int:
    return threads_for(MOST * g.size * math.prod(w[1:]) / RATES["float"])
