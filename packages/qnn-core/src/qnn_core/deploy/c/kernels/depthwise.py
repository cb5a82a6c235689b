"""Convolutions of which every output channel has one input channel: depthwise, or of gray images.

A channel is copied with its padding, so that windows need no checks and pixels their table once;
then 2 x 2 sums at a time share the loads of weights and windows, or are one sum after a pool of
2 x 2. Where there is no multiplier, a weight is its signed digits: powers of two with no two
neighbours, fewer than three on average for 8 bits, and a product so many additions.

Inputs enter as bytes, less the least that there is; what that takes off is added to each channel.
"""

import numpy as np

from ....gemm import Window
from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .base import geometry

# Cycles: of a product, of a block of four, of an input that is copied; per target.
_COSTS = {
    "rv32ec": (18.0, 250.0, 12.0),
    "rv32emc": (4.5, 80.0, 10.0),
    "rv32imc": (4.0, 75.0, 10.0),
    "m0": (5.0, 105.0, 10.0),
    "m4": (2.4, 70.0, 8.0),
    "avr": (40.0, 400.0, 20.0),
}

# Offsets in a frame, times 2, are int16.
MOST_FRAME = 2**14


class Depthwise:
    """See the module."""

    name = "depthwise"
    code = 600

    def fits(self, product: Product) -> bool:
        """Weights of 8 bits, inputs that 8 bits hold, no pool or one of 2 x 2."""
        pool = product.pool
        entries = _entries(product)
        return (
            product.image[2] == product.groups
            and not product.is_linear
            and (pool is None or pool == Window((2, 2), (2, 2)))
            and bool(np.all(np.abs(product.weights) <= 127))
            and int(entries.max() - entries.min()) < 256
            and int(entries.min()) <= 0
            and int(np.prod(frame(product))) < MOST_FRAME
            and product.output[1] <= 510
        )

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        mac, block, copy = _COSTS[target]
        rows, columns = product.output
        blocks = product.n * -(-rows // 2) * -(-columns // 2)
        copied = product.image[2] * int(np.prod(frame(product)))
        return 4 * blocks * product.k * mac + blocks * block + copied * copy

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        return product.weights.size + (0 if product.table is None else 256)

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 16 * -(-product.output[1] // 2) + _taps_bytes(product) + int(np.prod(frame(product)))

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        weights, entries = product.weights, _entries(product)
        least = int(entries.min())
        window = product.window
        plain = window.kernel == (3, 3) and window.stride == window.dilation == (1, 1)
        flags = {"depthwise_3x3" if plain else "depthwise_any"}
        tables = array("int8_t", f"{name}_weights", weights, "weights, channel by channel")
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        nbytes = weights.size
        base = least * weights.reshape(product.n, -1).sum(axis=1)
        if np.any(base):
            flags.add("depthwise_base")
            tables += array("int32_t", f"{name}_base", base, "added to the sums of a channel")
            fields.append(("base", f"{name}_base"))
            nbytes += 4 * base.size
        if product.table is not None:
            flags.add("depthwise_table")
            tables += array("uint8_t", f"{name}_table", entries - least, "what inputs enters with")
            fields.append(("table", f"{name}_table"))
            nbytes += entries.size
        if product.pool is not None:
            flags.add("depthwise_pool")
        frame_y, frame_x = frame(product)
        blocks = -(-product.output[1] // 2)
        taps_bytes = _taps_bytes(product)
        numbers = {
            "outside": -least,
            "decides": int(product.decision is not None),
            "frame_y": frame_y,
            "frame_x": frame_x,
            "taps_bytes": taps_bytes,
            "blocks": blocks,
        }
        fields += [(key, str(value)) for key, value in numbers.items()]
        fields += geometry(product)
        work = self.work(product)
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), nbytes, work)


def frame(product: Product) -> tuple[int, int]:
    """Return rows and columns of the copy of a channel: all that blocks of 2 x 2 windows see."""
    window = product.window
    sizes = [
        (-(-count // 2) * 2 - 1) * stride + extent
        for count, stride, extent in zip(product.output, window.stride, window.extent, strict=True)
    ]
    return sizes[0], sizes[1]


def _entries(product: Product) -> Integers:
    """Return what inputs can enter with; the position is the code, or the pixel."""
    if product.table is not None:
        return product.table
    return np.arange(product.input_low, product.input_high + 1)


def _taps_bytes(product: Product) -> int:
    """Return the bytes of a channel's weights in scratch memory.

    They are int32, or their signed digits int16: 4 of 9 at most, and the ends of 9 powers.
    """
    return 8 * int(np.prod(product.window.kernel)) + 20
