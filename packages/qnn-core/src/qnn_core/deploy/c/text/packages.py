"""Files that build systems want beside the C."""

from .source import Generated


def packages(g: Generated) -> dict[str, str]:
    """Return further files by name."""
    return {}
