"""The law of products: what the kernels make of a quantizer's codes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..gemm import (
    VALUES,
    GemmOperand,
    Window,
    prepack,
    prepacked_convolution,
    quantized_operand,
    reference,
)
from ..gemm.convolution import convolve
from ..gemm.gemm import multiply, product
from ..machine import cpu
from ..quantizer import Quantizer, codebook
from .law import Violation
from .samples import Array, first, normal

# What it is multiplied by, as whole levels: each kernel is chosen for some of them.
PARTNERS: dict[str, Array | None] = {
    "float values": None,
    "levels -1, 1": np.array([-1, 1]),
    "levels -1, 0, 1": np.array([-1, 0, 1]),
    "levels 0..15": np.arange(16),
    "levels -8..7": np.arange(-8, 8),
    "levels 0..255": np.arange(256),
    "levels -128..127": np.arange(-128, 128),
}
# Beside these, bytes are multiplied where that is possible: tried in every way.
FEW_PARTNERS = ("levels -8..7", "levels 0..255")
# More rows than a tile or a block has, and columns beyond a panel.
ROWS, COLUMNS, LENGTH = 66, 65, 37
WINDOW = Window((2, 2), padding=(1, 1))


class Side(NamedTuple):
    """One side of a product: float values or codes, and what they are."""

    name: str
    levels: Array | None
    zero: float = 0

    def operand(self, *shape: int) -> tuple[Array, GemmOperand]:
        """Return data of that shape, both ends of the codebook among them."""
        if self.levels is None:
            return normal(*shape), VALUES
        levels, scale = self.levels.astype(np.float32), np.float32(0.5)
        codes = np.random.default_rng(3).integers(0, levels.size, shape).astype(np.uint8)
        codes.flat[:2] = 0, levels.size - 1
        shift = -(scale * np.float32(self.zero))
        return codes, quantized_operand(
            levels, np.asarray(scale), np.asarray(shift), along_reduction=False
        )


def products_are_exact(q: Quantizer) -> Iterator[Violation]:
    """Products of its codes are what they mean, to the bit, on every kernel path.

    As weight and as input, beside float values and whole levels of 1 to 8 bits, with several zero
    points: a row alone, many rows, and a convolution with padding.
    """
    for n, own in enumerate(_sides(q)):
        for name in FEW_PARTNERS if n else PARTNERS:
            partner = Side(name, PARTNERS[name])
            for x, w in ((own, partner), (partner, own)):
                yield from _of_rows(x, w)
                if name in FEW_PARTNERS:
                    yield from _of_images(x, w)


def _sides(q: Quantizer) -> Iterator[Side]:
    levels = codebook(q).levels
    yield Side("its codes", levels)
    # Elements of one sign, which begin far from 0, where the levels are whole numbers and small.
    for zero in (float(levels[0]), float(levels[-1]), float(levels[0]) - 256):
        side = Side(f"its codes with the zero point {zero:g}", levels, zero)
        if zero and side.operand(2)[1] is not VALUES:
            yield side


def _of_rows(x_side: Side, w_side: Side) -> Iterator[Violation]:
    x, x_operand = x_side.operand(ROWS, LENGTH)
    w, w_operand = w_side.operand(COLUMNS, LENGTH)
    expected = reference.product(x, w, None, x_operand, w_operand)
    for path in cpu.paths():
        with cpu.using(path):
            prepacked = prepack(w, None, x_operand, w_operand)
            found = {
                f"{ROWS} rows": product(x, w, None, x_operand, w_operand),
                f"{ROWS} rows, weights prepacked": multiply(x, prepacked, x_operand),
                "a row alone": multiply(x[:1], prepacked, x_operand),
            }
        for rows, y in found.items():
            given = f"{x_side.name} times weights, {w_side.name}: {rows}, kernel path {path}"
            yield from _compared(given, y, expected[: len(y)])


def _of_images(x_side: Side, w_side: Side) -> Iterator[Violation]:
    x, x_operand = x_side.operand(3, 4, 5, 3)
    w, w_operand = w_side.operand(5, 2, 2, 3)
    both = x_operand, w_operand
    expected = reference.convolve(x, w, None, *both, window=WINDOW)
    for path in cpu.paths():
        with cpu.using(path):
            prepacked = prepacked_convolution(w, None, *both, window=WINDOW)
            found = {
                "a convolution": convolve(x, w, None, *both, window=WINDOW),
                "a convolution, weights prepacked": prepacked(x),
                "a convolution of one image": prepacked(x[:1]),
            }
        for images, y in found.items():
            given = f"{x_side.name} times weights, {w_side.name}: {images}, kernel path {path}"
            yield from _compared(given, y, expected[: len(y)])


def _compared(given: str, found: Array, expected: Array) -> Iterator[Violation]:
    if not np.array_equal(found, expected):
        at = first(found != expected)
        yield Violation(f"{given}, at {list(at)}", str(expected[at]), str(found[at]))
