"""The tables, and facts about the run."""

import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import mean
from typing import Any

from tabulate import tabulate

from .study import Recipe, Study


def ladder_table(study: Study, ladder: Mapping[str, Recipe], widths: Sequence[int | None]) -> str:
    """Return accuracy in percent, mean +- standard deviation: a row for each rung."""
    rows = [
        [title, *(_percent(study, replace(rung, bits=bits)) for bits in widths)]
        for title, rung in ladder.items()
    ]
    heads = ["float" if bits is None else f"{bits} bits" for bits in widths]
    return _table(rows, ["", *heads])


def arms_table(study: Study, arms: Mapping[str, Recipe]) -> str:
    """Return what was measured of single arms: a row for each."""
    rows = []
    for title, recipe in arms.items():
        found = study.of(recipe)
        measures = [
            (_mean([run.unit_bits for run in found]), "{:.2f}"),
            (_mean([run.zero_units for run in found]), "{:.0%}"),
            (_mean([run.zero_weights for run in found]), "{:.0%}"),
            (_mean([run.greatest_weight for run in found]), "{:.2g}"),
        ]
        shown = ["" if value is None else form.format(value) for value, form in measures]
        rows.append([title, _percent(study, recipe), *shown])
    heads = ["", "accuracy %", "bits/unit", "units at 0", "weights at 0", "max|W|"]
    return _table(rows, heads)


def facts() -> dict[str, Any]:
    """Return what ran where, for the file of results."""
    packages = ("qnn-core", "qnn-data", "numpy")
    return {
        "commands": [" ".join(["python", "apps/paradox.py", *sys.argv[1:]])],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }


def _percent(study: Study, recipe: Recipe) -> str:
    found, sd = study.accuracy(recipe)
    return "" if math.isnan(found) else f"{found:.2f} +- {sd:.2f}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    align = ["left", *["right"] * (len(heads) - 1)]
    return tabulate(rows, heads, disable_numparse=True, colalign=align)
