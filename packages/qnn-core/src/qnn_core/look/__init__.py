"""How pages look: colours for light and dark, type, and the parts that all pages have."""

from importlib.resources import files


def style() -> str:
    """Return the style sheet that every page begins with: of reports, and of live nets.

    Example:
        >>> "--ground" in style()
        True
    """
    return files(__name__).joinpath("look.css").read_text(encoding="utf-8")
