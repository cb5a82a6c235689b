"""Products of floats with our bits: fused multiply-adds one after the other, out of doubles.

A loop of some twenty operators for each number that is added: as slow as that sounds, and exact
wherever doubles are.
"""

import numpy as np

from ...gemm import GemmOperand, Window, operand_of
from ...qtensor import QuantizedTensor
from ..graph import Node
from ..graph.operations import window_of
from .document import Document
from .emission import Array, Emission
from .integer_products import Factors, scaled
from .pooling import pixels_of


def ordered_product(e: Emission, node: Node, sides: Factors) -> None:
    """Write a product of floats with a constant weight in our order."""
    name, add = node.output, e.document.add
    rows, weight = _input(e, node, sides.x), _weight(e, node)
    if node.op == "linear":
        sums = _sums(e, rows, weight, name)
    else:
        window = window_of(node, e.shapes[node.inputs[1]])
        padded = _padded(e, rows, window, name)
        groups, channels = node.attributes["groups"], weight.shape[-1]
        each = len(weight) // groups
        parts = []
        for g in range(groups):
            own = padded
            if groups > 1:
                ends = (g * channels, (g + 1) * channels)
                own = _cut(e, padded, ends, f"{name}_group")
            patches = _patches(e, own, window, node, name)
            rows_of_group = weight[g * each : (g + 1) * each].reshape(each, -1)
            parts.append(_sums(e, patches, rows_of_group, name))
        sums = add("Concat", parts, f"{name}_sums", axis=3) if groups > 1 else parts[0]
    scaled(e, node, sums, sides.scale(e.shapes[name][-1]), "last")


def _input(e: Emission, node: Node, x: GemmOperand) -> str:
    """Return the elements of the input: levels without their zero point, or values."""
    name = node.inputs[0]
    if x.levels is None or not e.has_codes(name):
        return e.values(name)
    table = e.document.constant(x.levels - x.zero, f"{name}_elements")
    index = e.document.cast(e.codes(name), "int32", f"{name}_index")
    return e.document.add("Gather", [table, index], f"{name}_elements", axis=0)


def _weight(e: Emission, node: Node) -> Array:
    """Return the elements of the weight, of its shape."""
    weight = e.constants[node.inputs[1]]
    side = operand_of(weight if isinstance(weight, QuantizedTensor) else None, 0)
    if not isinstance(weight, QuantizedTensor) or side.levels is None:
        return e.array(node.inputs[1])
    rows = side.elements(weight.codes.reshape(len(weight.codes), -1))
    return rows.reshape(weight.codes.shape)


def _padded(e: Emission, x: str, window: Window, name: str) -> str:
    if not any(window.padding):
        return x
    pads = np.array([0, *window.padding, 0] * 2, np.int64)
    return e.document.add("Pad", [x, e.document.constant(pads, f"{name}_pads")], f"{name}_padded")


def _cut(e: Emission, x: str, ends: tuple[int, int], name: str) -> str:
    """Write a range of the channels."""
    parts = [e.document.constant(np.array([n], np.int64), name) for n in (*ends, 3)]
    return e.document.add("Slice", [x, *parts], name)


def _patches(e: Emission, x: str, window: Window, node: Node, name: str) -> str:
    """Write what is under each window, ``[batch, height, width, k]``, of padded images."""
    output = e.shapes[node.output][1], e.shapes[node.output][2]
    pixels = pixels_of(e.document, x, window, output, name=name)
    return e.document.add("Concat", pixels, f"{name}_patches", axis=3)


def _sums(e: Emission, rows: str, weight: Array, name: str) -> str:
    """Write the sums of ``rows [..., k]`` times ``weight [n, k]``, as float32."""
    document = e.document
    add, constant = document.add, document.constant
    rank = len(e.shapes[name])
    wide = document.cast(rows, "float64", f"{name}_wide")
    turned = add("Transpose", [wide], f"{name}_turned", perm=(rank - 1, *range(rank - 1)))
    last = constant(np.array([rank], np.int64), "axis")
    numbers = add("Unsqueeze", [turned, last], f"{name}_numbers")
    weights = constant(weight.T.astype(np.float64), f"{name}_weights")
    first = [constant(np.array([n], np.int64), "end") for n in (0, rank - 1)]
    lengths = add("Shape", [rows], f"{name}_lengths")
    lengths = add("Slice", [lengths, *first], f"{name}_lengths")
    width = constant(np.array([len(weight)], np.int64), f"{name}_width")
    shape = add("Concat", [lengths, width], f"{name}_shape", axis=0)
    start = add("Expand", [constant(np.float64(0), "zero"), shape], f"{name}_start")
    total = add(
        "Scan",
        [start, numbers, weights],
        f"{name}_total",
        body=_multiply_add(document.opset),
        num_scan_inputs=2,
    )
    return document.cast(total, "float32", f"{name}_floats")


def _multiply_add(opset: int) -> Document:
    """Return ``fma(x, w, total)`` rounded to float32, all three doubles that hold floats.

    The product is exact in double, the sum is rounded to double and then to float32: wrong only
    where the first rounding ends halfway between two floats. What it rounded away, by Knuth's
    two-sum, says on which side of the middle the sum lies.
    """
    body = Document(opset)
    add = body.add
    total, x, w = (body.input(name, "float64", ()) for name in ("total", "x", "w"))
    product = add("Mul", [x, w], "product")
    wide = add("Add", [product, total], "wide")
    back = add("Sub", [wide, product], "back")
    lost = add("Sub", [product, add("Sub", [wide, back], "kept")], "lost_of_product")
    lost = add("Add", [lost, add("Sub", [total, back], "lost_of_total")], "lost")
    near = body.cast(body.cast(wide, "float32", "near_float"), "float64", "near")
    off = add("Sub", [wide, near], "off")
    far = add("Add", [wide, off], "far")
    again = body.cast(body.cast(far, "float32", "far_float"), "float64", "far_again")
    halfway = add("Equal", [far, again], "halfway")
    beyond = add("Mul", [lost, off], "beyond")
    beyond = add("Greater", [beyond, body.constant(np.float64(0), "zero")], "is_beyond")
    wrong = add("And", [halfway, beyond], "wrong")
    body.output(add("Where", [wrong, far, near], "sum"), "sum", "float64", ())
    return body
