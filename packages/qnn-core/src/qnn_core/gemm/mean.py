"""Means of windows on images of codes: sums of integers, which are exact in any order.

::

    y = float32(sum of (level - zero point) / unit) * float32(scale * unit) / float32(pixels)

Pixels outside of the image add 0. The engine has it as a convolution of each channel alone, with
weights of 1.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..qtensor import QuantizedTensor
from .convolution import Convolution
from .depthwise import prepacked_channels
from .operand import SUM_LIMIT, GemmOperand, operand_of
from .prepack import Prepacked
from .window import Window

Array = NDArray[Any]


def mean_operand(quantized: QuantizedTensor | None, pixels: int) -> GemmOperand | None:
    """Return what an image is in means of so many pixels, None if they are none of integers.

    Args:
        quantized: the codes of the image, None for float values.
        pixels: of a window.
    """
    if quantized is None or not quantized.per_tensor:
        return None
    operand = operand_of(quantized, None)
    levels = operand.integer_levels
    return operand if levels is not None and pixels * levels.reach < SUM_LIMIT else None


def mean_scale(operand: GemmOperand) -> NDArray[np.float32]:
    """Return what a sum of integers is multiplied by before it is divided: float32 of shape ()."""
    assert operand.integer_levels is not None
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(operand.scale.reshape(()) * np.float32(operand.integer_levels.unit))


def prepacked_sums(operand: GemmOperand, channels: int, pixels: int) -> Prepacked:
    """Return the weights of 1 that make a convolution of each channel alone a sum of windows."""
    ones = np.zeros((channels, 2 * -(-pixels // 2)), np.int16)
    ones[:, :pixels] = 1
    return prepacked_channels(ones, pixels, operand, scale=mean_scale(operand), bias=0.0)


def mean_of_codes(codes: Array, operand: GemmOperand, window: Window) -> NDArray[np.float32]:
    """Return the mean of each window, ``[b, oh, ow, c]``, of codes ``[b, h, w, c]``."""
    pixels = math.prod(window.kernel)
    prepacked = prepacked_sums(operand, codes.shape[-1], pixels)
    y = Convolution(window, (prepacked,), operand)(codes)
    y /= np.float32(pixels)
    return y
