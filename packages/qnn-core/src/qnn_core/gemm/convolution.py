"""Convolutions on the engine: the product of `operand.py`, of patches and weights, image by image.

::

    y[b, i, j, n] = product of the row x[b, window (i, j), all channels] and of w[n]

with a row's elements in the order (ky, kx, channel), which is the order of the sum. A pixel outside
of the image has elements of the value 0.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from ..machine import cpu, empty
from ..machine.threads import threads_for
from .depthwise import is_depthwise, prepack_depthwise
from .gemm import each_column, floats_suffice, looked_up, nanoseconds, values_of
from .im2col import Im2col, gather
from .implicit_gemm import convolved
from .layouts import row_bytes
from .operand import ZERO, GemmOperand, channels_of, integer_sum, joint_scale
from .prepack import Prepacked, prepack
from .window import Window

Array = NDArray[Any]

# Up to so many products for a window, gathering its codes takes longer than they do.
FEW_PRODUCTS = 2**11


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with weights that are ready.

    Attributes:
        window: of its kernel.
        parts: the weights of each group; of all together, if each channel is alone.
        operand: what the images are.
    """

    window: Window
    parts: tuple[Prepacked, ...]
    operand: GemmOperand

    @property
    def kind(self) -> str:
        """The kernel, see `Prepacked`."""
        return self.parts[0].kind

    def __call__(self, x: Array) -> NDArray[np.float32]:
        """Return ``[b, oh, ow, n]`` for codes or values ``[b, h, w, c]``."""
        if len(self.parts) == 1:
            return self._group(x, self.parts[0])
        channels = x.shape[-1] // len(self.parts)
        made = [
            self._group(x[..., g * channels : (g + 1) * channels], part)
            for g, part in enumerate(self.parts)
        ]
        return np.concatenate(made, axis=-1)

    def _group(self, x: Array, prepacked: Prepacked) -> NDArray[np.float32]:
        how = gather(prepacked, self.operand, self.window, x.shape[1:])
        y = empty((len(x), *self.window.output(*x.shape[1:3]), prepacked.n), np.float32)
        program = gathered_product(how)
        work = how.pixels * (how.work + nanoseconds(prepacked, 1, prepacked.k))
        image = how.image(x)
        program.run(image, y, 0, len(x) * how.pixels, threads_for(len(x) * work))
        return y


def gathered_product(how: Im2col) -> engine.Program:
    """Return the program from images to sums of products, as floats."""
    prepacked = how.prepacked
    if prepacked.kind == "depthwise":
        program = engine.Program(cpu.active_index(), [0, 4 * prepacked.n], 1)
        program.depthwise(0, 1, how.windows, prepacked.weights, "float")
        return program
    strides = [0, 4 * prepacked.n, how.row_bytes]
    elements = 2
    if how.layout is not None:
        elements = 3
        strides.append(row_bytes(prepacked.form, prepacked.k, prepacked.bits))
    program = engine.Program(cpu.active_index(), strides, 3)
    program.gather(0, 2, how.windows)
    if how.layout is not None:
        program.layout(2, elements, prepacked.k, how.layout)
    program.product(elements, 1, prepacked.weights, "float")
    return program


def convolve(
    x: Array,
    w: Array,
    bias: Array | None,
    x_operand: GemmOperand,
    w_operand: GemmOperand,
    *,
    window: Window,
    groups: int = 1,
) -> NDArray[np.float32]:
    """Return the convolution, on the kernel that fits the levels.

    Args:
        x: uint8 codes, or float32 values, ``[b, h, w, c]``.
        w: likewise, ``[n, kh, kw, c / groups]``.
        bias: float32 ``[n]``, or None.
        x_operand: what `x` is.
        w_operand: what `w` is.
        window: of the kernel.
        groups: that channels and outputs are divided into.

    Returns:
        float32 ``[b, oh, ow, n]``, the same bits on every path and for every number of threads.
    """
    k = math.prod(w.shape[1:])
    rows = w.reshape(len(w), k)
    if not integer_sum(x_operand, w_operand, k):
        sides = values_of(x, x_operand), values_of(rows, w_operand)
    elif is_depthwise(w.shape, groups):
        sides = None
    elif k * len(w) <= FEW_PRODUCTS * groups and floats_suffice(x_operand, w_operand, k):
        assert x_operand.integer_levels is not None
        assert w_operand.integer_levels is not None
        grids = x_operand.integer_levels, w_operand.integer_levels
        sides = looked_up(grids[0].floats, x), looked_up(grids[1].floats, rows)
    else:
        sides = None
    if sides is not None:
        scale = each_column(joint_scale(x_operand, w_operand, k), len(w))
        return _floats(*sides, bias, scale, window=window, groups=groups)
    made = prepacked_convolution(w, bias, x_operand, w_operand, window=window, groups=groups)
    return made(x)


def _floats(
    x: Array, w: Array, bias: Array | None, scale: Array, *, window: Window, groups: int
) -> NDArray[np.float32]:
    """The product of patches and rows of weights ``[n, kh * kw * c / groups]``, both floats."""
    n, channels = len(w), x.shape[-1] // groups
    offset = each_column(ZERO if bias is None else bias, n)
    if groups == 1:
        return convolved(x, w, scale, offset, window)
    made = []
    for g in range(groups):
        own = slice(g * channels, (g + 1) * channels)
        some = slice(g * n // groups, (g + 1) * n // groups)
        made.append(convolved(x[..., own], w[some], scale[some], offset[some], window))
    return np.concatenate(made, axis=-1)


def prepacked_convolution(
    w: Array,
    bias: Array | None,
    x_operand: GemmOperand,
    w_operand: GemmOperand,
    *,
    window: Window,
    groups: int = 1,
) -> Convolution:
    """Return a convolution with its weights ready; see `convolve`."""
    if is_depthwise(w.shape, groups):
        rows = w.reshape(len(w), math.prod(w.shape[1:]))
        alone = prepack_depthwise(rows, bias, x_operand, w_operand)
        if alone is not None:
            return Convolution(window, (alone,), x_operand)
    padded, each = any(window.padding), len(w) // groups
    parts = []
    for g in range(groups):
        mine = slice(g * each, (g + 1) * each)
        part = w[mine].reshape(each, int(np.prod(w.shape[1:])))
        some = w_operand if groups == 1 else channels_of(w_operand, mine)
        own = None if bias is None else bias[mine]
        parts.append(prepack(part, own, x_operand, some, padded=padded, windows=True))
    return Convolution(window, tuple(parts), x_operand)
