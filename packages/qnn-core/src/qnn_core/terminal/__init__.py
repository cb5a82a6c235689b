"""What is printed: standard streams, whatever they are, and tables."""

from .json_output import add_json, silenced, to_json
from .streams import command, is_terminal, is_writable, say
from .tables import check_style, escape_latex, escape_markdown, table

__all__ = [
    "add_json",
    "check_style",
    "command",
    "escape_latex",
    "escape_markdown",
    "is_terminal",
    "is_writable",
    "say",
    "silenced",
    "table",
    "to_json",
]
