"""The plugin interface: what a quantization scheme is, and all that a plugin needs to import."""

from typing import Any

from .base import QParams, Quantizer, positive
from .calibration import CALIBRATIONS
from .codebook import Codebook, codebook, forget_codebooks
from .former_names import renamed
from .surrogates import SURROGATES
from .trained_fields import sums_by_code, with_values

__all__ = [
    "CALIBRATIONS",
    "SURROGATES",
    "Codebook",
    "QParams",
    "Quantizer",
    "codebook",
    "forget_codebooks",
    "positive",
    "sums_by_code",
    "with_values",
]


def __getattr__(name: str) -> Any:
    return renamed(__name__, name, {"Frame": "QParams", "WINDOWS": "SURROGATES"})
