"""The tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from tabulate import tabulate

from .study import Found, Recipe

# What is measured of a net, and how it reads.
MEASURES = {
    "unit_bits": "{:.2f}",
    "zero_units": "{:.0%}",
    "zero_weights": "{:.0%}",
    "greatest_weight": "{:.2g}",
}


def accuracies(
    study: Found, rows: Mapping[str, Recipe], columns: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return a table of accuracies in percent, mean +- standard deviation.

    Args:
        study: what was measured.
        rows: a recipe for each.
        columns: for each, what it changes in the recipe of the row.
    """
    cells = [
        [title, *(_percent(study, replace(recipe, **change)) for change in columns.values())]
        for title, recipe in rows.items()
    ]
    return _table(cells, ["", *columns])


def anatomy(study: Found, rows: Mapping[str, Recipe]) -> str:
    """Return a table of what the codes of a recipe are like at the end of training."""
    cells = []
    for title, recipe in rows.items():
        found = study.of(recipe)
        measures = [
            (_mean([run.measured.get(name) for run in found]), form)
            for name, form in MEASURES.items()
        ]
        cells.append(
            [title, *("" if mean is None else form.format(mean) for mean, form in measures)]
        )
    return _table(cells, ["", "bits/unit", "units at 0", "weights at 0", "max|W|"])


def _percent(study: Found, recipe: Recipe) -> str:
    found, sd = study.accuracy(recipe)
    if math.isnan(found):
        return ""
    # The spread of one seed is not zero, it is unknown.
    return f"{found:.2f}" + (f" +- {sd:.2f}" if len(study.of(recipe)) > 1 else "")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    align = ["left", *["right"] * (len(heads) - 1)]
    return tabulate(rows, heads, disable_numparse=True, colalign=align)
