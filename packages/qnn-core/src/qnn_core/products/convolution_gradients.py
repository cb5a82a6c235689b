"""The gradients of a convolution of floats: sums in an order that no number of threads changes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from ..machine import cpu, empty
from ..machine.threads import threads_for
from .factor import VALUES
from .gather import windows
from .patch_sums import weight_sums
from .product import nanoseconds
from .weights import prepare
from .window import Window

Array = NDArray[Any]


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
    turned = prepare(np.asarray(w.reshape(n, k).T, order="C"), None, VALUES, VALUES)
    program = engine.Program(cpu.active_index(), [4 * n, 0, 4 * k], 2)
    program.product(0, 2, turned.weights, "float")
    program.scatter(2, 1, windows(window, image, pixel=4 * channels, part=4 * channels))
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
    if g.dtype == np.float32:
        return weight_sums(g, x, window).reshape(n, *window.kernel, channels)
    rows, patches = g.reshape(-1, n), window.patches(x).reshape(len(x) * pixels, k)
    return (rows.T @ patches).reshape(n, *window.kernel, channels)
