"""What stays float: each operation in float32, with the same bits; and why it is float."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import ExportError
from ....gemm import GemmOperand, Window, operand_of
from ....gemm.requantizer import cuts_of
from ....qtensor import QuantizedTensor, values_of
from ...graph import Constant, Node
from ...graph.operations import OPERATIONS, window_of
from ..plan import (
    Dequantize,
    Encode,
    FloatMap,
    FloatMean,
    FloatPair,
    FloatProduct,
    Scale,
    Value,
)
from .context import Context
from .expression import PAIRS, has_form, links_of
from .movement import concatenated, moved
from .products import group_scale

Array = NDArray[Any]


def codes_of_floats(net: Context, quantizer: Node, name: str) -> Value:
    """Return the codes of a float value, by comparing it with the least float of each code."""
    coding = quantizer.coding()
    if coding.scale.size > 1 or coding.shift.size > 1:
        raise ExportError(
            f"export_c: {quantizer}: a quantizer with a scale for each channel, of what is not "
            "the pixels themselves, has no form in C: give it one scale (axis=None)"
        )
    expression = net.expression(name)
    if expression is not None:
        count = len(expression.sources)
        why = "its codes are no steps of its sums"
        if count > 1:
            why = (
                f"its codes depend on {count} numbers at once, and no plane says how: quantize "
                "each value that is added, that of the identity branch too"
            )
        net.is_float(quantizer, why)
    value = float_of(net, name)
    cuts = cuts_of(quantizer.tables["thresholds"], coding.scale, coding.shift)
    target = net.value("codes", quantizer.output, value.shape, coding)
    net.add(Encode, quantizer, (value,), target, cuts=cuts)
    return target


def float_of(net: Context, name: str) -> Value:
    """Return a value of the graph as floats in memory.

    Raises:
        ExportError: if an operation has no form in C with the same bits.
    """
    if name not in net.floating:
        net.floating[name] = _float(net, name)
    return net.floating[name]


def _float(net: Context, name: str) -> Value:
    if name == net.given:
        return _of_pixels(net)
    node = net.nodes[name]
    make: Callable[[Context, Node], Value]
    if name in net.integers:
        make = _of_sums
    elif name in net.coded:
        make = _of_codes
    elif OPERATIONS[node.op].moves:
        make = _moved
    else:
        make = _OF_FLOATS.get(node.op, _elementwise)
    return make(net, node)


def _moved(net: Context, node: Node) -> Value:
    return moved(net, node, float_of(net, node.inputs[0]))


def _concatenated(net: Context, node: Node) -> Value:
    return concatenated(net, node, [float_of(net, part) for part in node.inputs])


def _mean(net: Context, node: Node) -> Value:
    net.is_float(node, "it averages floats: put a quantizer before it (nn.Quantize; pool_input=)")
    value = float_of(net, node.inputs[0])
    target = net.value("floats", node.output, net.shapes[node.output])
    window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
    net.add(FloatMean, node, (value,), target, window=window)
    return target


def _elementwise(net: Context, node: Node) -> Value:
    shape = net.shapes[node.output]
    variable = [name for name in node.inputs if name not in net.graph.constants]
    links = links_of(node, shape, net.graph.constants) if shape else None
    if links is not None and all(has_form(link) for link, _ in links):
        value = float_of(net, variable[0])
        target = net.value("floats", node.output, shape)
        net.add(FloatMap, node, (value,), target, links=tuple(links))
        return target
    if node.op in PAIRS and len(variable) == 2:
        a, b = (float_of(net, name) for name in node.inputs)
        if a.shape == b.shape:
            target = net.value("floats", node.output, shape)
            net.add(FloatPair, node, (a, b), target, operator=PAIRS[node.op])
            return target
    raise ExportError(
        f"export_c: {node}: {node.op} of floats has no form in C with the same bits: put a "
        "quantizer behind it, or leave it to the program that calls the net"
    )


def _of_sums(net: Context, node: Node) -> Value:
    known = net.integers[node.output].scale
    value = net.sums_of(node.output)
    target = net.value("floats", node.output, net.shapes[node.output])
    net.add(
        Scale,
        node,
        (value,),
        target,
        unit=known.unit,
        base=known.base,
        scale=known.scale,
        bias=known.bias,
        divisor=known.divisor,
    )
    return target


def _of_pixels(net: Context) -> Value:
    assert net.pixels is not None
    target = net.value("floats", net.given, net.shapes[net.given])
    node = Node("input", (), net.given)
    values = net.pixels.reshape(256, -1).T
    net.add(Dequantize, node, (net.input,), target, values=np.ascontiguousarray(values))
    return target


def _of_codes(net: Context, node: Node) -> Value:
    value = net.coded[node.output]
    coding = value.coding
    if coding is None:
        raise ExportError(
            f"export_c: {node}: codes with a scale for each channel, used as numbers, have no form "
            "in C: give the quantizer one scale (axis=None)"
        )
    codes = np.arange(coding.levels.size, dtype=np.uint8)
    scale, shift = coding.scale.reshape(()), coding.shift.reshape(())
    return _looked_up(net, node, value, values_of(codes, coding.levels, scale, shift, None))


def _looked_up(net: Context, node: Node, value: Value, numbers: Array) -> Value:
    """Return the number that a table has for each code, or for each pixel that stands for one."""
    table = numbers if value.table is None else numbers[value.table]
    target = net.value("floats", node.output, value.shape)
    net.add(Dequantize, node, (value,), target, values=table[None].astype(np.float32))
    return target


def _why(net: Context, node: Node) -> str:
    """Return why a product is one of floats, and what to do."""
    weight = net.graph.constants.get(node.inputs[1])
    missing = [] if node.inputs[0] in net.coded else ["input"]
    missing += [] if isinstance(weight, QuantizedTensor) else ["weight"]
    if not missing:
        return "its levels are no whole numbers times a scale, or its sums pass 31 bits"
    return (
        f"its {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not quantized (of the "
        "first and the last layer of a model: first_input=, first_weight=, last_input=, "
        "last_weight=)"
    )


def _product(net: Context, node: Node) -> Value:
    net.is_float(node, _why(net, node))
    x, w = node.inputs[:2]
    constant = net.graph.constants.get(w)
    bias = net.graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
    if constant is None or (len(node.inputs) > 2 and not isinstance(bias, np.ndarray)):
        raise ExportError(f"export_c: {node}: weight and bias must be constants")
    coded = net.coded.get(x)
    x_operand = operand_of(coded.coding if coded is not None else None, None)
    w_operand = operand_of(constant if isinstance(constant, QuantizedTensor) else None, 0)
    linear = node.op == "linear"
    groups = 1 if linear else node.attributes["groups"]
    weights = _elements(constant, w_operand)
    weights = weights[:, None, None, :] if linear else weights
    if coded is not None and x_operand.levels is not None:
        # Elements, not values: the zero point is taken off, and the scale comes last.
        codes = np.arange(x_operand.levels.size, dtype=np.uint8)
        value = _looked_up(net, net.nodes[x], coded, x_operand.elements(codes))
    else:
        value = float_of(net, x)
    flat = (1, int(np.prod(value.shape[:-1])), value.shape[-1])
    k = int(np.prod(weights.shape[1:]))
    target = net.value("floats", node.output, net.shapes[node.output])
    net.add(
        FloatProduct,
        node,
        (value,),
        target,
        image=flat if linear else value.shape,
        window=Window((1, 1)) if linear else window_of(node, weights.shape),
        groups=groups,
        weights=weights,
        scale=group_scale(x_operand, w_operand, k, groups, len(weights)),
        bias=bias if isinstance(bias, np.ndarray) else None,
    )
    return target


def _elements(constant: Constant, operand: GemmOperand) -> Array:
    """Return what weights enter a product with: levels less the zero point, or values."""
    if not isinstance(constant, QuantizedTensor):
        return np.asarray(constant, np.float32)
    if operand.levels is None:
        scale, shift = constant.scale, constant.shift
        return values_of(constant.codes, constant.levels, scale, shift, constant.axis)
    zero = operand.zero
    if zero.ndim:
        zero = zero.reshape(-1, *(1,) * (constant.codes.ndim - 1))
    return np.asarray(operand.levels[constant.codes] - zero, np.float32)


_OF_FLOATS: dict[str, Callable[[Context, Node], Value]] = {
    "linear": _product,
    "conv2d": _product,
    "avg_pool2d": _mean,
    "concatenate": _concatenated,
}
