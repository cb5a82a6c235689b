"""Packed models as C99 for microcontrollers, proved equal to them."""

from .export import CExport, export_c
from .pixels import Transform

__all__ = ["CExport", "Transform", "export_c"]
