"""Tables of results, as text, for Markdown and for notebooks."""

from collections.abc import Sequence

from tabulate import tabulate

from .errors import SpecError, nearest

STYLES = {"text": "simple", "markdown": "pipe", "html": "html"}


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], style: str = "text", *, left: int = 1
) -> str:
    """Return a table of cells that are text already.

    Args:
        headers: of the columns; lines of one header become one line where there can be but one.
        rows: the cells.
        style: ``"text"``, ``"markdown"`` or ``"html"``.
        left: so many columns, from the first, are flush left; numbers are flush right.

    Raises:
        SpecError: for another style.

    Example:
        >>> print(table(["layer", "bits"], [["layers.0", "2"]], "markdown"))
        | layer    |   bits |
        |:---------|-------:|
        | layers.0 |      2 |
    """
    if style not in STYLES:
        raise SpecError(
            f"a table's style is one of {', '.join(STYLES)}, got {style!r}"
            + nearest(str(style), STYLES)
        )
    if style != "text":
        headers = [" ".join(header.split()) for header in headers]
    align = ["left"] * left + ["right"] * (len(headers) - left)
    return tabulate(
        [*rows], headers=[*headers], tablefmt=STYLES[style], colalign=align, disable_numparse=True
    )
