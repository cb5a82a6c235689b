"""Calibrations: how quantization parameters are fitted to data."""

from .calibrations import CALIBRATIONS

__all__ = ["CALIBRATIONS"]
