"""Files that build systems want beside the C."""

from .cost import CSummary
from .text.source import Generated


def packages(g: Generated, summary: CSummary) -> dict[str, str]:
    """Return further files by name."""
    return {}
