"""The table of a comparison: a row for each config, and below it what has no row."""

import html
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from qnn_core.display import block, html_table, sentence
from qnn_core.terminal import check_style, escape_markdown, table

from ..formatting import broken
from ..metric import ACCURACY
from .columns import columns_for, fitting
from .csv import numbers
from .differences_svg import differences_svg
from .footnotes import (
    Footnote,
    failed,
    from_scratch,
    left_out,
    missing,
    skipped,
    tuned,
    undecided,
    unpacked,
    unstable,
    warned,
    without_c,
)
from .rows import rows_of
from .summary import answer, question, size, warnings, what_to_do

if TYPE_CHECKING:
    from ..comparison import Comparison

ROOM = 116  # characters in a line
NOTES = 100  # of a line of prose
SERIES = 28  # a longer name gets several lines
GAPS = {"text": 2, "markdown": 3, "latex": 3}

READ = {
    "vs ": "difference, paired by seed and sample, ± half of the 95 % interval of this one alone",
    "new": "yes if the verdict holds for other test samples too",
    "batch": "least time of the packed model on one thread",
    "C ": "as C on the study's microcontroller: bytes of code are modelled too, tables exact",
    "Pareto": "* if no other config is better in both accuracy and bytes",
}

# Footnotes that begin with their kind.
OF_CONFIGS = {
    "warned": warned,
    "unstable": unstable,
    "undecided": undecided,
    "failed": failed,
    "not packed": unpacked,
    "no form in C": without_c,
    "left float": skipped,
    "trained from scratch": from_scratch,
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
    columns = [c for c in columns_for(comparison) if style != "latex" or c.paper]
    cells = [[SHOWN[style](column.text(row)) for column in columns] for row in rows]
    headers = [column.header if style == "text" else column.name for column in columns]
    kept = [*range(len(columns))]
    if style in GAPS:
        kept = fitting(columns, headers, cells, ROOM, GAPS[style])
    headers = [headers[n] for n in kept]
    shown = table(headers, [[row[n] for n in kept] for row in cells], style)
    if style == "latex":
        return _for_paper(shown)  # which says in its own words how to read it
    hidden = [column.name for n, column in enumerate(columns) if n not in kept]
    return shown + BELOW[style]([*_notes(comparison, headers, hidden)])


def whole_text(comparison: "Comparison") -> str:
    """Return all that a terminal has to show: the answer, the table, what to know, what to do."""
    above = _filled([answer(comparison), size(comparison)])
    prose = [*warnings(comparison), *what_to_do(comparison)]
    parts = [above, configs_table(comparison, "text")]
    return "\n\n".join([*parts, _filled(prose)] if prose else parts)


def _filled(texts: Sequence[str]) -> str:
    return "\n".join(textwrap.fill(text, NOTES, subsequent_indent="    ") for text in texts)


def for_notebook(comparison: "Comparison") -> str:
    """Return a picture of the differences, the table and the same sentences as HTML, escaped."""
    columns = columns_for(comparison)
    cells = [[column.text(row) for column in columns] for row in rows_of(comparison)]
    headers = [column.name for column in columns]
    prose = [*warnings(comparison), *what_to_do(comparison)]
    return block(
        answer(comparison),
        sentence(size(comparison)),
        differences_svg(comparison),
        html_table(headers, cells),
        _html([*_notes(comparison, headers, ())]),
        *map(sentence, prose),
    )


def _for_paper(shown: str) -> str:
    r"""Return a table with the signs of mathematics, and what it needs.

    Example:
        >>> print(_for_paper("a & -0.19 ± 0.08"))
        % \usepackage{booktabs}
        a & $-$0.19 $\pm$ 0.08
    """
    signed = re.sub(r"(?<![\w-])-(?=\d)", "$-$", shown).replace("±", r"$\pm$")
    return f"% \\usepackage{{booktabs}}\n{signed}"


def _notes(
    comparison: "Comparison", headers: Sequence[str], hidden: Sequence[str]
) -> Iterator[Footnote]:
    """Yield how to read the table, and what it has no row or no room for."""
    if comparison.against():
        yield Footnote("verdict", question(comparison))
    if comparison.metric != ACCURACY:
        better = "more" if comparison.metric.higher_is_better else "less"
        yield Footnote(comparison.metric.name, f"{better} is better")
    for start, text in READ.items():
        if any(" ".join(header.split()).startswith(start) for header in headers):
            yield Footnote(start.strip(), text.replace("accuracy", comparison.metric.name))
    if any(comparison.partial(config) and comparison.done(config) for config in comparison.configs):
        yield Footnote("(n=...)", PARTIAL)
    if hidden:
        yield Footnote(
            "not shown here", f"{', '.join(hidden)}; styles csv and html have all columns"
        )
    yield from tuned(comparison)
    for kind, notes in OF_CONFIGS.items():
        for note in notes(comparison):
            yield Footnote(f"{kind}, {note.subject}", note.text)
    for note in missing(comparison):
        yield note
    for note in left_out(comparison):
        yield Footnote(f"left out, {note.subject}", note.text)


def _text(notes: Sequence[Footnote]) -> str:
    lines = [textwrap.fill(f"{note}", NOTES, subsequent_indent="    ") for note in notes]
    return "\n\n" + "\n".join(lines)


def _markdown(notes: Sequence[Footnote]) -> str:
    return "\n\n" + "\n".join(f"- {escape_markdown(str(note))}" for note in notes)


def _html(notes: Sequence[Footnote]) -> str:
    items = "\n".join(f"<li>{html.escape(str(note))}</li>" for note in notes)
    return f"\n<ul>\n{items}\n</ul>"


SHOWN: dict[str, Callable[[str], str]] = {
    "text": lambda cell: broken(cell, SERIES),
    "markdown": escape_markdown,
    "latex": str,  # tabulate escapes
    "html": str,  # likewise
}
BELOW = {"text": _text, "markdown": _markdown, "html": _html}
