"""The gradients of a convolution of floats: sums in an order that no number of threads changes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from .._kernels import sums as kernel
from ..machine import cpu, empty, get_num_threads
from ..machine.threads import threads_for
from .arrays import reused_memory
from .factor import VALUES
from .gather import windows
from .product import nanoseconds
from .weights import prepare
from .window import Window

Array = NDArray[Any]

# Windows that a chain of sums goes through: a longer one has more rounding errors.
MOST_TERMS = 2**12


def input_gradient(g: Array, w: Array, window: Window, image: tuple[int, int]) -> Array:
    """Return the images that patches ``g w`` are added up to, ``[b, height, width, c]``.

    Args:
        g: ``[b, oh, ow, n]``, float32 or float64.
        w: ``[n, kh, kw, c]``, of the same dtype.
        window: of the kernel.
        image: height and width.
    """
    batch, oh, ow, n = g.shape
    channels, k = w.shape[-1], int(np.prod(w.shape[1:]))
    if g.dtype != np.float32:
        patches = (g @ w.reshape(n, k)).reshape(batch, oh, ow, *w.shape[1:])
        return window.folded(patches, *image)
    x = empty((batch, *image, channels), np.float32)
    x[...] = 0
    with reused_memory():
        turned = prepare(np.asarray(w.reshape(n, k).T, order="C"), None, VALUES, VALUES)
        program = engine.Program(cpu.active_index(), [4 * n, 0, 4 * k], 2)
        program.product(0, 2, turned.weights, "float")
        program.scatter(2, 1, windows(window, image, 4 * channels))
        rows = np.asarray(g, order="C")
        # Windows of one image overlap: a thread has whole images.
        work = batch * oh * ow * (nanoseconds(turned, 1, n) + k / 4)
        program.run(rows, x, 0, batch * oh * ow, threads_for(work), oh * ow)
    return x


def weight_gradient(g: Array, x: Array, window: Window) -> Array:
    """Return the sum over all windows of ``g`` times what is under them, ``[n, kh, kw, c]``.

    Args:
        g: ``[b, oh, ow, n]``, float32 or float64.
        x: ``[b, h, w, c]``, of the same dtype.
        window: of the kernel.
    """
    n, channels = g.shape[-1], x.shape[-1]
    pixels, k = g.shape[1] * g.shape[2], window.kernel[0] * window.kernel[1] * channels
    if g.dtype != np.float32:
        patches = window.patches(x).reshape(len(x) * pixels, k)
        total = g.reshape(-1, n).T @ patches
    else:
        total = _float_weight_gradient(np.asarray(g, order="C"), _framed(x, window), window)
    return np.asarray(total.reshape(n, *window.kernel, channels), order="C")


def _float_weight_gradient(g: Array, framed: Array, window: Window) -> Array:
    """Return it as ``[n, k]``; the patches are read where they lie in the padded images."""
    (batch, height, width, channels), n = framed.shape, g.shape[-1]
    row, term = _tables(window, (height, width, channels), (g.shape[1], g.shape[2]))
    pixels, k = term.size, row.size
    # The number of images that are summed up at a time depends on their size alone.
    some = max(1, MOST_TERMS // pixels)
    terms = np.add.outer(np.arange(some) * (height * width * channels), term).reshape(-1)
    total = np.zeros((k, n), np.float32)
    part = empty((k, n), np.float32)
    where = cpu.active_index(), get_num_threads()
    for first in range(0, batch, some):
        count = min(some, batch - first)
        image, pixel = first * (height * width * channels), first * pixels * n
        lengths = k, count * pixels, n
        kernel.sums(*where, framed, image, row, terms, g, pixel, n, part, 0, n, *lengths)
        total += part
    return total.T


def _framed(x: Array, window: Window) -> Array:
    """Return images with their padding, contiguous."""
    (py, px), (batch, height, width, channels) = window.padding, x.shape
    if not (py or px):
        return np.asarray(x, order="C")
    framed = empty((batch, height + 2 * py, width + 2 * px, channels), x.dtype)
    framed[...] = 0
    framed[:, py : py + height, px : px + width] = x
    return framed


def _tables(
    window: Window, image: tuple[int, int, int], output: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the elements of a window lie in a padded image, and where the windows begin."""
    _, width, channels = image
    (ky, kx), (dy, dx), (sy, sx) = window.kernel, window.dilation, window.stride
    line = width * channels
    within = [np.arange(ky) * dy * line, np.arange(kx) * dx * channels, np.arange(channels)]
    row = np.add.outer(np.add.outer(within[0], within[1]), within[2])
    term = np.add.outer(np.arange(output[0]) * sy * line, np.arange(output[1]) * sx * channels)
    return row.reshape(-1).astype(np.int64), term.reshape(-1).astype(np.int64)
