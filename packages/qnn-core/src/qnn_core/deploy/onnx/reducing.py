"""Sums, means and extremes over axes."""

import numpy as np

from ..graph import Node
from .elementwise import LIBRARY
from .emission import Emission, Emit

# From this version on the axes are an input of every reduction.
AXES_ARE_INPUTS = {"ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18}


def reduction(type: str, *, exact: bool = False) -> Emit:
    """Return what writes a reduction; extremes are the same in any order, sums are not."""

    def emit(e: Emission, node: Node) -> None:
        if not exact:
            e.note(node, LIBRARY.format(node.op))
        e.put(node.output, _reduced(e, node, type, e.values(node.inputs[0]), **node.attributes))

    return emit


def variance(e: Emission, node: Node) -> None:
    """Write the mean squared deviation from the mean."""
    e.note(node, LIBRARY.format(node.op))
    x, axis = e.values(node.inputs[0]), node.attributes["axis"]
    mean = _reduced(e, node, "ReduceMean", x, axis=axis, keepdims=True)
    off = e.document.add("Sub", [x, mean], f"{node.output}_off")
    square = e.document.add("Mul", [off, off], f"{node.output}_square")
    e.put(node.output, _reduced(e, node, "ReduceMean", square, **node.attributes))


def _reduced(
    e: Emission,
    node: Node,
    type: str,
    x: str,
    *,
    axis: int | tuple[int, ...] | None,
    keepdims: bool,
) -> str:
    rank = e.rank(node.inputs[0])
    given = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted(n % rank for n in given)
    if e.document.opset >= AXES_ARE_INPUTS[type]:
        inputs = [x, e.document.constant(np.array(axes, np.int64), f"{node.output}_axes")]
        return e.document.add(type, inputs, node.output, keepdims=int(keepdims))
    return e.document.add(type, [x], node.output, axes=axes, keepdims=int(keepdims))
