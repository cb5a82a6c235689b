"""What is printed: standard streams, whatever they are, and tables."""

from .streams import command, is_terminal, is_writable, say
from .tables import check_style, escape_latex, escape_markdown, table

__all__ = [
    "check_style",
    "command",
    "escape_latex",
    "escape_markdown",
    "is_terminal",
    "is_writable",
    "say",
    "table",
]
