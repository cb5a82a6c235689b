"""Pieces of HTML for notebooks: text is escaped, colours are those of the notebook around them.

Styles stand in the elements: a notebook on the web takes style sheets out. Nothing has a background
or a colour of its own but lines that are half transparent, so that it reads on light and on dark.
"""

from collections.abc import Mapping, Sequence
from html import escape as _escape

LINE = "rgba(128,128,128,0.4)"
CELL = "padding:0.15em 0.7em;white-space:nowrap;background:none"
ROW = "background:none"  # some notebooks shade every second row


def escape(text: object) -> str:
    """Return text that HTML shows as it is.

    Example:
        >>> escape("a < b")
        'a &lt; b'
    """
    return _escape(str(text))


def block(title: str, *parts: str) -> str:
    """Return a titled block.

    Args:
        title: text, escaped here.
        parts: HTML, one below the other; empty ones are left out.
    """
    body = "\n".join(part for part in parts if part)
    return (
        '<div style="font-size:13px;line-height:1.4;max-width:100%;overflow-x:auto">\n'
        f'<div style="font-weight:600;margin:0.2em 0">{escape(title)}</div>\n{body}\n</div>'
    )


def facts(known: Mapping[str, object]) -> str:
    """Return names and values in two columns; an empty value is left out."""
    rows = [
        f'<tr style="{ROW}"><td style="{CELL};text-align:left;opacity:0.75">{escape(name)}</td>'
        f'<td style="{CELL};text-align:left;white-space:normal">{escape(value)}</td></tr>'
        for name, value in known.items()
        if value not in ("", None)
    ]
    return f'<table style="border-collapse:collapse;margin:0.2em 0">{"".join(rows)}</table>'


def html_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table of cells that are text; the first `left` columns are flush left.

    Example:
        >>> "<td" in html_table(["layer", "bits"], [["layers.0", "2"]])
        True
    """
    sides = ["left"] * left + ["right"] * (len(headers) - left)

    def line(tag: str, cells: Sequence[str], border: str) -> str:
        made = (
            f'<{tag} style="{CELL};text-align:{side};{border}">{escape(" ".join(cell.split()))}'
            f"</{tag}>"
            for cell, side in zip(cells, sides, strict=True)
        )
        return f'<tr style="{ROW}">{"".join(made)}</tr>'

    head = line("th", headers, f"border-bottom:1px solid {LINE};font-weight:600")
    body = "\n".join(line("td", row, "") for row in rows)
    return (
        '<table style="border-collapse:collapse;margin:0.2em 0">\n'
        f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def preformatted(text: str) -> str:
    """Return text in lines as they are, of one width for all characters."""
    return f'<pre style="margin:0.3em 0;background:none;color:inherit">{escape(text)}</pre>'


def sentence(text: str) -> str:
    """Return a line of quiet text; nothing of none."""
    return f'<div style="opacity:0.8;margin:0.2em 0">{escape(text)}</div>' if text else ""
