"""Quantized data as codes: encoding, decoding, and packing into bits."""

from .bits import pack_bits, packed_nbytes, unpack_bits
from .coded import Coded, encode
from .quantized import Quantized
from .rows import (
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
