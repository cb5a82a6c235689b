"""Operators with weights: layers that may be quantized."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ....nn import (
    Conv1d,
    Conv2d,
    Elementwise,
    Linear,
    Module,
    Pad2d,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
)
from ....quantizer import Quantizer
from ..builder import Unsupported
from ..call import Call
from ..document import Array
from ..geometry import padding_of, split_padding
from ..grid import Grid
from ..values import Activation, Constant, as_in_file, channels_last

QUANTIZED: dict[type[Module], Any] = {
    Linear: QuantLinear,
    Conv1d: QuantConv1d,
    Conv2d: QuantConv2d,
}


def convolution(call: Call) -> Activation:
    """Conv: of signals or images, with groups, strides, dilations, and any padding."""
    x, weight = call.activation(), call.weight(1)
    spatial = len(x.shape) - 2
    if spatial not in (1, 2) or len(weight.shape) != spatial + 2:
        raise Unsupported(f"a convolution over {spatial} axes; of signals (1) and images (2) only")
    builder = call.builder
    x = builder.last(x)
    kernel = tuple(call.attribute("kernel_shape", weight.shape[2:]))
    stride = tuple(call.attribute("strides", (1,) * spatial))
    dilation = tuple(call.attribute("dilations", (1,) * spatial))
    lengths = x.shape[2:]
    before, after = padding_of(call, lengths, kernel, stride, dilation)
    x, (before, after) = _with_pad_before(call, x, before, after)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(b >= e or a >= e for b, a, e in zip(before, after, extents, strict=True)):
        padding, rest = (0,) * spatial, (before, after)
    else:
        padding, rest = split_padding(before, after)
    if any(rest[0]) or any(rest[1]):
        x = padded(call, x, *rest)
    groups = int(call.attribute("group", 1))
    both = (_one(kernel), _one(stride), _one(padding), _one(dilation))
    bias = call.constant(2)
    outputs, inputs = weight.shape[0], weight.shape[1] * groups
    if inputs != x.shape[1]:
        raise Unsupported(f"a weight of {inputs} channels for {x.shape[1]}")
    kind: Any = Conv1d if spatial == 1 else Conv2d
    made: Module = kind(
        inputs,
        outputs,
        both[0],
        stride=both[1],
        padding=both[2],
        dilation=both[3],
        groups=groups,
        bias=bias is not None,
        seed=0,
    )
    ours = weight.array[:, :, None] if spatial == 1 else weight.array
    _fill(made, np.moveaxis(ours, 1, -1), bias)
    made = _quantized(made, weight.grid, channel=0)
    name = builder.add(made, [x], call.hint(1))
    lengths = tuple(
        (n + b + a - e) // s + 1
        for n, b, a, e, s in zip(x.shape[2:], padding, padding, extents, stride, strict=True)
    )
    shape = (x.shape[0], outputs, *lengths)
    return Activation(name, shape, channels_last(len(shape)))


def padded(call: Call, x: Activation, before: Any, after: Any, value: float = 0.0) -> Activation:
    """Return images or signals, channels last, with a margin."""
    if len(before) == 1:
        # Signals are images of height 1.
        image = x.but(shape=(*x.shape[:2], 1, x.shape[2]), order=(0, 3, 1))
        image = call.builder.arranged(image, channels_last(4))
        wide = padded(call, image, (0, *before), (0, *after), value)
        wide = call.builder.arranged(wide, (0, 3, 1))
        return wide.but(shape=(*wide.shape[:2], wide.shape[3]), order=channels_last(3))
    layer = Pad2d(tuple(before), tuple(after), value=value)
    name = call.builder.add(layer, [x], "pad")
    lengths = (n + b + a for n, b, a in zip(x.shape[2:], before, after, strict=True))
    return Activation(name, (*x.shape[:2], *lengths), channels_last(4))


def _with_pad_before(call: Call, x: Activation, before: Any, after: Any) -> Any:
    """Take the zeros that the operator before has put around images into the convolution."""
    builder = call.builder
    pad = builder.layer_before(x, Pad2d)
    if pad is None or pad.value != 0 or len(before) != 2:
        return x, (before, after)
    more = pad.before, pad.after
    inner = tuple(n - b - a for n, b, a in zip(x.shape[2:], *more, strict=True))
    x = x.but(name=builder.drop(x), shape=(*x.shape[:2], *inner))
    wider = tuple(
        tuple(p + q for p, q in zip(own, theirs, strict=True))
        for own, theirs in zip((before, after), more, strict=True)
    )
    return x, wider


def gemm(call: Call) -> Activation:
    """Gemm: ``alpha * x @ w + beta * c``."""
    x, weight = call.activation(), call.weight(1)
    if call.attribute("transA", 0):
        raise Unsupported("transA=1: the batch would be summed over")
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    transposed = bool(call.attribute("transB", 0))
    array = weight.array if transposed else weight.array.T
    grid = weight.grid
    if alpha != 1:
        array, grid = weight.values if transposed else weight.values.T, None
        array = array * np.float32(alpha)
    bias = call.constant(2)
    if bias is not None:
        bias = np.broadcast_to(bias * np.float32(beta), (1, array.shape[0])).reshape(-1)
    return _linear(call, x, _Matrix(array, grid, 0 if transposed else 1), bias)


def matmul(call: Call) -> Activation:
    """MatMul: of an activation and a weight, or of two activations."""
    x, weight = call.inputs[:2]
    if isinstance(x, Activation) and isinstance(weight, Activation):
        return _product(call, x, weight)
    x, weight = call.activation(), call.weight(1)
    if len(weight.shape) != 2:
        raise Unsupported(f"a constant of {len(weight.shape)} axes; a matrix is needed")
    return _linear(call, x, _Matrix(weight.array.T, weight.grid, 1), None)


def _product(call: Call, a: Activation, b: Activation) -> Activation:
    builder = call.builder
    a, b = builder.filed(a), builder.filed(b)
    if len(a.shape) != len(b.shape) or len(a.shape) < 3 or a.shape[:-2] != b.shape[:-2]:
        raise Unsupported("a product of two activations whose axes in front differ")
    name = builder.add(Elementwise("matmul"), [a, b], call.hint())
    return Activation(name, (*a.shape[:-1], b.shape[-1]), a.order)


class _Matrix(NamedTuple):
    """A weight.

    Attributes:
        array: ``[out, in]``.
        grid: how it is quantized, or None.
        channel: the axis of the outputs in the file.
    """

    array: Array
    grid: Grid | None
    channel: int


def _linear(call: Call, x: Activation, weight: _Matrix, bias: Any) -> Activation:
    rank = len(x.shape)
    columns = x.columns if rank == 2 else None
    if columns is None:
        x = call.builder.arranged(x, as_in_file(rank))
    outputs, inputs = weight.array.shape
    if x.shape[-1] != inputs:
        raise Unsupported(f"a weight of {inputs} inputs for {x.shape[-1]} features")
    made: Module = Linear(inputs, outputs, bias=bias is not None, seed=0)
    _fill(made, weight.array if columns is None else weight.array[:, columns], bias)
    made = _quantized(made, weight.grid, weight.channel)
    name = call.builder.add(made, [x], call.hint(1))
    return Activation(name, (*x.shape[:-1], outputs), as_in_file(rank))


def _fill(layer: Any, weight: Array, bias: Any) -> None:
    for parameter, array in ((layer.weight, weight), (layer.bias, bias)):
        if array is not None:
            if not np.all(np.isfinite(array)):
                raise Unsupported("a weight that holds NaN or infinity, as float32 has it")
            parameter.array[...] = array
            parameter.written()


def _quantized(layer: Any, grid: Grid | None, channel: int) -> Module:
    """Return a layer whose weight is quantized as the file has it.

    Args:
        layer: float, with its weight.
        grid: None for a float weight.
        channel: the axis in the file along which outputs lie; ours is 0.
    """
    if grid is None:
        return layer  # type: ignore[no-any-return]
    quantizer: Quantizer = grid.quantizer
    if quantizer.axis is not None:
        if quantizer.axis != channel:
            raise Unsupported(f"a scale along axis {quantizer.axis} of a weight, not its outputs")
        quantizer = replace(quantizer, axis=0)
    made = QUANTIZED[type(layer)].from_float(layer, weight=quantizer)
    made.weight_quantizer.take_qparams(grid.qparams)
    return made  # type: ignore[no-any-return]


def _one(pair: Any) -> Any:
    return pair[0] if len(pair) == 1 else tuple(pair)


def biased(call: Call, x: Activation, bias: Constant) -> Activation | None:
    """Let the layer before take a constant that is added as its bias, if it can.

    Args:
        call: of the addition.
        x: what the constant is added to.
        bias: the constant.
    """
    layer = call.builder.layer_before(x, Linear)
    array = bias.values
    rank = len(x.shape)
    if layer is None or layer.bias is not None or array.size != x.shape[-1]:
        return None
    if x.order != as_in_file(rank) or x.columns is not None or array.ndim > rank:
        return None
    if array.ndim and array.shape[-1] != array.size:
        return None
    changed = Linear(*reversed(layer.weight.shape), seed=0)
    changed.weight = layer.weight
    _fill(changed, layer.weight.array, array.reshape(-1))
    if isinstance(layer, QuantLinear):
        layer.bias = changed.bias
    else:
        call.builder.exchange(x, changed)
    return x
