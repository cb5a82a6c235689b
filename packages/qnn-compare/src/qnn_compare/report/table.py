"""The table of a comparison: a row for each config, and below it what has no row."""

import html
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from qnn_core.terminal import check_style, escape_latex, escape_markdown, table

from ..formatting import broken
from .columns import columns_for, fitting
from .csv import numbers
from .footnotes import Footnote, failed, left_out, missing, undecided, unpacked
from .rows import rows_of
from .summary import resolution, size, warnings, what_to_do

if TYPE_CHECKING:
    from ..comparison import Comparison

ROOM = 116  # characters in a line
NOTES = 100  # of a line of prose
SERIES = 28  # a longer name gets several lines
GAPS = {"text": 2, "markdown": 3, "latex": 3}

READ = {
    "accuracy": "mean ± half of its 95 % interval over n seeds",
    "vs float": "difference, paired by seed, ± half of the 95 % interval of this pair alone",
    "verdict": "paired t test at 5 %, by Holm's correction over all pairs",
    "batch": "least time of the packed model on one thread",
    "Pareto": "* if no other config is better in both accuracy and bytes",
}


PARTIAL = (
    "a mean over fewer seeds than others have, not to be read beside theirs; differences, verdicts "
    "and Pareto compare two configs over the seeds that both have"
)


def configs_table(comparison: "Comparison", style: str) -> str:
    """Return the table in a style of `qnn_core.terminal.tables.table`; see `Comparison.table`."""
    check_style(style)
    rows = rows_of(comparison)
    if style == "csv":
        return numbers(rows)
    columns = columns_for(rows)
    cells = [[SHOWN[style](column.text(row)) for column in columns] for row in rows]
    headers = [column.header if style == "text" else column.name for column in columns]
    kept = [*range(len(columns))]
    if style in GAPS:
        kept = fitting(columns, headers, cells, ROOM, GAPS[style])
    headers = [headers[n] for n in kept]
    shown = table(headers, [[row[n] for n in kept] for row in cells], style)
    hidden = [column.name for n, column in enumerate(columns) if n not in kept]
    return shown + BELOW[style]([*_notes(comparison, headers, hidden)])


def whole_text(comparison: "Comparison") -> str:
    """Return all that a terminal has to show: the table, what it is good for, what to do."""
    prose = [resolution(comparison), *warnings(comparison), *what_to_do(comparison)]
    filled = "\n".join(textwrap.fill(text, NOTES, subsequent_indent="    ") for text in prose)
    return f"{size(comparison)}\n\n{configs_table(comparison, 'text')}\n\n{filled}"


def for_notebook(comparison: "Comparison") -> str:
    """Return the table and the same sentences as HTML, escaped."""
    prose = [resolution(comparison), *warnings(comparison), *what_to_do(comparison)]
    shown = "\n".join(f"<p>{html.escape(text)}</p>" for text in prose)
    return f"<p>{html.escape(size(comparison))}</p>\n{configs_table(comparison, 'html')}\n{shown}"


def _notes(
    comparison: "Comparison", headers: Sequence[str], hidden: Sequence[str]
) -> Iterator[Footnote]:
    """Yield how to read the table, and what it has no row or no room for."""
    for start, text in READ.items():
        if any(" ".join(header.split()).startswith(start) for header in headers):
            yield Footnote(start, text)
    if any(comparison.partial(config) and comparison.done(config) for config in comparison.configs):
        yield Footnote("(n=...)", PARTIAL)
    if hidden:
        yield Footnote(
            "not shown here", f"{', '.join(hidden)}; styles csv and html have all columns"
        )
    for note in undecided(comparison):
        yield Footnote(f"not distinguishable, {note.subject}", note.text)
    for note in failed(comparison):
        yield Footnote(f"failed, {note.subject}", note.text)
    for note in unpacked(comparison):
        yield Footnote(f"not packed, {note.subject}", note.text)
    for note in missing(comparison):
        yield note
    for note in left_out(comparison):
        yield Footnote(f"left out, {note.subject}", note.text)


def _text(notes: Sequence[Footnote]) -> str:
    lines = [textwrap.fill(f"{note}", NOTES, subsequent_indent="    ") for note in notes]
    return "\n\n" + "\n".join(lines)


def _markdown(notes: Sequence[Footnote]) -> str:
    return "\n\n" + "\n".join(f"- {escape_markdown(str(note))}" for note in notes)


def _latex(notes: Sequence[Footnote]) -> str:
    return "\n\n" + "\n\n".join(rf"\noindent {escape_latex(str(note))}" for note in notes)


def _html(notes: Sequence[Footnote]) -> str:
    items = "\n".join(f"<li>{html.escape(str(note))}</li>" for note in notes)
    return f"\n<ul>\n{items}\n</ul>"


SHOWN: dict[str, Callable[[str], str]] = {
    "text": lambda cell: broken(cell, SERIES),
    "markdown": escape_markdown,
    "latex": str,  # tabulate escapes
    "html": str,  # likewise
}
BELOW = {"text": _text, "markdown": _markdown, "latex": _latex, "html": _html}
