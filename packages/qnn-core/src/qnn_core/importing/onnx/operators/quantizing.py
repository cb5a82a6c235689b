"""Quantized files: QuantizeLinear and DequantizeLinear, QONNX's Quant and BipolarQuant."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..builder import Unsupported, Value
from ..call import Call
from ..grid import Grid, SignGrid, integer_grid
from ..values import Activation, Constant

# As files number dtypes.
KINDS = {2: "uint8", 3: "int8", 21: "uint4", 22: "int4", 25: "uint2", 26: "int2"}


def quantize_linear(call: Call) -> Value:
    """QuantizeLinear: what follows has codes, which we keep as the values that they stand for."""
    grid, zero = _linear(call)
    x = call.inputs[0]
    if isinstance(x, Constant):
        return Constant(_codes(call, x.values, grid, zero), None, x.name, x.values)
    if zero.size > 1 and np.any(zero != zero.reshape(-1)[0]):
        raise Unsupported("a zero point for each channel of an activation")
    return _quantized(call, call.activation(), grid).but(codes=True)


def dequantize_linear(call: Call) -> Value:
    """DequantizeLinear: of codes that were made in the file, or are weights."""
    (grid, zero), x = _linear(call), call.inputs[0]
    if isinstance(x, Constant):
        if x.latent is not None and np.array_equal(
            _codes(call, x.latent, grid, zero), x.array.astype(np.float64)
        ):
            return Constant(x.latent, grid, x.name)
        if x.array.dtype == np.int32:  # a bias: its values are all that is wanted
            return Constant(_dequantized(x.array, zero, grid), name=x.name)
        return Constant(_dequantized(x.array, zero, grid), grid, x.name)
    x = call.activation()
    if x.grid is None or not x.grid.same(grid):
        raise Unsupported("codes that no QuantizeLinear of the same scale and zero point made")
    return x.but(codes=False)


def quant(call: Call) -> Value:
    """Quant of QONNX: any whole number of bits up to 8, a rounding to the nearest."""
    rounding = call.attribute("rounding_mode", "ROUND")
    if str(rounding).upper() not in ("ROUND", "HALF_EVEN"):
        raise Unsupported(f"rounding_mode {rounding!r}; ROUND only")
    widths = np.ravel(call.constant(3))
    if np.any(widths != widths[0]):
        raise Unsupported("several widths")
    bits = float(widths[0])
    signed, narrow = bool(call.attribute("signed", 1)), bool(call.attribute("narrow", 0))
    if bits not in range(1, 9) or (bits == 1 and narrow):
        raise Unsupported(f"{bits:g} bits{', narrow' * narrow}; 1 to 8 only")
    x, scale = _input(call), np.asarray(call.constant(1), np.float32)
    scale, axis = _per_channel(scale, len(x.shape))
    zero, _ = _per_channel(call.constant(2), len(x.shape))
    return _of_qonnx(call, x, _grid((int(bits), signed, narrow), scale, zero, axis))


def bipolar_quant(call: Call) -> Value:
    """BipolarQuant of QONNX: -1 and 1, times a scale."""
    x = _input(call)
    scale, axis = _per_channel(np.asarray(call.constant(1), np.float32), len(x.shape))
    grid = Grid(SignGrid(scale="lsq", axis=axis), _checked(scale), np.zeros_like(scale))
    return _of_qonnx(call, x, grid)


def _input(call: Call) -> Value:
    x = call.inputs[0]
    if x is None:
        raise Unsupported("no input")
    return x


def _of_qonnx(call: Call, x: Value, grid: Grid) -> Value:
    if isinstance(x, Constant):
        return Constant(np.asarray(x.values, np.float32), grid, x.name)
    return _quantized(call, x, grid)


def _per_channel(scale: Any, rank: int) -> tuple[Any, int | None]:
    """Return a scale of shape () or (channels,), and the axis of the channels."""
    scale = np.asarray(scale)
    if scale.size == 1:
        return scale.reshape(()), None
    if scale.ndim > rank or max(scale.shape) != scale.size:
        raise Unsupported(f"a scale of shape {scale.shape}; one, or one for each channel")
    return scale.reshape(-1), int(np.argmax(scale.shape)) + rank - scale.ndim


def _linear(call: Call) -> tuple[Grid, Any]:
    """Return the grid of a QuantizeLinear or DequantizeLinear, and its zero point."""
    scale = np.asarray(call.constant(1), np.float32)
    zero = call.constant(2)
    kind = _kind(call, zero)
    if call.attribute("block_size", 0):
        raise Unsupported("scales of blocks")
    levels = {"int8": (8, True), "uint8": (8, False), "int4": (4, True), "uint4": (4, False)}
    levels |= {"int2": (2, True), "uint2": (2, False), "int32": (8, True)}
    if kind not in levels:
        raise Unsupported(f"codes of {kind}; int8, uint8, int4, uint4, int2 and uint2 only")
    bits, signed = levels[kind]
    zero = np.zeros(scale.shape, np.float32) if zero is None else np.asarray(zero, np.float32)
    axis = None
    if scale.size > 1:
        x = call.inputs[0]
        axis = call.axis(call.attribute("axis", 1), len(x.shape) if x is not None else 1)
    else:
        scale, zero = scale.reshape(()), zero.reshape(())
    return _grid((bits, signed, False), scale, zero, axis), zero


def _kind(call: Call, zero: Any) -> str:
    """Return the dtype of the codes."""
    told = call.attribute("output_dtype", 0)
    if told:
        return KINDS.get(int(told), f"the dtype {told}")
    if zero is not None:
        return str(np.asarray(zero).dtype)
    x = call.inputs[0]
    if isinstance(x, Constant) and x.grid is None and x.array.dtype.kind in "iu":
        return str(x.array.dtype)
    if isinstance(x, Activation) and x.codes and x.grid is not None:
        return f"{'uint' if x.grid.ends[0] >= 0 else 'int'}{x.grid.quantizer.bits}"
    return "uint8"  # what QuantizeLinear makes without a zero point


def _grid(numbers: tuple[int, bool, bool], scale: Any, zero: Any, axis: int | None) -> Grid:
    """Return a grid of whole numbers.

    Args:
        numbers: bits, signed, narrow: see `integer_grid`.
        scale: shape () or (channels,).
        zero: the zero point, of the same shape or ().
        axis: of the channels, None for one scale.
    """
    zero = np.broadcast_to(np.asarray(zero, np.float32), scale.shape)
    if not np.all(np.isfinite(zero)):
        raise Unsupported("a zero point that is no number")
    first = float(zero.reshape(-1)[0]) if zero.size else 0.0
    common = bool(np.all(zero == first)) and first == round(first)
    quantizer = replace(integer_grid(*numbers, round(first) if common else 0), axis=axis)
    return Grid(quantizer, _checked(scale), np.zeros_like(zero) if common else zero)


def _checked(scale: Any) -> Any:
    if not np.all(scale > 0) or not np.all(np.isfinite(scale)):
        raise Unsupported("a scale that is not above 0")
    return scale.astype(np.float32)


def _codes(call: Call, x: Any, grid: Grid, zero: Any) -> Any:
    """Return the codes of floats, in double, with the file's zero point."""
    lengths = [1] * x.ndim
    if grid.quantizer.axis is not None:
        lengths[grid.quantizer.axis] = -1
    scale = grid.scale.reshape(lengths)
    zero = np.asarray(zero, np.float64)
    zero = zero.reshape(lengths) if zero.size > 1 else zero.reshape(())
    # The grid has a common zero point in its levels.
    moved = 0 if np.any(grid.zero_point) else zero
    low, high = (end + moved for end in grid.ends)
    return np.clip(np.rint(x.astype(np.float32) / scale) + zero, low, high)


def _dequantized(codes: Any, zero: Any, grid: Grid) -> Any:
    """Return the values of codes; the grid's own zero point has moved into its levels."""
    lengths = [1] * codes.ndim
    if grid.quantizer.axis is not None:
        lengths[grid.quantizer.axis] = -1
    scale, zero = grid.scale.reshape(lengths), zero.reshape(lengths) if zero.size > 1 else zero
    return (codes.astype(np.float32) - zero) * scale


def _quantized(call: Call, x: Activation, grid: Grid) -> Activation:
    """Add a quantizer, unless the value is on that grid already."""
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
    name = call.builder.add(ours.layer(channels), [x], "quantizer")
    return x.but(name=name, grid=grid)
