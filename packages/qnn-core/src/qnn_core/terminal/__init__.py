"""What is printed: standard streams, whatever they are, and tables."""

from .bars import bar, in_notebook, is_watched
from .json_output import add_json, silenced, to_json
from .log import LOGGER
from .streams import command, is_terminal, is_writable, say
from .tables import check_style, escape_latex, escape_markdown, table

__all__ = [
    "LOGGER",
    "add_json",
    "bar",
    "check_style",
    "command",
    "escape_latex",
    "escape_markdown",
    "in_notebook",
    "is_terminal",
    "is_watched",
    "is_writable",
    "say",
    "silenced",
    "table",
    "to_json",
]
