"""The form with QONNX's Quant and BipolarQuant, for FINN and hls4ml."""

import numpy as np

from ...qtensor import QuantizedTensor
from ..graph import Node
from .emission import Emission
from .grids import Array, elements, grid_of
from .qdq import clipped
from .quantizing import exact_codes

UNEVEN = "its levels are not evenly spaced around 0: they are compared, not Quant's"
NOT_ON_A_GRID = "the levels of its weight are not whole numbers: it is kept in floats"


def quantize(e: Emission, node: Node) -> None:
    """Write Quant or BipolarQuant; levels that they have not are compared."""
    coding, name = node.coding(), node.output
    layout, rank = e.native(node.inputs[0]), e.rank(name)
    x = e.values(node.inputs[0], layout)
    if _is_bipolar(coding, node):
        scale = e.channelwise(coding.scale, rank, coding.axis, layout)
        e.put(name, _bipolar(e, x, scale, name), layout)
        return
    grid = grid_of(coding)
    if grid is None:
        e.note(node, UNEVEN)
        exact_codes(e, node)
        return
    bits, narrow = _width(grid.low, grid.high)
    if _ends(bits, grid.signed, narrow) != (grid.low, grid.high):
        x = clipped(e, node, x, grid)
    scale, zero = (
        e.channelwise(np.asarray(part, np.float32), rank, coding.axis, layout)
        for part in (grid.scale, grid.zero)
    )
    width = bits, grid.signed, narrow
    e.put(name, _quant(e, x, name, scale=scale, zero=zero, width=width), layout)


def weight_of(e: Emission, node: Node) -> str | None:
    """Write a weight as numbers and Quant; return None for one of floats."""
    name = node.inputs[1]
    weight = e.constants.get(name)
    if not isinstance(weight, QuantizedTensor):
        return None
    found = elements(weight)
    if found is None:
        e.note(node, NOT_ON_A_GRID)
        return None
    numbers, scale = found
    column = scale.reshape(-1, *(1,) * (numbers.ndim - 1)) if scale.ndim else scale
    order = (0, 3, 1, 2) if numbers.ndim == 4 else (1, 0)
    column = column.transpose(order) if scale.ndim else column
    numbers = numbers.transpose(order)
    floats = (numbers.astype(np.float32) * column).astype(np.float32)
    values = e.document.constant(floats, f"{name}_floats")
    if np.all(np.abs(numbers) == 1):
        return _bipolar(e, values, column, name)
    low, high = int(numbers.min()), int(numbers.max())
    bits, narrow = _width(low, high)
    width = bits, low < 0, narrow
    return _quant(e, values, name, scale=column, zero=np.zeros((), np.float32), width=width)


def _quant(
    e: Emission, x: str, name: str, *, scale: Array, zero: Array, width: tuple[int, bool, bool]
) -> str:
    bits, signed, narrow = width
    parts = [(scale, "scale"), (zero, "zero"), (np.float32(bits), "bits")]
    names = [e.document.constant(np.asarray(p, np.float32), f"{name}_{what}") for p, what in parts]
    how = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
    return e.document.add_qonnx("Quant", [x, *names], name, **how)


def _bipolar(e: Emission, x: str, scale: Array, name: str) -> str:
    names = [x, e.document.constant(scale, f"{name}_scale")]
    return e.document.add_qonnx("BipolarQuant", names, name)


def _is_bipolar(coding: QuantizedTensor, node: Node) -> bool:
    """Whether codes are signs, 0 as plus."""
    zero = np.array_equal(node.tables["thresholds"], np.zeros(1))
    return np.array_equal(coding.levels, [-1, 1]) and zero and not np.any(coding.shift)


def _width(low: int, high: int) -> tuple[int, bool]:
    """Return the bits that hold whole numbers, and whether one end of them is left out."""
    if low >= 0:
        bits = max(high, 1).bit_length()
        return bits, False
    bits = max(high.bit_length(), (-low - 1).bit_length()) + 1
    narrow = max(bits, 2), -(2 ** (max(bits, 2) - 1)) + 1 <= low
    return narrow


def _ends(bits: int, signed: bool, narrow: bool) -> tuple[int, int]:
    if not signed:
        return 0, 2**bits - 1 - narrow
    return -(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1
