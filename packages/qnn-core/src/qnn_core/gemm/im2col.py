"""How the engine is given the rows of a convolution: windows on images of elements."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from ..machine import empty
from .layouts import laid_out, row_bytes
from .operand import GemmOperand
from .prepack import Prepacked
from .window import Window

Array = NDArray[Any]

# Bytes that are copied in a nanosecond, about.
RATE = 10


@dataclass(frozen=True, eq=False)
class Im2col:
    """What turns images into the rows of elements that a product wants.

    Attributes:
        prepacked: the weights, of one group.
        operand: what the images are.
        windows: for a step of a program.
        pixels: windows of an image.
        row_bytes: of a row as it is gathered.
        layout: the step from codes to elements that is still to be done on the rows; None if the
            images are of elements.
        work: nanoseconds of a row, about.
    """

    prepacked: Prepacked
    operand: GemmOperand
    windows: engine.Windows
    pixels: int
    row_bytes: int
    layout: engine.Requantizer | None
    work: float

    def image(self, x: Array) -> Array:
        """Return what the windows look at, for codes or values ``[b, h, w, c]``."""
        prepacked = self.prepacked
        if prepacked.form == "float":
            x = x if self.operand.levels is None else self.operand.elements(x)
            return np.asarray(x, np.float32, order="C")
        if prepacked.form == "bits":
            x = np.asarray(x, np.uint8, order="C")
            return _planes(x, prepacked.bits) if self.layout is None else x
        if prepacked.elements is None:
            return np.asarray(x, np.uint8, order="C")
        table = prepacked.elements.astype(np.uint8 if prepacked.form == "uint8" else np.int16)
        return np.asarray(table[x], order="C")


def gather(
    prepacked: Prepacked, operand: GemmOperand, window: Window, image: tuple[int, int, int]
) -> Im2col:
    """Return how images ``(height, width, channels)`` become rows for a product."""
    height, width, channels = image
    form, bits = prepacked.form, prepacked.bits
    # Where the bits of a pixel are whole bytes, they are gathered, else its codes.
    packed = form == "bits" and channels % 8 == 0 and sys.byteorder == "little"
    where: dict[str, Any] = {"pixel": channels * _sizes(form)}
    where["fill"] = (prepacked.zero if form in ("bits", "uint8") else 0,)
    if packed:
        where = {"pixel": channels // 8}
        where["tail"] = (row_bytes(form, prepacked.k, 1) * 8 - prepacked.k) // 8
        where["fill"] = tuple(255 * (prepacked.zero >> plane & 1) for plane in range(bits))
    output = window.output(height, width)
    codes = form == "bits" and not packed
    bytes_of_row = prepacked.k if codes else row_bytes(form, prepacked.k, bits)
    return Im2col(
        prepacked=prepacked,
        operand=operand,
        windows=windows(window, (height, width), **where),
        pixels=output[0] * output[1],
        row_bytes=4 * prepacked.k if form == "float" else bytes_of_row,
        layout=engine.Requantizer(format=form, bits=bits, count=0) if codes else None,
        work=5 + bytes_of_row / RATE,
    )


def windows(window: Window, image: tuple[int, int], **where: Any) -> engine.Windows:
    """Return windows as the engine takes them, on images of that height and width.

    Args:
        window: their geometry.
        image: height and width.
        where: what a pixel is: see `engine.h`.
    """
    return engine.Windows(
        image=image,
        output=window.output(*image),
        kernel=window.kernel,
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        **where,
    )


def _planes(x: Array, bits: int) -> Array:
    """Return codes of whole bytes of channels as planes of bits, ``[b, planes, h * w, bytes]``."""
    batch, height, width, channels = x.shape
    rows = laid_out(x.reshape(batch * height * width, channels), "bits", bits)
    # In the largest words that a pixel is made of: fewer to move.
    word = next(size for size in (8, 4, 2, 1) if channels // 8 % size == 0)
    padded = row_bytes("bits", channels, 1) // word
    words = rows.view(f"u{word}").reshape(batch, height * width, bits, padded)
    used = words[..., : channels // 8 // word].transpose(0, 2, 1, 3)
    planes = empty(used.shape, used.dtype)
    planes[...] = used
    return planes


def _sizes(form: str) -> int:
    return {"float": 4, "int16": 2}.get(form, 1)
