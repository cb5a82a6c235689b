"""Tables of results, as text, for Markdown, for spreadsheets, for papers and for notebooks."""

import csv
import io
from collections.abc import Sequence

from tabulate import tabulate

from ..errors import SpecError, nearest

# How tabulate calls each style; CSV is Python's own.
STYLES = {
    "text": "simple",
    "markdown": "pipe",
    "csv": "",
    "latex": "latex_booktabs",
    "html": "html",
}


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], style: str = "text", *, left: int = 1
) -> str:
    r"""Return a table of cells that are text already.

    Args:
        headers: of the columns; lines of one header become one line where there can be but one.
        rows: the cells.
        style: ``"text"``, ``"markdown"``, ``"csv"``, ``"latex"`` (with the package booktabs) or
            ``"html"``; what has a meaning in LaTeX or HTML is escaped.
        left: so many columns, from the first, are flush left; numbers are flush right.

    Raises:
        SpecError: for another style.

    Example:
        >>> print(table(["layer", "bits"], [["layers.0", "2"]], "markdown"))
        | layer    |   bits |
        |:---------|-------:|
        | layers.0 |      2 |
        >>> table(["layer", "share"], [["layers.0, bias", "2 %"]], "csv")
        'layer,share\n"layers.0, bias",2 %'
    """
    check_style(style)
    if style != "text":
        headers = [" ".join(header.split()) for header in headers]
    if style == "csv":
        return _csv([headers, *rows])
    align = ["left"] * left + ["right"] * (len(headers) - left)
    return tabulate(
        [*rows], headers=[*headers], tablefmt=STYLES[style], colalign=align, disable_numparse=True
    )


def check_style(style: str) -> None:
    """Raise a SpecError if there is no such style."""
    if style not in STYLES:
        raise SpecError(
            f"a table's style is one of {', '.join(STYLES)}, got {style!r}"
            + nearest(str(style), STYLES)
        )


def _csv(rows: Sequence[Sequence[str]]) -> str:
    content = io.StringIO(newline="")
    csv.writer(content, lineterminator="\n").writerows(rows)
    return content.getvalue().removesuffix("\n")


LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}


def escape_latex(text: str) -> str:
    r"""Return text that LaTeX shows as it is.

    Example:
        >>> print(escape_latex("100 % of a_b"))
        100 \% of a\_b
    """
    return "".join(LATEX.get(sign, sign) for sign in text)


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is, in a table too; `_` inside of a word is harmless.

    Example:
        >>> print(escape_markdown("<b> *a* | a_b"))
        \<b\> \*a\* \| a_b
    """
    return "".join(f"\\{sign}" if sign in "\\`*<>[]|" else sign for sign in text)
