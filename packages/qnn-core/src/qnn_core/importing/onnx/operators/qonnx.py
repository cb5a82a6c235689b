"""Quant and BipolarQuant of QONNX: values that are quantized, and stay values."""

import numpy as np

from ..builder import Unsupported, Value
from ..call import Call
from ..document import Array
from ..grid import Grid, Numbers, SignGrid, integer_grid
from ..values import Constant
from .quantizing import on_grid


def quant(call: Call) -> Value:
    """Quant: any whole number of bits up to 8, a rounding to the nearest."""
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
    (scale, axis), (zero, of_zero) = (_per_channel(call, at) for at in (1, 2))
    if None not in (axis, of_zero) and (axis, scale.size) != (of_zero, zero.size):
        raise Unsupported(f"scales along axis {axis}, zero points along axis {of_zero}")
    scale, zero = np.broadcast_arrays(scale, zero)
    axis = of_zero if axis is None else axis
    numbers = Numbers(int(bits), signed, narrow)
    return _on_grid(call, integer_grid(numbers, scale, zero, axis, moves=False))


def bipolar_quant(call: Call) -> Value:
    """BipolarQuant: -1 and 1, times a scale."""
    scale, axis = _per_channel(call, 1)
    return _on_grid(call, Grid(SignGrid(scale="lsq", axis=axis), scale, np.zeros_like(scale)))


def _on_grid(call: Call, grid: Grid) -> Value:
    if isinstance(call.inputs[0], Constant):
        latent = np.asarray(call.constant(0), np.float32)
        axis = grid.quantizer.axis
        if axis is not None and latent.shape[axis] != grid.scale.size:
            raise Unsupported(f"{grid.scale.size} scales for {latent.shape[axis]} channels")
        return Constant(latent, grid, call.inputs[0].name)
    return on_grid(call, call.activation(), grid)


def _per_channel(call: Call, at: int) -> tuple[Array, int | None]:
    """Return numbers of shape () or (channels,), and the axis of the channels."""
    x, given = call.inputs[0], np.asarray(call.constant(at), np.float32)
    rank = len(x.shape) if x is not None else 0
    if given.size == 1:
        return given.reshape(()), None
    if given.ndim > rank or max(given.shape, default=0) != given.size:
        raise Unsupported(f"numbers of shape {given.shape}; one, or one for each channel")
    return given.reshape(-1), int(np.argmax(given.shape)) + rank - given.ndim
