"""Quantized data as codes: encoding, decoding, and packing into bits."""

from .bit_packing import pack_bits, packed_nbytes, unpack_bits
from .fake_quantize import (
    clip_gradients,
    clip_surrogate,
    clips,
    codes_of,
    decoded,
    fake,
    slopes,
    units,
    values_of,
)
from .packed_tensor import Coded, encode
from .quantized_tensor import Quantized

__all__ = [
    "Coded",
    "Quantized",
    "clip_gradients",
    "clip_surrogate",
    "clips",
    "codes_of",
    "decoded",
    "encode",
    "fake",
    "pack_bits",
    "packed_nbytes",
    "slopes",
    "units",
    "unpack_bits",
    "values_of",
]
