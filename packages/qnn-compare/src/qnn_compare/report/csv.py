"""What a spreadsheet gets: numbers in full, and nothing where there is none."""

from collections.abc import Sequence

from qnn_core.terminal import table

from .rows import Row

VERDICT = (
    "reference", "difference", "low", "high", "p", "p_holm", "verdict", "within_margin", "unstable",
    "low_new", "high_new", "holds_for_new",
)  # fmt: skip # one line for each would hide that it is a list


def numbers(rows: Sequence[Row]) -> str:
    """Return a line of CSV for each config: shares 0..1, times in seconds."""
    found = records(rows)
    headers = list(found[0])
    return table(headers, [[_full(cells[key]) for key in headers] for cells in found], "csv")


def records(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return all numbers of each config by name."""
    widths = sorted({width for row in rows for width in row.macs}, key=_by_bits)
    return [_raw(row, widths) for row in rows]


def _by_bits(width: str) -> list[int]:
    return [int(bits) for bits in width.split("x")]


def _raw(row: Row, widths: Sequence[str]) -> dict[str, object]:
    config, known, pair = row.config, row.accuracy, row.against
    cells: dict[str, object] = {
        "config": config.name,
        "series": config.series,
        "weight": config.weight or "float",
        "input": config.input or "float",
        "weight_bits": config.bits[0],
        "input_bits": config.bits[1],
        "seeds": row.planned,
        "n": row.done,
        "failed": row.failed,
    }
    known_as = row.metric.name
    cells |= {
        f"{known_as}{end}": None if known is None else getattr(known, name)
        for name, end in (("mean", ""), ("sd", "_sd"), ("low", "_low"), ("high", "_high"))
    }
    cells |= {name: pair and getattr(pair, name) for name in VERDICT}
    cells |= {
        "seeds_needed": pair and pair.needs and pair.needs.seeds,
        "samples_needed": pair and pair.needs and pair.needs.samples,
    }
    if row.reached is not None:
        cells |= {"target": row.wanted, "target_nbytes": row.wanted_nbytes, "reached": row.reached}
    cells |= {"nbytes": row.nbytes, "share_of_reference": row.share}
    cells |= {f"macs_{width}": row.macs.get(width, 0) if row.macs else None for width in widths}
    cells |= {f"seconds_batch_{batch}": time for batch, time in row.latency.items()}
    return cells | {"train_seconds": row.train_seconds, "pareto": row.pareto}


def _full(value: object) -> str:
    return "" if value is None else str(value)
