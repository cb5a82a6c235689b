"""Checks for whoever writes operations, quantizers or layers: which law is broken, and on what."""

from .examine import check_layer, check_quantizer, examine
from .law import LawError, Violation
from .named import named_in
from .op import check_op
from .report import Report

__all__ = [
    "LawError",
    "Report",
    "Violation",
    "check_layer",
    "check_op",
    "check_quantizer",
    "examine",
    "named_in",
]
