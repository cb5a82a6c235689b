"""QuantizedTensor data as codes: encoding, decoding, and packing into bits."""

from .bit_packing import pack_bits, packed_nbytes, unpack_bits
from .fake_quantize import (
    clip_gradients,
    clip_surrogate,
    clips,
    codes_of,
    decoded,
    qparam_slopes,
    quantized,
    units,
    values_of,
)
from .packed_tensor import PackedTensor, encode
from .quantized_tensor import QuantizedTensor

__all__ = [
    "PackedTensor",
    "QuantizedTensor",
    "clip_gradients",
    "clip_surrogate",
    "clips",
    "codes_of",
    "decoded",
    "encode",
    "pack_bits",
    "packed_nbytes",
    "qparam_slopes",
    "quantized",
    "units",
    "unpack_bits",
    "values_of",
]
