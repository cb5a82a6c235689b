"""The product of `operand.py`, in plain NumPy: slow, and the oracle of every kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mean import mean_scale
from .operand import VALUES, GemmOperand, channels_of, integer_sum, joint_scale
from .window import Window

Array = NDArray[Any]


def fma(a: Array, b: Array, c: Array) -> NDArray[np.float32]:
    """Return ``a * b + c`` of float32 numbers, rounded once.

    In float64 the product is exact and the sum is not; rounding that to odd before it becomes a
    float32 gives the right result (Boldo and Melquiond 2008, "Emulation of FMA and correctly
    rounded sums").

    Example:
        >>> one, tiny = np.float32(1), np.float32(2**-12)
        >>> float(fma(one + tiny, one - tiny, -one)) == -(2.0**-24)
        True
    """
    product = np.multiply(a, b, dtype=np.float64)
    c = np.asarray(c, np.float64)
    total = np.asarray(product + c)
    # Knuth's two-sum: what the addition rounded away.
    back = total - product
    error = (product - (total - back)) + (c - back)
    even = (total.view(np.int64) & 1) == 0
    inexact = (error != 0) & np.isfinite(total)
    toward = np.where(error > 0, np.inf, -np.inf)
    odd = np.where(inexact & even, np.nextafter(total, toward), total)
    with np.errstate(over="ignore"):
        return odd.astype(np.float32)


def sums(x: Array, w: Array, x_operand: GemmOperand, w_operand: GemmOperand) -> Array:
    """Return the sums, int64 or float32 of shape ``[m, n]``, before any scale.

    Args:
        x: uint8 codes, or float32 values, ``[m, k]``.
        w: likewise, ``[n, k]``.
        x_operand: what `x` is.
        w_operand: what `w` is.
    """
    if integer_sum(x_operand, w_operand, x.shape[1]):
        return _integers(x, x_operand) @ _integers(w, w_operand).T
    x = x if x_operand.levels is None else x_operand.elements(x)
    w = w if w_operand.levels is None else w_operand.elements(w)
    total = np.zeros((x.shape[0], w.shape[0]), np.float32)
    for k in range(x.shape[1]):
        total = fma(x[:, k, None], w[None, :, k], total)
    return total


def product(
    x: Array, w: Array, bias: Array | None, x_operand: GemmOperand, w_operand: GemmOperand
) -> Array:
    """Return the product, float32 of shape ``[m, n]``; arguments as in `sums`."""
    total = sums(x, w, x_operand, w_operand).astype(np.float32)
    y: Array = total * joint_scale(x_operand, w_operand, x.shape[1])
    return y if bias is None else y + bias


def convolution_sums(
    x: Array,
    w: Array,
    x_operand: GemmOperand,
    w_operand: GemmOperand,
    window: Window,
    *,
    groups: int = 1,
) -> Array:
    """Return the sums of a convolution, ``[b, oh, ow, n]``, before any scale.

    Args:
        x: uint8 codes, or float32 values, ``[b, h, w, c]``.
        w: likewise, ``[n, kh, kw, c / groups]``.
        x_operand: what `x` is.
        w_operand: what `w` is.
        window: of the kernel.
        groups: that channels and outputs are divided into.
    """
    if groups > 1:
        channels, each = w.shape[-1], len(w) // groups
        made = []
        for g in range(groups):
            image = x[..., g * channels : (g + 1) * channels]
            mine = slice(g * each, (g + 1) * each)
            part = channels_of(w_operand, mine)
            made.append(convolution_sums(image, w[mine], x_operand, part, window))
        return np.concatenate(made, axis=-1)
    k = int(np.prod(w.shape[1:]))
    rows = w.reshape(len(w), k)
    if integer_sum(x_operand, w_operand, k):
        patches = window.patches(_integers(x, x_operand))
        found = patches.reshape(-1, k) @ _integers(rows, w_operand).T
    else:
        patches = window.patches(x if x_operand.levels is None else x_operand.elements(x))
        found = sums(patches.reshape(-1, k), rows, VALUES, w_operand)
    return found.reshape(*patches.shape[:3], len(w))


def convolve(
    x: Array,
    w: Array,
    bias: Array | None,
    x_operand: GemmOperand,
    w_operand: GemmOperand,
    *,
    window: Window,
    groups: int = 1,
) -> Array:
    """Return the convolution; arguments as in `convolution.convolve`."""
    channels, each, k = w.shape[-1], len(w) // groups, int(np.prod(w.shape[1:]))
    made = []
    for g in range(groups):
        rows = slice(g * each, (g + 1) * each)
        part = channels_of(w_operand, rows)
        image = x[..., g * channels : (g + 1) * channels]
        total = convolution_sums(image, w[rows], x_operand, part, window).astype(np.float32)
        made.append(total * joint_scale(x_operand, part, k))
    y: Array = np.concatenate(made, axis=-1)
    return y if bias is None else y + bias


def window_sums(codes: Array, operand: GemmOperand, window: Window) -> Array:
    """Return the sums of integers of windows on images of codes, int64 ``[b, oh, ow, c]``."""
    found: Array = window.patches(_integers(codes, operand)).sum(axis=(3, 4))
    return found


def mean_of_codes(codes: Array, operand: GemmOperand, window: Window) -> Array:
    """Return the mean of each window; arguments as in `window_sums`."""
    total = window_sums(codes, operand, window).astype(np.float32)
    y: Array = total * mean_scale(operand) / np.float32(np.prod(window.kernel))
    return y


def input_gradient(g: Array, w: Array, window: Window, image: tuple[int, int]) -> Array:
    """Return the images that ``g w`` is added up to; arguments as in `convolution_gradients`.

    Each number is one chain of fused multiply-adds from 0 on: tap by tap, and within a tap output
    by output.
    """
    (batch, *out, n), channels = g.shape, w.shape[-1]
    x = np.zeros((batch, *image, channels), np.float32)
    for tap in np.ndindex(window.kernel):
        # One output pixel after the other: under one tap each meets another pixel.
        for place in np.ndindex(*out):
            y, across = (
                p * s + t * d - e
                for p, s, t, d, e in zip(
                    place, window.stride, tap, window.dilation, window.padding, strict=True
                )
            )
            if 0 <= y < image[0] and 0 <= across < image[1]:
                total = x[:, y, across]
                for i in range(n):
                    total = fma(g[:, place[0], place[1], i, None], w[i, tap[0], tap[1]], total)
                x[:, y, across] = total
    return x


def _integers(codes: Array, operand: GemmOperand) -> Array:
    assert operand.integer_levels is not None
    zero = operand.integer_levels.zero
    return operand.integer_levels.integers[codes] - (zero[:, None] if zero.ndim else zero)
