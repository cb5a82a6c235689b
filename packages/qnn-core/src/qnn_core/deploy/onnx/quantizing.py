"""Codes of numbers, and of integer sums, to the bit."""

from dataclasses import replace

import numpy as np

from ..graph import Node
from ..graph.operations import ON_SUMS
from .emission import Emission, Layout
from .integer_means import MEAN, scale_of
from .pooling import mean_as_it_is
from .products import float_product
from .thresholds import count, encode


def exact_codes(e: Emission, node: Node) -> None:
    """Write the codes of numbers: ``(x - shift) / scale`` in float32, held against thresholds."""
    name, x = node.output, node.inputs[0]
    rank, coding = e.rank(name), node.coding()
    layout = e.native(x)
    u = e.values(x, layout)
    for op, part in (("Sub", coding.shift), ("Div", coding.scale)):
        if np.all(part == (0 if op == "Sub" else 1)):
            continue  # it changes no number
        array = e.channelwise(part, rank, coding.axis, layout)
        u = e.document.add(op, [u, e.document.constant(array, f"{name}_{op.lower()}")], f"{name}_u")
    codes = encode(e.document, u, node.tables["thresholds"], coding.levels, f"{name}_codes")
    e.put(name, codes, layout, "codes")


def product_of(node: Node) -> Node:
    """Return the product of a node with thresholds on its sums."""
    if node.chain:
        return node.chain[0]
    window = {
        name: value for name, value in node.attributes.items() if name not in ("bits", "axis")
    }
    op = ON_SUMS[node.op]
    if op == "conv2d":
        window = {"groups": 1, **window}
    return replace(node, op=op, inputs=node.inputs[:2], attributes=window, tables={})


def codes_of_sums(e: Emission, node: Node, sums: str, dtype: str, layout: Layout) -> None:
    """Write the codes of integer sums: how many thresholds of its channel each reaches."""
    name, flip = node.output, node.tables["flip"]
    rank = e.rank(name)
    if flip.any():
        # In two's complement ``~s == -s - 1``.
        for type, part in (("Mul", 2 * flip + 1), ("Add", flip)):
            row = e.channelwise(part, rank, -1, layout).astype(dtype)
            constant = e.document.constant(row, f"{name}_flip")
            sums = e.document.add(type, [sums, constant], f"{name}_turned")
    rows = [e.channelwise(row, rank, -1, layout) for row in node.tables["thresholds"]]
    codes = count(e.document, sums, np.stack(rows).astype(dtype), f"{name}_codes")
    e.put(name, codes, layout, "codes")


def codes_of_floats(e: Emission, node: Node, product: Node) -> None:
    """Write the same from a product of values: divided by its scale it is near a whole number."""
    e.note(node, "the file holds thresholds on its sums, not the normalization before a quantizer")
    write = mean_as_it_is if product.op == MEAN else float_product
    write(e, product)
    layout, name = e.native(product.output), node.output
    scale = e.channelwise(scale_of(e, product), e.rank(name), -1, layout)
    y = e.values(product.output, layout)
    y = e.document.add("Div", [y, e.document.constant(scale, f"{name}_scale")], f"{name}_sums")
    y = e.document.cast(e.document.add("Round", [y], f"{name}_sums"), "int32", f"{name}_sums")
    e.forget(product.output)
    codes_of_sums(e, node, y, "int32", layout)
