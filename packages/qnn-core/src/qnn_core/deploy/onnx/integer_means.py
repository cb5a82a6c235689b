"""Means of codes: sums of integers, which are exact in any order, then scale and count as ours."""

import math

import numpy as np

from ...gemm import GemmOperand, Window, operand_of
from ..graph import Node
from .emission import Array, Emission
from .integer_products import Sums, factors, integer_sums
from .pooling import pixels_of

# A mean whose sums are of integers, by its name in the graph.
MEAN = "integer_avg_pool2d"


def integer_mean(e: Emission, node: Node) -> None:
    """Write ``float32(sum) * scale / pixels``."""
    sums = _window_sums(e, node)
    y = e.document.cast(sums.name, "float32", f"{node.output}_floats")
    for type, number in (("Mul", _scale(_operand(e, node))), ("Div", np.float32(_pixels(node)))):
        y = e.document.add(type, [y, e.document.constant(number, "number")], node.output)
    e.put(node.output, y, sums.layout)


def sums_of(e: Emission, node: Node) -> Sums:
    """Write the integer sums of a product or a mean of codes."""
    if node.op == MEAN:
        return _window_sums(e, node)
    sides = factors(e, node)
    assert sides is not None
    return integer_sums(e, node, sides)


def scale_of(e: Emission, node: Node) -> Array:
    """Return what a sum is about multiplied by for the value of a product or a mean."""
    if node.op == MEAN:
        return _scale(_operand(e, node)) / np.float32(_pixels(node))
    sides = factors(e, node)
    assert sides is not None
    return sides.scale(e.shapes[node.output][-1])


def _operand(e: Emission, node: Node) -> GemmOperand:
    return operand_of(e.codings[node.inputs[0]], None)


def _scale(x: GemmOperand) -> Array:
    assert x.integer_levels is not None
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(x.scale.reshape(()) * np.float32(x.integer_levels.unit))


def _pixels(node: Node) -> int:
    return math.prod(node.attributes["kernel"])


def _window_sums(e: Emission, node: Node) -> Sums:
    name, layout = node.output, e.native(node.inputs[0])
    window = Window(*(node.attributes[part] for part in ("kernel", "stride", "padding")))
    axes = (2, 3) if layout == "first" else (1, 2)
    add, constant = e.document.add, e.document.constant
    levels = _operand(e, node).integer_levels
    assert levels is not None
    table = constant(levels.centred.astype(np.int32), f"{name}_elements")
    index = e.document.cast(e.codes(node.inputs[0], layout), "int32", f"{name}_index")
    x = add("Gather", [table, index], f"{name}_elements", axis=0)
    image = e.shapes[node.inputs[0]][1:3]
    if image == tuple(window.kernel) and not any(window.padding):
        over = constant(np.array(axes, np.int64), "axes")
        return Sums(add("ReduceSum", [x, over], f"{name}_sums", keepdims=1), "int32", layout)
    if any(window.padding):
        pads = np.zeros((2, 4), np.int64)
        pads[:, axes] = window.padding
        x = add("Pad", [x, constant(pads.reshape(-1), f"{name}_pads")], f"{name}_padded")
    output = window.output(image[0], image[1])
    total = ""
    for one in pixels_of(e.document, x, window, output, name=name, axes=axes):
        total = add("Add", [total, one], f"{name}_sums") if total else one
    return Sums(total, "int32", layout)
