"""The columns of a table of configs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tabulate import MIN_PADDING

from ..formatting import NONE, macs, percent, seconds, whole, width
from .footnotes import chosen
from .rows import Row

if TYPE_CHECKING:
    from ..comparison import Comparison

Value = float | str | None


@dataclass(frozen=True)
class Column:
    """A column: what its cells say, and by what they are sorted.

    Attributes:
        header: in as many lines as text has for it; a name in braces is one of the study's.
        text: what a row's cell says.
        value: what it is sorted by; None without.
        rank: the greater, the sooner it is left out where there is no room.
        paper: whether a table for a paper has it.
    """

    header: str
    text: Callable[[Row], str]
    value: Callable[[Row], Value]
    rank: int
    paper: bool = False

    @property
    def name(self) -> str:
        """The header in one line."""
        return " ".join(self.header.split())


def _accuracy(row: Row) -> str:
    if row.accuracy is None:
        return "failed" if row.failed else "not run"
    mark = f" (n={row.done})" if row.partial else ""
    return row.metric.within(row.accuracy.mean, row.accuracy.low, row.accuracy.high) + mark


def _runs(row: Row) -> str:
    return str(row.done) if row.done == row.planned else f"{row.done} of {row.planned}"


def _difference(row: Row) -> str:
    pair = row.against
    return NONE if pair is None else row.metric.within(pair.difference, pair.low, pair.high, "+")


def _verdict(row: Row) -> str:
    pair = row.against
    if pair is None:
        return "reference" if row.reference else NONE
    told: str = pair.verdict
    if pair.within_margin and pair.verdict in ("better", "worse"):
        told += f", by < {row.metric.factor * row.margin:g}"
    return told + (", unstable" if pair.unstable else "")


def _new(row: Row) -> str:
    return "yes" if row.against is not None and row.against.holds_for_new else ""


def _tuned(row: Row) -> str:
    return chosen(row.tuned) or NONE


def _target(row: Row) -> str:
    if row.reached is None:
        return NONE
    wanted = [] if row.wanted is None else [f"{percent(row.wanted)} %"]
    wanted += [] if row.wanted_nbytes is None else [f"{whole(row.wanted_nbytes)} bytes"]
    return f"{', '.join(wanted)}: {'reached' if row.reached else 'missed'}"


def _latency(batch: int, rank: int) -> Column:
    return Column(
        f"batch\nof {batch}",
        lambda row: seconds(row.latency[batch]),
        lambda row: row.latency[batch],
        rank,
    )


def _as_c(header: str, of: str, rank: int, *, paper: bool = False) -> Column:
    return Column(header, lambda row: whole(row.c.get(of)), lambda row: row.c.get(of), rank, paper)


COLUMNS = (
    Column("series", lambda row: row.config.series, lambda row: row.config.series, 0, paper=True),
    Column(
        "bits",
        lambda row: width(row.config.bits),
        lambda row: 100 * row.config.bits[0] + row.config.bits[1],
        0,
        paper=True,
    ),
    Column(
        "verdict", _verdict, lambda row: row.against.verdict if row.against else None, 0, paper=True
    ),
    Column(
        "vs {reference}",
        _difference,
        lambda row: row.against.difference if row.against else None,
        0,
        paper=True,
    ),
    Column(
        "new\nsamples",
        _new,
        lambda row: int(row.against.holds_for_new) if row.against else None,
        1,
    ),
    Column(
        "{metric}",
        _accuracy,
        lambda row: row.accuracy.mean if row.accuracy else None,
        0,
        paper=True,
    ),
    Column(
        "sd",
        lambda row: row.metric.value(row.accuracy.sd) if row.accuracy else NONE,
        lambda row: row.accuracy.sd if row.accuracy else None,
        5,
    ),
    Column("n", _runs, lambda row: row.done, 2),
    Column(
        "tuned",
        _tuned,
        lambda row: next((v for v in row.tuned.values() if isinstance(v, int | float)), None),
        1,
    ),
    Column("target", _target, lambda row: row.reached, 0),
    Column("packed\nbytes", lambda row: whole(row.nbytes), lambda row: row.nbytes, 0, paper=True),
    Column(
        "of\nreference",
        lambda row: NONE if row.share is None else f"{percent(row.share, 1)} %",
        lambda row: row.share,
        3,
    ),
    _as_c("C flash,\nbytes", "c_flash", 2, paper=True),
    _as_c("C RAM,\nbytes", "c_ram", 3),
    _as_c("C cycles,\nmodelled", "c_cycles", 1, paper=True),
    Column("Pareto", lambda row: "*" if row.pareto else "", lambda row: int(row.pareto), 2),
    Column("MACs\nby width", lambda row: macs(row.macs), lambda row: sum(row.macs.values()), 8),
    _latency(1, 4),
    _latency(100, 6),
    Column("training", lambda row: seconds(row.train_seconds), lambda row: row.train_seconds, 7),
)
# Of nets as C, where they were asked for.
AS_C = ("C flash,\nbytes", "C RAM,\nbytes", "C cycles,\nmodelled")
# Of what was trained elsewhere only these are known; others have no width.
KNOWN_ELSEWHERE = ("series", "{metric}", "sd", "n", "vs {reference}", "verdict", "new\nsamples")


def columns_for(comparison: "Comparison") -> list[Column]:
    """Return the columns that mean something for a comparison."""
    metric = comparison.metric
    unit = "points" if metric.shares else ""
    label = f"{metric.name}\n%" if metric.shares else metric.name
    of_study = {
        "{metric}": label,
        "vs {reference}": f"vs {comparison.reference.name}" + (f",\n{unit}" if unit else ""),
        "of\nreference": f"of\n{comparison.reference.name}",
    }
    elsewhere = not comparison.plan.configuration
    tuned = comparison.plan.tuning is not None
    aimed = any(config.target is not None for config in comparison.configs)
    as_c = "c" in comparison.plan.configuration
    own_names = any(config.own_name is not None for config in comparison.configs)
    names = {"series": "config"} if own_names else {}
    return [
        replace(column, header=(of_study | names).get(column.header, column.header))
        for column in COLUMNS
        if (not elsewhere or column.header in KNOWN_ELSEWHERE)
        and (aimed or column.header != "target")
        and (as_c or column.header not in AS_C)
        and (tuned or column.header != "tuned")
    ]


def fitting(
    columns: Sequence[Column],
    headers: Sequence[str],
    cells: Sequence[Sequence[str]],
    room: int,
    gap: int,
) -> list[int]:
    """Return which columns fit into so many characters, those of low rank first.

    Args:
        columns: in their order.
        headers: what is written above them.
        cells: what they show, row by row.
        room: characters of a line.
        gap: characters between two columns.
    """
    widths = [
        gap + _characters(header, texts)
        for header, texts in zip(headers, zip(*cells, strict=True), strict=True)
    ]
    kept = [*range(len(columns))]
    while sum(widths[n] for n in kept) - gap > room:
        last = max(kept, key=lambda n: columns[n].rank)
        if columns[last].rank == 0:
            break  # what a table is for stays, however wide
        kept.remove(last)
    return kept


def _characters(header: str, texts: Sequence[str]) -> int:
    # tabulate pads headers.
    lines = [len(line) + MIN_PADDING for line in header.split("\n")]
    return max(*lines, *(len(line) for text in texts for line in text.split("\n")))
