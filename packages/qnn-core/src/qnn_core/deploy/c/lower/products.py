"""Sums of integers: linear layers and convolutions of codes, and means of codes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....gemm import GemmOperand, Window, integer_sum, joint_scale, operand_of
from ....gemm.mean import mean_scale
from ....gemm.operand import channels_of
from ....qtensor import QuantizedTensor
from ...graph import Node
from ...graph.operations import window_of
from ..plan import Integers, Product, Scale, SumPool, Value
from .context import Context, Sums
from .expression import Source, of_sums
from .operands import InputForm, input_form, weight_integers

Array = NDArray[Any]


def add_product(net: Context, node: Node) -> None:
    """Note the sums of a linear layer or a convolution, if they are of integers."""
    weight = net.graph.constants.get(node.inputs[1])
    coded = net.coded.get(node.inputs[0])
    bias = net.graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
    if len(node.inputs) > 2 and not isinstance(bias, np.ndarray):
        return
    if coded is None or coded.coding is None or not isinstance(weight, QuantizedTensor):
        return
    assert bias is None or isinstance(bias, np.ndarray)
    x_operand, w_operand = operand_of(coded.coding, None), operand_of(weight, 0)
    k = int(np.prod(weight.codes.shape[1:]))
    if not integer_sum(x_operand, w_operand, k) or not weight.codes.size:
        return
    linear = node.op == "linear"
    groups = 1 if linear else node.attributes["groups"]
    window = Window((1, 1)) if linear else window_of(node, weight.codes.shape)
    form = input_form(x_operand, padded=any(window.padding))
    codes = weight.codes.astype(np.int64)
    weights, unit = weight_integers(w_operand, codes[:, None, None, :] if linear else codes)
    low, high = _reach(weights, form, padded=any(window.padding))
    if max(np.abs(low).max(), np.abs(high).max()) * form.unit * unit >= 2**31:
        return
    base = form.shift * unit * weights.reshape(len(weights), -1).sum(axis=1)
    scale = group_scale(x_operand, w_operand, k, groups, len(codes))
    meaning = Scale(
        node.scope,
        node.layer,
        (),
        coded,
        "",
        unit=form.unit * unit,
        base=base,
        scale=scale,
        bias=bias,
        divisor=None,
    )
    flat = (1, int(np.prod(coded.shape[:-1])), coded.shape[-1])
    table = _entering(coded, form)

    def make() -> Value:
        target = net.value("sums", node.output, net.shapes[node.output])
        net.add(
            Product,
            node,
            (coded,),
            target,
            image=flat if linear else coded.shape,
            window=window,
            groups=groups,
            weights=weights,
            weight_bits=weight.bits,
            offset=0 if table is not None else form.offset,
            table=table,
            input_bits=coded.coding.bits if coded.coding else 8,
            input_low=form.low,
            input_high=form.high,
            low=low,
            high=high,
            pool=None,
            decision=None,
            is_linear=linear,
        )
        return target

    _note(net, Source(node.output, low, high, _reading(meaning), False), make, meaning)


def add_mean(net: Context, node: Node) -> None:
    """Note the sums of windows of codes, of which a mean is made: see `gemm.mean`."""
    coded = net.coded[node.inputs[0]]
    if coded.coding is None:
        return
    operand = operand_of(coded.coding, None)
    levels = operand.integer_levels
    assert levels is not None
    window = Window(*(node.attributes[name] for name in ("kernel", "stride", "padding")))
    count = int(np.prod(window.kernel))
    padded = any(window.padding)
    form = input_form(operand, padded=padded)
    n = coded.shape[-1]
    ends = [count * end for end in (form.low, form.high)] + [0] * padded
    low, high = np.full(n, min(ends), np.int64), np.full(n, max(ends), np.int64)
    scale = mean_scale(operand)
    base = np.full(n, form.shift * count, np.int64)
    meaning = Scale(
        node.scope,
        node.layer,
        (),
        coded,
        "",
        unit=form.unit,
        base=base,
        scale=scale,
        bias=None,
        divisor=float(count),
    )
    table = _entering(coded, form)

    def make() -> Value:
        target = net.value("sums", node.output, net.shapes[node.output])
        net.add(
            SumPool,
            node,
            (coded,),
            target,
            window=window,
            offset=0 if table is not None else form.offset,
            table=table,
            low=int(low.min()),
            high=int(high.max()),
            decision=None,
        )
        return target

    _note(net, Source(node.output, low, high, _reading(meaning), False), make, meaning)


def scaled(scale: Scale, accumulators: Integers) -> Array:
    """Return the float32 numbers that accumulators ``[m, n]`` stand for: the packed expression."""
    sums = accumulators * scale.unit + scale.base
    x = sums.astype(np.float32) * scale.scale
    if scale.bias is not None:
        x = x + scale.bias
    return x if scale.divisor is None else x / np.float32(scale.divisor)


def group_scale(x: GemmOperand, w: GemmOperand, k: int, groups: int, n: int) -> Array:
    """Return what sums are multiplied by: `gemm.joint_scale`, of each group by itself."""
    each = n // groups
    rows = [slice(g * each, (g + 1) * each) for g in range(groups)]
    parts = [np.broadcast_to(joint_scale(x, channels_of(w, r), k), (each,)) for r in rows]
    scale = np.concatenate(parts)
    return scale[:1].reshape(()) if scale.size and np.all(scale == scale[0]) else scale


def _note(net: Context, source: Source, make: Callable[[], Value], meaning: Scale) -> None:
    net.integers[source.name] = Sums(make, source, meaning)
    net.expressions[source.name] = of_sums(source, net.shapes[source.name])


def _reading(meaning: Scale) -> Callable[[Integers], Array]:
    return lambda accumulators: scaled(meaning, accumulators)


def _entering(coded: Value, form: InputForm) -> Integers | None:
    """Return what each code, or each pixel, enters with; None for the code itself."""
    if coded.table is None:
        return form.table
    entries = coded.table.astype(np.int64)
    return entries - form.offset if form.table is None else form.table[entries]


def _reach(weights: Integers, form: InputForm, *, padded: bool) -> tuple[Integers, Integers]:
    """Return the least and the greatest sum of each output that any input can give.

    Padding enters as 0.
    """
    ends = [form.low, form.high] + [0] * padded
    least, most = min(ends), max(ends)
    rows = weights.reshape(len(weights), -1)
    plus, minus = np.clip(rows, 0, None).sum(axis=1), np.clip(rows, None, 0).sum(axis=1)
    return plus * least + minus * most, plus * most + minus * least
