"""The plugin interface: what a quantization scheme is, and all that a plugin needs to import."""

from .base import Frame, Quantizer
from .calibration import CALIBRATIONS
from .codebook import Codebook, codebook
from .surrogates import WINDOWS

__all__ = ["CALIBRATIONS", "WINDOWS", "Codebook", "Frame", "Quantizer", "codebook"]
