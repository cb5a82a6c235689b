"""Images as convolutions of floats read them: values, with zeros around them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import padding as kernel
from ..machine import cpu, empty
from ..machine.threads import threads_for
from ..qtensor import QuantizedTensor
from .window import Window

Array = NDArray[Any]

# Numbers that are written in a nanosecond, about.
RATE = 2


def padded(x: Array | QuantizedTensor, window: Window, *, room: int = 0) -> NDArray[np.float32]:
    """Return images with the window's padding around them.

    Args:
        x: float32 ``[b, h, w, c]``; or codes with one scale and shift, whose values are taken.
        window: its padding.
        room: so many numbers can be read behind the last one.

    Returns:
        float32: `x` itself, if it is of values, and neither padding nor room is wanted.
    """
    py, px = window.padding
    given: Array
    if isinstance(x, QuantizedTensor):
        given = np.asarray(x.codes, order="C")
        table = np.multiply(x.scale, x.levels, dtype=np.float32) + x.shift
    else:
        given, table = np.asarray(x, order="C"), None
        if not py and not px and not room:
            return given
    batch, height, width, channels = given.shape
    shape = batch, height + 2 * py, width + 2 * px, channels
    size = math.prod(shape)
    memory = empty((size + room,), np.float32)
    memory[size:] = 0
    out: NDArray[np.float32] = memory[:size].reshape(shape)
    if out.size:
        kernel.pad(
            cpu.active_index(), threads_for(out.size / RATE), given, table, out, window.padding
        )
    return out
