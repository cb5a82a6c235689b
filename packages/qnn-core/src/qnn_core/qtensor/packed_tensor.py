"""A quantized tensor as what it is: packed codes, levels and qparams."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DtypeError, FileError
from ..quantizer import QParams, Quantizer, codebook
from ..registry import get_quantizer
from .bit_packing import pack_bits, unpack_bits
from .fake_quantize import codes_of, values_of
from .shown import coded_html, coded_line

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PackedTensor:
    """A quantized array: ``value = scale * levels[code] + shift``.

    Attributes:
        packed: uint8, the codes packed by `pack_bits` in C order.
        shape: shape of the array that was quantized.
        bits: bits per code.
        levels: float32, the value of each code in units of the scale.
        scale: float32 of shape () or (channels,).
        shift: likewise.
        axis: axis of the channels, or None.

    Example:
        >>> coded = encode([-0.8, 0.1, 0.8], "symmetric:2,calibration=absmax")
        >>> coded.codes, coded.nbytes  # a byte of codes, three levels, scale and shift
        (array([0, 1, 2], dtype=uint8), 21)
        >>> coded.decode()
        array([-0.8,  0. ,  0.8], dtype=float32)
    """

    packed: NDArray[np.uint8]
    shape: tuple[int, ...]
    bits: int
    levels: NDArray[np.float32]
    scale: Array
    shift: Array
    axis: int | None

    @property
    def codes(self) -> NDArray[np.uint8]:
        """The codes, uint8 of the array's shape."""
        codes = unpack_bits(self.packed, self.bits, math.prod(self.shape))
        if codes.size and (top := int(codes.max())) >= self.levels.size:
            raise FileError(f"code {top} has no level: there are {self.levels.size}")
        return codes.reshape(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of everything that is kept: codes, levels, scale and shift."""
        return sum(part.nbytes for part in (self.packed, self.levels, self.scale, self.shift))

    def decode(self) -> Array:
        """Return the quantized values, in the dtype of the scale."""
        return values_of(self.codes, self.levels, self.scale, self.shift, self.axis)

    def __repr__(self) -> str:
        return coded_line(self, self.shape)

    def _repr_html_(self) -> str:
        """Return the codes as a picture, and how often each occurs, as notebooks show them."""
        return coded_html(self, self.nbytes)


def encode(
    x: ArrayLike, quantizer: str | Quantizer, qparams: QParams | None = None
) -> PackedTensor:
    """Quantize an array to codes.

    Args:
        x: real numbers; float64 arrays stay float64, all else becomes float32.
        quantizer: spec string or quantizer.
        qparams: scale and zero point; fitted to `x` if left out.

    Raises:
        NonFiniteError: if `x` holds NaN or infinity.
        ShapeError: if `x` has no such axis as the quantizer's, or the qparams do not fit.

    Example:
        >>> import qnn_core as qnn
        >>> coded = qnn.encode([-1.0, 0.0, 0.6, 1.0], "uniform:2")
        >>> coded.codes, coded.packed
        (array([0, 2, 3, 3], dtype=uint8), array([248], dtype=uint8))
        >>> coded.decode().round(3)
        array([-1.2,  0. ,  0.6,  0.6], dtype=float32)
    """
    quantizer = get_quantizer(quantizer)
    array = np.asarray(x)
    if array.dtype.kind not in "buif":
        raise DtypeError(f"encode: real numbers are needed, got {array.dtype}")
    double = array.dtype.kind == "f" and array.dtype.itemsize == 8 and hasattr(x, "dtype")
    array = array.astype(np.float64 if double else np.float32, copy=False)
    if qparams is None:
        qparams = quantizer.fit(array, quantizer.axis)
    scale = np.asarray(qparams.scale, array.dtype)
    shift = np.asarray(qparams.shift, array.dtype)
    codes = codes_of(array, scale, shift, quantizer)
    return PackedTensor(
        packed=pack_bits(codes, quantizer.bits),
        shape=array.shape,
        bits=quantizer.bits,
        levels=codebook(quantizer).levels,
        scale=scale,
        shift=shift,
        axis=quantizer.axis,
    )
