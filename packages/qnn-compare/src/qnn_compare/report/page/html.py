"""The page: everything in one file that needs no network."""

import re
from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from qnn_core.look import style

from ...formatting import counted, p_value
from .. import figures, summary
from ..columns import columns_for
from ..footnotes import (
    Footnote,
    failed,
    from_scratch,
    left_out,
    missing,
    skipped,
    tried,
    tuned,
    undecided,
    unpacked,
    unstable,
    warned,
    without_c,
)
from ..rows import rows_of
from . import matrix, provenance
from .live_nets import LiveNets

if TYPE_CHECKING:
    from ...comparison import Comparison

WIDTH = re.compile(r" (?=\d+x\d+\b)")
AFTER_COMMA = re.compile(r"(?<=,)(?=[^\d\s])")  # in a spec, not in a number


class Cell(NamedTuple):
    """A cell of a table that sorts: what it says, and by what it is sorted."""

    text: str
    value: float | str | None


def html(comparison: "Comparison", refresh: int = 0, live: LiveNets | None = None) -> str:
    """Return the page; the same text for the same comparison.

    Args:
        comparison: what it is of.
        refresh: seconds after which a browser reads it anew; 0 for a page that stays as it is.
        live: the page beside it in which the nets answer, if there is one.
    """
    rows = rows_of(comparison)
    columns = columns_for(comparison)
    # What is not known to be harmless is escaped, whatever it is for.
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    return environment.get_template("template.html").render(
        refresh=refresh,
        live=live if live is not None and live.file else None,
        look=Markup(style()),
        size=summary.size(comparison),
        answer=summary.answer(comparison),
        question=summary.question(comparison) if comparison.against() else "",
        matrix_question=summary.matrix_question(comparison),
        warnings=[*_running(comparison, refresh), *summary.warnings(comparison)],
        advice=summary.what_to_do(comparison),
        headers=[column.name for column in columns],
        rows=[[Cell(column.text(row), column.value(row)) for column in columns] for row in rows],
        figures=[_embedded(comparison, picture) for picture in figures.pictures(comparison)],
        names=matrix.names(comparison),
        squares=matrix.squares(comparison),
        symbols=matrix.SYMBOLS,
        pair_headers=PAIR_HEADERS,
        pairs=_pairs(comparison),
        notes={
            "How recipes were chosen": tuned(comparison),
            f"What each recipe gave on what was held back, {comparison.metric.label}": tried(
                comparison
            ),
            "Trainings that went wrong": warned(comparison),
            "Trainings that are unstable": unstable(comparison),
            "Verdicts that are undecided": undecided(comparison),
            "Runs that failed": failed(comparison),
            "Nets that cannot be packed": unpacked(comparison),
            "Nets that have no form in C": without_c(comparison),
            "Nets that do not answer in the live page": _without_page(live),
            "Layers that were left float": skipped(comparison),
            "Nets that were trained from scratch": from_scratch(comparison),
            "Runs that were not run yet": missing(comparison),
            "Combinations without a meaning, left out": left_out(comparison),
        },
        configuration=provenance.configuration(comparison) if comparison.plan.configuration else [],
        machines=provenance.machines(comparison),
        runs=provenance.sessions(comparison),
        commands=provenance.commands(comparison),
        call=provenance.call(comparison) if comparison.plan.configuration else "",
    )


def _without_page(live: LiveNets | None) -> list[Footnote]:
    return [] if live is None else [Footnote(*told) for told in live.without.items()]


def _running(comparison: "Comparison", refresh: int) -> list[str]:
    """Return what to know of a page of a study that goes on: when it was written."""
    if not refresh:
        return []
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    done = counted(len(comparison.results), "run")
    return [f"RUNNING: {done} done at {now}; this page reads itself anew every {refresh} seconds."]


def _breakable(text: str) -> Markup:
    """Return text, escaped, that may be broken behind commas, and not before a width of MACs."""
    whole = WIDTH.sub("\N{NO-BREAK SPACE}", text)
    return Markup("<wbr>").join(AFTER_COMMA.split(whole))


def _embedded(comparison: "Comparison", picture: figures.Picture) -> dict[str, str]:
    """Return a figure as an address that holds it: its names cannot collide with another's."""
    svg = picture.content(comparison, "svg", transparent=True)
    address = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    return {"title": picture.title, "about": picture.about, "address": address}


PAIR_HEADERS = [
    "config", "against", "n", "difference", "verdict", "p", "p, Holm", "new samples", "remark",
]  # fmt: skip # one line for each would hide that it is a row


def _pairs(comparison: "Comparison") -> list[list[Cell]]:
    say = comparison.metric.within
    return [
        [
            Cell(pair.config, pair.config),
            Cell(pair.reference, pair.reference),
            Cell(str(pair.n), pair.n),
            Cell(say(pair.difference, pair.low, pair.high, "+"), pair.difference),
            Cell(pair.verdict, pair.verdict),
            Cell(p_value(pair.p), pair.p),
            Cell(p_value(pair.p_holm), pair.p_holm),
            Cell(
                say(pair.difference, pair.low_new, pair.high_new, "+")
                if pair.low_new is not None
                else "-",
                pair.low_new,
            ),
            Cell(pair.remark, pair.remark or None),
        ]
        for pair in comparison.pairs
    ]
