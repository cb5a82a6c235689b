"""QuantizeLinear and DequantizeLinear."""

from dataclasses import replace

import numpy as np

from ..builder import Unsupported, Value
from ..call import Call
from ..document import Array
from ..grid import Grid, Numbers, along, integer_grid
from ..library import dtype_of
from ..values import Activation, Constant

CODES = {
    "int8": Numbers(8, True),
    "uint8": Numbers(8, False),
    "int4": Numbers(4, True),
    "uint4": Numbers(4, False),
    "int2": Numbers(2, True),
    "uint2": Numbers(2, False),
}


def quantize_linear(call: Call) -> Value:
    """QuantizeLinear: what follows has codes, which we keep as the values that they stand for."""
    zero, told = call.constant(2), call.attribute("output_dtype", 0)
    dtype = dtype_of(told) if told else np.dtype(np.uint8) if zero is None else zero.dtype
    grid, zero = _grid(call, str(dtype))
    x = call.inputs[0]
    if not isinstance(x, Constant):
        if zero.size > 1 and np.any(zero != zero.reshape(-1)[0]):
            raise Unsupported("a zero point for each channel of an activation")
        return on_grid(call, call.activation(), grid).but(codes=str(dtype))
    floats = call.constant(0)
    scale, zero = (along(each, grid.quantizer.axis, floats.ndim) for each in (grid.scale, zero))
    low, high = CODES[str(dtype)].ends
    codes = np.clip(np.rint(floats / scale) + zero, low, high)
    return Constant(codes.astype(dtype), name=x.name, latent=floats)


def dequantize_linear(call: Call) -> Value:
    """DequantizeLinear: of codes that were made in the file, or are weights."""
    x, zero = call.inputs[0], call.constant(2)
    if isinstance(x, Constant):
        return _dequantized(call, x)
    x = call.activation()
    if zero is not None and str(zero.dtype) != x.codes:
        raise Unsupported(f"a zero point of {zero.dtype} for codes of {x.codes or 'float'}")
    if x.grid is None or not x.codes or not x.grid.same(_grid(call, x.codes)[0]):
        raise Unsupported("codes that no QuantizeLinear of the same scale and zero point made")
    return x.but(codes="")


def _dequantized(call: Call, x: Constant) -> Constant:
    """Return the values of constant codes, on their grid: the floats that they were made of.

    Where the grid would round those to other codes, as it may where channels have zero points of
    their own, the values themselves.
    """
    codes = call.constant(0)
    zero = call.constant(2, np.zeros((), codes.dtype))
    if zero.dtype != codes.dtype:
        raise Unsupported(f"a zero point of {zero.dtype} for codes of {codes.dtype}")
    if codes.dtype == np.int32:
        return Constant(_values(call, codes, zero), name=x.name)  # a bias, which has no quantizer
    grid, zero = _grid(call, str(codes.dtype))
    moved = CODES[str(codes.dtype)].ends[0] - np.min(grid.quantizer.levels)
    values = _values(call, codes, zero)
    for floats in (x.latent, values):
        if floats is not None:
            made = grid.quantized(floats)
            if np.array_equal(made.levels[made.codes], codes.astype(np.float32) - moved):
                return Constant(floats, grid, x.name)
    return Constant(values, name=x.name)


def _values(call: Call, codes: Array, zero: Array) -> Array:
    scale, axis = _scale(call)
    zero = along(zero.astype(np.float32), axis if zero.size > 1 else None, codes.ndim)
    values: Array = (codes.astype(np.float32) - zero) * along(scale, axis, codes.ndim)
    return values


def _scale(call: Call) -> tuple[Array, int | None]:
    """Return the scale, of shape () or (channels,), and the axis of the channels."""
    scale = np.asarray(call.constant(1), np.float32)
    if call.attribute("block_size", 0) or scale.ndim > 1:
        raise Unsupported("scales of blocks")
    if scale.size == 1:
        return scale.reshape(()), None
    x = call.inputs[0]
    shape = () if x is None else x.shape
    axis = call.axis(call.attribute("axis", 1), len(shape))
    if shape[axis] != scale.size:
        raise Unsupported(f"{scale.size} scales for {shape[axis]} channels")
    return scale, axis


def _grid(call: Call, dtype: str) -> tuple[Grid, Array]:
    """Return the grid of codes of a dtype, and the zero point in the file, of the scale's shape."""
    scale, axis = _scale(call)
    if dtype not in CODES:
        raise Unsupported(f"codes of {dtype}; {', '.join(CODES)} only")
    zero = call.constant(2, np.zeros(()))
    if zero.size not in (1, scale.size):
        raise Unsupported(f"{zero.size} zero points for {scale.size} scales")
    zero = np.broadcast_to(zero.astype(np.float32).reshape(-1), scale.reshape(-1).shape)
    zero = zero.reshape(scale.shape)
    return integer_grid(CODES[dtype], scale, zero, axis, moves=True), zero


def on_grid(call: Call, x: Activation, grid: Grid) -> Activation:
    """Return a value on a grid: with a quantizer, unless it is there already."""
    if x.grid is not None and x.grid.same(grid):
        return x
    axis = grid.quantizer.axis
    channels = 1
    ours = grid
    if axis is not None:
        if axis not in x.order or axis == 0 or x.columns is not None:
            raise Unsupported("a scale for each channel of a value that has been flattened")
        place = x.order.index(axis) - len(x.order)
        ours = replace(grid, quantizer=replace(grid.quantizer, axis=place))
        channels = x.shape[axis]
    if grid.scale.size not in (1, channels):
        raise Unsupported(f"{grid.scale.size} scales for {channels} channels")
    name = call.builder.add(ours.layer(channels), [x], "quantizer")
    return x.but(name=name, grid=grid)
