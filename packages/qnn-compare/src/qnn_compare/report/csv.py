"""What a spreadsheet gets: numbers in full, and nothing where there is none."""

from collections.abc import Sequence

from qnn_core.terminal import table

from .records import of_rows
from .rows import Row


def numbers(rows: Sequence[Row]) -> str:
    """Return a line of CSV for each config: shares 0..1, times in seconds."""
    found = of_rows(rows)
    headers = list(found[0])
    return table(headers, [[_full(cells[key]) for key in headers] for cells in found], "csv")


def _full(value: object) -> str:
    return "" if value is None else str(value)
