"""Checks for those who write operations and quantizers: which law is broken, and on which input."""

from .law import LawError
from .op import check_op
from .quantizer import check_quantizer

__all__ = ["LawError", "check_op", "check_quantizer"]
