"""Operations on each element in float32, as ours; what libraries round as they like is noted."""

import math

import numpy as np

from ..graph import Node
from .emission import Emission, Emit

LIBRARY = "{} is rounded as the library likes that runs it"


def pointwise(type: str, *, exact: bool = True) -> Emit:
    """Return what writes an operation of one or two values that broadcast."""

    def emit(e: Emission, node: Node) -> None:
        rank = e.rank(node.output)
        layout = e.common(node.inputs, rank)
        names = [e.operand(name, rank, layout) for name in node.inputs]
        if not exact:
            e.note(node, LIBRARY.format(node.op))
        e.put(node.output, e.document.add(type, names, node.output), layout)

    return emit


def clip(e: Emission, node: Node) -> None:
    """Write ``np.clip``."""
    layout = e.common(node.inputs, e.rank(node.output))
    names = [e.operand(node.inputs[0], e.rank(node.output), layout)]
    for bound in (node.attributes["low"], node.attributes["high"]):
        finite = math.isfinite(bound)
        names.append(e.document.constant(np.float32(bound), "bound") if finite else "")
    e.put(node.output, e.document.add("Clip", names, node.output), layout)


def normalize(axis: int) -> Emit:
    """Return what writes ``(x - mean) * factor + bias`` for each channel of an axis."""

    def emit(e: Emission, node: Node) -> None:
        rank = e.rank(node.output)
        layout = e.common(node.inputs, rank)
        y = e.operand(node.inputs[0], rank, layout)
        for type, name in zip(("Sub", "Mul", "Add"), node.inputs[1:], strict=True):
            if name in e.constants:
                array = e.channelwise(e.array(name), rank, axis, layout)
                other = e.document.constant(array, name)
            else:
                other = e.operand(name, rank, layout)
            y = e.document.add(type, [y, other], node.output)
        e.put(node.output, y, layout)

    return emit


def softmax(type: str) -> Emit:
    """Return what writes an operation along an axis that is rounded as libraries like."""

    def emit(e: Emission, node: Node) -> None:
        e.note(node, LIBRARY.format(node.op))
        axis = node.attributes["axis"]
        y = e.document.add(type, [e.values(node.inputs[0])], node.output, axis=axis)
        e.put(node.output, y)

    return emit


def matmul(e: Emission, node: Node) -> None:
    """Write a product of two values."""
    e.note(node, "a product of floats: ONNX leaves the order of its sums open")
    e.put(node.output, e.document.add("MatMul", [e.values(n) for n in node.inputs], node.output))


def batch_norm(e: Emission, node: Node) -> None:
    """Write batch normalization by vectors that are computed: ``weight / sqrt(variance + eps)``."""
    rank = e.rank(node.output)
    x, weight, bias, mean, variance = (e.operand(name, rank, "last") for name in node.inputs)
    add, name = e.document.add, node.output
    eps = e.document.constant(np.float32(node.attributes["eps"]), "eps")
    root = add("Sqrt", [add("Add", [variance, eps], f"{name}_variance")], f"{name}_root")
    factor = add("Div", [weight, root], f"{name}_factor")
    y = add("Mul", [add("Sub", [x, mean], name), factor], name)
    e.put(name, add("Add", [y, bias], name))
