"""What tests of operations, quantizers and layers call; the checks themselves are in `checks`."""

from .checks import (
    LawError,
    Report,
    Violation,
    check_layer,
    check_op,
    check_quantizer,
    examine,
    named_in,
)

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
