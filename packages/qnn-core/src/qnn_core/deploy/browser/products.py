"""Products and sums of windows as steps: what enters them, and what becomes of their sums."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm import GemmOperand, Window, integer_sum, joint_scale, mean_operand, operand_of
from ...gemm.mean import mean_scale
from ...gemm.operand import channels_of
from ...qtensor import QuantizedTensor
from ..graph import Node, Shape
from ..graph.operations import ON_SUMS, pool_of, window_of
from .context import Context, numbers, refused, value_table

Array = NDArray[Any]


def product(net: Context, node: Node) -> None:
    """Add a linear layer or a convolution, with thresholds on its sums if the node has some."""
    x_name, w_name = node.inputs[:2]
    weight = net.graph.constants.get(w_name)
    bias = net.graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
    if weight is None or (len(node.inputs) > 2 and bias is None):
        raise refused(node, "its weight or bias is computed while the net runs; let it be constant")
    coded = net.codings[x_name] if net.is_codes(x_name) else None
    x_operand = operand_of(coded, None)
    w_operand = operand_of(weight if isinstance(weight, QuantizedTensor) else None, 0)
    shape = weight.codes.shape if isinstance(weight, QuantizedTensor) else weight.shape
    k, n, groups = math.prod(shape[1:]), shape[0], node.attributes.get("groups", 1)
    each = n // groups
    parts = [channels_of(w_operand, slice(g * each, (g + 1) * each)) for g in range(groups)]
    whole = {integer_sum(x_operand, part, k) for part in parts}
    if len(whole) > 1:
        raise refused(node, "some groups' sums pass 31 bits and others' do not: use fewer bits")
    (integers,) = whole
    needs: dict[str, Any] = {"n": n, "k": k, "integers": integers}
    if coded is not None and x_operand.levels is not None:
        needs["table"] = _entering(net, x_operand, integers)
    source = x_name if "table" in needs else net.floats(x_name)
    needs["weight"] = _weight(net, weight, w_operand, integers)
    if node.op in ON_SUMS:
        needs |= thresholds(net, node)
    else:
        scales = [np.broadcast_to(joint_scale(x_operand, part, k), (each,)) for part in parts]
        needs["scale"] = net.blob.floats(_shared(np.concatenate(scales)))
        needs["bias"] = None if bias is None else net.blob.floats(numbers(bias))
    if "stride" in node.attributes:
        window = window_of(node, shape)
        needs |= {"groups": groups, **window_needs(window, net.shapes[x_name])}
        net.add("conv2d", node.output, source, **needs)
    else:
        rows = math.prod(net.shapes[x_name][:-1])
        net.add("linear", node.output, source, rows=rows, **needs)


def mean_of_codes(net: Context, node: Node) -> None:
    """Add a mean of codes: a sum of integers, and a division or thresholds."""
    (name,), window = node.inputs, pool_of(node)
    pixels = math.prod(window.kernel)
    operand = mean_operand(net.codings[name], pixels)
    assert operand is not None
    needs: dict[str, Any] = {"n": net.shapes[name][-1], **window_needs(window, net.shapes[name])}
    needs["table"] = _entering(net, operand, integers=True)
    if node.op in ON_SUMS:
        needs |= thresholds(net, node)
    else:
        needs |= {"scale": net.blob.floats(mean_scale(operand).reshape(1)), "pixels": pixels}
    net.add("sum_pool", node.output, name, **needs)


def mean_of_floats(net: Context, node: Node) -> None:
    """Add a mean of windows of floats."""
    window, shape = pool_of(node), net.shapes[node.inputs[0]]
    needs = {"n": shape[-1], "pixels": math.prod(window.kernel), **window_needs(window, shape)}
    net.add("mean_pool", node.output, net.floats(node.inputs[0]), **needs)


def maximum(net: Context, node: Node) -> None:
    """Add the maximum of windows, of codes where its input's codes are moved as they are."""
    (name,) = node.inputs
    source = name if node.output in net.codings else net.floats(name)
    needs = {"n": net.shapes[name][-1], **window_needs(pool_of(node), net.shapes[name])}
    net.add("max_pool", node.output, source, **needs)


def window_needs(window: Window, shape: Shape) -> dict[str, Any]:
    """Return what a step is told of windows on images ``[1, h, w, c]``."""
    _, height, width, channels = shape
    return {
        "image": [height, width],
        "channels": channels,
        "output": list(window.output(height, width)),
        "kernel": list(window.kernel),
        "stride": list(window.stride),
        "padding": list(window.padding),
        "dilation": list(window.dilation),
    }


def thresholds(net: Context, node: Node) -> dict[str, Any]:
    """Return thresholds on sums channel by channel, or one row of them if all have the same."""
    table, flip = node.tables["thresholds"], node.tables["flip"]
    same = table.shape[1] > 0 and np.all(table == table[:, :1])
    rows = np.ascontiguousarray(table[:, :1].T if same else table.T)
    return {
        "thresholds": net.blob.integers(rows),
        "count": len(table),
        "flip": net.blob.integers(flip) if np.any(flip) else None,
    }


def _entering(net: Context, operand: GemmOperand, integers: bool) -> dict[str, Any]:
    """Return what each code of the input enters with."""
    if integers:
        assert operand.integer_levels is not None
        return net.blob.integers(operand.integer_levels.centred.reshape(-1))
    assert operand.levels is not None
    return net.blob.floats(operand.elements(np.arange(operand.levels.size, dtype=np.uint8)))


def _weight(
    net: Context, weight: Array | QuantizedTensor, operand: GemmOperand, integers: bool
) -> dict[str, Any]:
    """Return a weight as codes with what each enters with, or as floats."""
    coded = isinstance(weight, QuantizedTensor)
    if not isinstance(weight, QuantizedTensor) or (operand.levels is None and not _by_rows(weight)):
        return {"values": net.blob.floats(numbers(weight)), "bits": 32 if not coded else None}
    table: Array
    if integers:
        assert operand.integer_levels is not None
        table = operand.integer_levels.centred
    elif operand.levels is None:
        table = value_table(weight)
    else:
        zero = operand.zero[:, None] if operand.zero.ndim else operand.zero
        table = operand.levels - zero
    per_row = table.ndim > 1 and len(table) > 1
    flat = table.reshape(-1)
    return {
        "codes": net.blob.codes(weight.codes, weight.bits),
        "bits": weight.bits,
        "elements": net.blob.integers(flat) if integers else net.blob.floats(flat),
        "perRow": per_row,
    }


def _by_rows(weight: QuantizedTensor) -> bool:
    return weight.per_tensor or (weight.axis or 0) % weight.codes.ndim == 0


def _shared(scale: Array) -> Array:
    """Return one scale where all channels have the same."""
    return scale[:1] if scale.size and np.all(scale == scale[0]) else scale
