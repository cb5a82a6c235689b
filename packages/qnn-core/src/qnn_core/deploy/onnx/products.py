"""Products of integers as ours, and of floats, whose sums are in an order that ONNX leaves open."""

from collections.abc import Callable

from ..graph import Node
from .emission import Emission, Layout, window_attributes
from .integer_products import factors, integer_sums, scaled
from .ordered_products import ordered_product

ORDER = (
    "a product of floats: ONNX leaves the order of its sums open, and ours are fused multiply-adds "
    "one after the other"
)


def _no_weight(e: Emission, node: Node) -> None:
    return None


WeightOf = Callable[[Emission, Node], str | None]
"""What writes the weight of a product, float32, as `float_product` takes it; None if it cannot."""


def exact_product(e: Emission, node: Node) -> None:
    """Write a product as ours: of integers if it is one, else of floats.

    These are in our order if that is asked for, which is slow; else it is noted.
    """
    sides = factors(e, node)
    if sides is None or not sides.integer or not e.has_codes(node.inputs[0]):
        if e.ordered and sides is not None and not sides.mixed:
            ordered_product(e, node, sides)
        else:
            float_product(e, node)
        return
    sums = integer_sums(e, node, sides)
    floats = e.document.cast(sums.name, "float32", f"{node.output}_floats")
    scaled(e, node, floats, sides.scale(e.shapes[node.output][-1]), sums.layout)


def float_product(e: Emission, node: Node, weight_of: WeightOf = _no_weight) -> None:
    """Write a product of the values of both sides, plus bias."""
    e.note(node, ORDER)
    x, w = node.inputs[:2]
    weight = weight_of(e, node) or plain_weight(e, w)
    if node.op == "linear":
        y = e.document.add("MatMul", [e.values(x), weight], node.output)
        for name in node.inputs[2:]:
            y = e.document.add("Add", [y, e.operand(name, 1, "last")], node.output)
        e.put(node.output, y)
        return
    layout: Layout = "first"
    bias = [e.operand(name, 1, "last") for name in node.inputs[2:]]
    window, groups = window_attributes(node, e.shapes[w]), node.attributes["groups"]
    names = [e.values(x, layout), weight, *bias]
    e.put(node.output, e.document.add("Conv", names, node.output, group=groups, **window), layout)


def plain_weight(e: Emission, name: str) -> str:
    """Return the values of a weight: ``[k, n]``, or ``[n, channels, height, width]``."""
    if e.rank(name) == 4:
        return e.values(name, "first")
    if name in e.constants:
        return e.document.constant(e.array(name).T, name)
    return e.document.add("Transpose", [e.values(name)], f"{name}_turned", perm=(1, 0))
