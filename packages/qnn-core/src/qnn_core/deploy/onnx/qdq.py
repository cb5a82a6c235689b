"""The form with QuantizeLinear and DequantizeLinear: integers of 8, 4 or 2 bits around floats.

Only weights are of 4 or 2 bits. Codes of activations are of 8, with their limits before them where
they are fewer: onnxruntime moves DequantizeLinear behind pooling, which has no 4 bits there, and
then refuses the file.
"""

import numpy as np

from ...qtensor import QuantizedTensor
from ..graph import Node
from .emission import Emission
from .grids import Grid, elements, grid_of
from .quantizing import exact_codes

# The version of the operators that has integers of so many bits.
SINCE = {2: 25, 4: 21, 8: 13}

# Of activations: no type of less than 8 bits.
ACTIVATIONS = SINCE[8]

UNEVEN = "its levels are not evenly spaced around 0: they are compared, not QuantizeLinear's"
WIDE = "8 bits do not hold the whole numbers of its weight: it is kept in floats"


def type_for(low: int, high: int, opset: int) -> str | None:
    """Return the least type that holds whole numbers, ``"INT4"`` for example, or None."""
    for bits, since in SINCE.items():
        if opset >= since:
            least, most = _range(bits, signed=low < 0)
            if least <= low and high <= most:
                return f"{'INT' if low < 0 else 'UINT'}{bits}"
    return None


def quantize(e: Emission, node: Node) -> None:
    """Write QuantizeLinear and DequantizeLinear; levels that they have not are compared."""
    grid = grid_of(node.coding())
    kind = type_for(grid.low, grid.high, ACTIVATIONS) if grid else None
    if grid is None or kind is None or not np.all((grid.zero >= 0) & (grid.zero <= grid.high)):
        e.note(node, UNEVEN)
        exact_codes(e, node)
        return
    name, axis = node.output, node.attributes["axis"]
    layout, rank = e.native(node.inputs[0]), e.rank(name)
    x = limited(e, node, e.values(node.inputs[0], layout), grid, kind)
    scale = e.document.constant(grid.scale, f"{name}_scale")
    zeros = np.broadcast_to(grid.zero, grid.scale.shape)
    zeros = zeros.astype(np.int8 if grid.signed else np.uint8)
    zero = e.document.constant(zeros, f"{name}_zero", kind)
    how: dict[str, int] = {}
    if grid.scale.ndim:
        place = axis % rank
        how["axis"] = (0, 2, 3, 1)[place] if layout == "first" else place
    codes = e.document.add("QuantizeLinear", [x, scale, zero], f"{name}_codes", **how)
    e.put(name, e.document.add("DequantizeLinear", [codes, scale, zero], name, **how), layout)


def limited(e: Emission, node: Node, x: str, grid: Grid, kind: str) -> str:
    """Write the limits of values where those of the type are wider."""
    least, most = _range(int(kind.lstrip("UINT")), signed=grid.signed)
    if (grid.low, grid.high) == (least, most):
        return x
    return clipped(e, node, x, grid)


def clipped(e: Emission, node: Node, x: str, grid: Grid) -> str:
    """Write the limits of values: those of the first and the last code."""
    name, layout = node.output, e.native(node.inputs[0])
    for type, whole in (("Max", grid.low), ("Min", grid.high)):
        end = (grid.scale * (whole - grid.zero)).astype(np.float32)
        end = e.channelwise(end, e.rank(name), node.attributes["axis"], layout)
        x = e.document.add(type, [x, e.document.constant(end, f"{name}_end")], f"{name}_limited")
    return x


def weight_of(e: Emission, node: Node) -> str | None:
    """Write a weight as integers and DequantizeLinear; return None for one of floats."""
    name = node.inputs[1]
    weight = e.constants.get(name)
    if not isinstance(weight, QuantizedTensor):
        return None
    found = elements(weight)
    kind = type_for(int(found[0].min()), int(found[0].max()), e.document.opset) if found else None
    if found is None or kind is None:
        e.note(node, WIDE)
        return None
    numbers, scale = found
    dtype = np.int8 if kind.startswith("I") else np.uint8
    turned = numbers.transpose((0, 3, 1, 2) if numbers.ndim == 4 else (1, 0)).astype(dtype)
    names = [e.document.constant(turned, f"{name}_codes", kind)]
    names.append(e.document.constant(scale, f"{name}_scale"))
    how = {"axis": 0 if numbers.ndim == 4 else 1} if scale.ndim else {}
    return e.document.add("DequantizeLinear", names, name, **how)


def _range(bits: int, *, signed: bool) -> tuple[int, int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
