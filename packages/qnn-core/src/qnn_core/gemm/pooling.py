"""Maxima and means of windows on images, in threads that have whole images."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import pooling as kernel
from ..machine import cpu, empty
from ..machine.threads import threads_for
from .window import Window

Array = NDArray[Any]

# Elements of windows that are looked at in a nanosecond, about.
RATE = 4


def window_maximum(x: Array, window: Window) -> Array:
    """Return the maximum of each window, ``[b, oh, ow, c]``, of numbers or codes."""
    y = empty(_output(x.shape, window), x.dtype)
    return _run(kernel.maximum, window, x.shape, x, y)


def window_maximum_gradient(g: Array, x: Array, window: Window) -> Array:
    """Return each `g` at the first maximum of its window of `x`, added up; of the shape of `x`."""
    return _run(kernel.maximum_gradient, window, x.shape, x, g, empty(x.shape, x.dtype))


def window_maximum_choice(h: Array, x: Array, window: Window) -> Array:
    """Return the elements of `h` at the first maxima of the windows of `x`."""
    y = empty(_output(x.shape, window), x.dtype)
    return _run(kernel.maximum_choice, window, x.shape, x, h, y)


def window_mean(x: Array, window: Window) -> Array:
    """Return the mean of each window, summed in blocks of its pixels; padding counts as 0."""
    y = empty(_output(x.shape, window), x.dtype)
    return _run(kernel.mean, window, x.shape, x, y)


def window_mean_gradient(g: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """Return each `g`, divided among the elements of its window and added up; of `shape`."""
    return _run(kernel.mean_gradient, window, shape, g, empty(shape, g.dtype))


def _output(shape: tuple[int, ...], window: Window) -> tuple[int, ...]:
    return (shape[0], *window.output(shape[1], shape[2]), shape[3])


def _run(
    run: Callable[..., None], window: Window, images: tuple[int, ...], *arrays: Array
) -> Array:
    """Call a kernel on all images; the last array is what it writes."""
    batch, height, width, channels = images
    output = _output(images, window)
    geometry = (height, width, channels, *output[1:3])
    geometry = (*geometry, *window.kernel, *window.stride, *window.padding)
    if arrays[-1].size and batch:
        work = float(np.prod(output)) * window.kernel[0] * window.kernel[1] / RATE
        whole = [np.asarray(array, order="C") for array in arrays]
        run(cpu.active_index(), threads_for(work), geometry, batch, *whole)
    return arrays[-1]
