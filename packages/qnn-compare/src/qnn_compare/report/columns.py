"""The columns of a table of configs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tabulate import MIN_PADDING

from ..formatting import NONE, macs, percent, seconds, whole, width, within
from .rows import Row

Value = float | str | None


@dataclass(frozen=True)
class Column:
    """A column: what its cells say, and by what they are sorted.

    Attributes:
        header: in as many lines as text has for it.
        text: what a row's cell says.
        value: what it is sorted by; None without.
        rank: the greater, the sooner it is left out where there is no room.
        needs_float: whether it means nothing without a float config.
    """

    header: str
    text: Callable[[Row], str]
    value: Callable[[Row], Value]
    rank: int
    needs_float: bool = False

    @property
    def name(self) -> str:
        """The header in one line."""
        return " ".join(self.header.split())


def _accuracy(row: Row) -> str:
    if row.accuracy is None:
        return "failed" if row.failed else "not run"
    mark = f" (n={row.done})" if row.partial else ""
    return within(row.accuracy.mean, row.accuracy.low, row.accuracy.high) + mark


def _runs(row: Row) -> str:
    return str(row.done) if row.done == row.planned else f"{row.done} of {row.planned}"


def _difference(row: Row) -> str:
    pair = row.against
    return NONE if pair is None else within(pair.difference, pair.low, pair.high, "+")


def _verdict(row: Row) -> str:
    if row.against is None:
        return NONE
    return row.against.verdict if row.against.n > 1 else "too few seeds"


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


NAMES = (
    Column("series", lambda row: row.config.series, lambda row: row.config.series, 0),
    Column(
        "bits",
        lambda row: width(row.config.bits),
        lambda row: 100 * row.config.bits[0] + row.config.bits[1],
        0,
    ),
)

TARGET = Column("target", _target, lambda row: row.reached, 0)

COLUMNS = (
    *NAMES,
    Column("accuracy\n%", _accuracy, lambda row: row.accuracy.mean if row.accuracy else None, 0),
    Column(
        "sd",
        lambda row: percent(row.accuracy.sd) if row.accuracy else NONE,
        lambda row: row.accuracy.sd if row.accuracy else None,
        5,
    ),
    Column("n", _runs, lambda row: row.done, 1),
    Column(
        "vs float,\npoints",
        _difference,
        lambda row: row.against.difference if row.against else None,
        0,
        needs_float=True,
    ),
    Column("verdict", _verdict, lambda row: row.against.verdict if row.against else None, 0, True),
    TARGET,
    Column("packed\nbytes", lambda row: whole(row.nbytes), lambda row: row.nbytes, 0),
    Column(
        "of\nfloat",
        lambda row: NONE if row.share is None else f"{percent(row.share, 1)} %",
        lambda row: row.share,
        3,
        needs_float=True,
    ),
    Column("MACs\nby width", lambda row: macs(row.macs), lambda row: sum(row.macs.values()), 8),
    _latency(1, 4),
    _latency(100, 6),
    Column("training", lambda row: seconds(row.train_seconds), lambda row: row.train_seconds, 7),
    Column("Pareto", lambda row: "*" if row.pareto else "", lambda row: int(row.pareto), 2),
)


def columns_for(rows: Sequence[Row]) -> list[Column]:
    """Return the columns that mean something for these rows."""
    has_float = any(row.config.is_float for row in rows)
    aimed = any(row.reached is not None for row in rows)
    return [
        column
        for column in COLUMNS
        if (has_float or not column.needs_float) and (aimed or column is not TARGET)
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
