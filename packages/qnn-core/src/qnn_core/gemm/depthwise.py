"""Convolutions of each channel alone: weights for the engine, which reads the images themselves."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from .layouts import panels_of, per_column
from .operand import GemmOperand, integer_sum, joint_scale
from .prepack import Prepacked, element_words, elements_above, lowest

Array = NDArray[Any]


def is_depthwise(w_shape: tuple[int, ...], groups: int) -> bool:
    """Whether a convolution has one channel and one output in each group, and several groups."""
    return groups > 1 and w_shape[0] == groups and w_shape[3] == 1


def prepack_depthwise(
    w: Array, bias: Array | None, x_operand: GemmOperand, w_operand: GemmOperand
) -> Prepacked | None:
    """Return weights ready for `Program.depthwise`; None if the sums are none of integers.

    Args:
        w: uint8 codes ``[n, taps]``.
        bias: float32 ``[n]``, or None.
        x_operand: what the images are.
        w_operand: what `w` is.
    """
    taps = w.shape[1]
    if not integer_sum(x_operand, w_operand, taps):
        return None
    assert w_operand.integer_levels is not None
    elements = element_words(w, w_operand.integer_levels.centred, "int16").view(np.int16)
    scale = joint_scale(x_operand, w_operand, taps)
    return prepacked_channels(
        elements, taps, x_operand, scale=scale, bias=0.0 if bias is None else bias
    )


def prepacked_channels(
    elements: NDArray[np.int16], taps: int, x_operand: GemmOperand, *, scale: Any, bias: Any
) -> Prepacked:
    """Return weights of integers ready for `Program.depthwise`.

    Args:
        elements: of the weights, ``[n, taps]``, and a zero more if `taps` is odd.
        taps: pixels of a window.
        x_operand: what the images are: integers.
        scale: of the sums, one for all channels or one for each.
        bias: what is added after that, likewise.
    """
    n, x = len(elements), x_operand.integer_levels
    assert x is not None
    above = elements_above(x)
    # Bytes are what an element is above the least one.
    first = lowest(x) if above is not None else 0
    sums = elements.sum(axis=1, dtype=np.int64)
    panels = panels_of(elements.view(np.uint32))
    weights = engine.Weights(
        kind="int16",
        x_bits=16 if above is None else 8,
        w_bits=16,
        k=taps,
        n=n,
        panels=panels,
        offset=per_column(first * sums, n, np.int32),
        scale=per_column(scale, n, np.float32),
        bias=per_column(bias, n, np.float32),
    )
    made = Prepacked("depthwise", n, taps, weights, "int16", 16, None, panels.nbytes)
    if above is None:
        return replace(made, elements=x.centred.astype(np.int16))
    plain = np.array_equal(above, np.arange(above.size))
    return replace(made, form="uint8", bits=8, elements=None if plain else above, zero=-first)
