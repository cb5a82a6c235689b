"""Operators with weights: layers that may be quantized."""

from typing import Any, NamedTuple

import numpy as np

from ....nn import Conv1d, Conv2d, Elementwise, Linear, Module, Pad2d
from ..builder import Unsupported
from ..call import Call
from ..document import Array
from ..geometry import padded, padding_of, split_padding
from ..grid import Grid
from ..values import Activation, as_in_file, channels_last
from ..weights import quantized, with_weights


def convolution(call: Call) -> Activation:
    """Conv: of signals or images, with groups, strides, dilations, and any padding."""
    x, weight = call.activation(), call.weight(1)
    spatial = len(x.shape) - 2
    if spatial not in (1, 2) or len(weight.shape) != spatial + 2:
        raise Unsupported(f"a convolution over {spatial} axes; of signals (1) and images (2) only")
    builder = call.builder
    x = builder.last(x)
    kernel = weight.shape[2:]
    if tuple(call.attribute("kernel_shape", kernel)) != kernel:
        raise Unsupported(f"kernel_shape {call.attribute('kernel_shape')} for a weight of {kernel}")
    stride, dilation = call.lengths("strides", spatial, 1), call.lengths("dilations", spatial, 1)
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
    made = quantized(with_weights(made, np.moveaxis(ours, 1, -1), bias), weight.grid, channel=0)
    name = builder.add(made, [x], call.hint(1))
    lengths = tuple(
        (n + b + a - e) // s + 1
        for n, b, a, e, s in zip(x.shape[2:], padding, padding, extents, stride, strict=True)
    )
    shape = (x.shape[0], outputs, *lengths)
    return Activation(name, shape, channels_last(len(shape)))


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
    array = weight.array if columns is None else weight.array[:, columns]
    made = quantized(with_weights(made, array, bias), weight.grid, weight.channel)
    name = call.builder.add(made, [x], call.hint(1))
    return Activation(name, (*x.shape[:-1], outputs), as_in_file(rank))


def _one(pair: Any) -> Any:
    return pair[0] if len(pair) == 1 else tuple(pair)


def biased(call: Call, x: Activation, bias: Array) -> Activation | None:
    """Let the layer before take a constant that is added as its bias, if it can.

    Args:
        call: of the addition.
        x: what the constant is added to.
        bias: the constant.
    """
    layer = call.builder.layer_before(x, Linear)
    rank = len(x.shape)
    if layer is None or layer.bias is not None or bias.size != x.shape[-1]:
        return None
    if x.order != as_in_file(rank) or x.columns is not None or bias.ndim > rank:
        return None
    if bias.ndim and bias.shape[-1] != bias.size:
        return None
    call.builder.exchange(x, with_weights(layer, layer.weight.array, bias.reshape(-1)))
    return x
