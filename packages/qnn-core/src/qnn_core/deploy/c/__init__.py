"""Packed models as C99 for microcontrollers, proved equal to them."""

from ..pixels import Transform
from .cost import PROCESSORS, CRow, CSummary
from .export import CExport, c_summary, export_c
from .options import InputKind, Optimize, Options, Target

__all__ = [
    "PROCESSORS",
    "CExport",
    "CRow",
    "CSummary",
    "InputKind",
    "Optimize",
    "Options",
    "Target",
    "Transform",
    "c_summary",
    "export_c",
]
