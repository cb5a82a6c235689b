"""A history as a table and as curves."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..display import Plot, block, html_table, sentence
from ..terminal import table
from .metrics import ACCURACIES, NAMED

if TYPE_CHECKING:
    from .history import Epoch, History

Cell = Callable[["Epoch"], str]
FIRST, LAST = 5, 12  # epochs that are shown of many


def history_text(history: "History") -> str:
    """Return the epochs as a table; the middle of many is left out."""
    if not history.epochs:
        return "History: no epoch was trained yet"
    headers, rows = _cells(history)
    return "\n".join([table(headers, rows, left=0), *_below(history)])


def history_html(history: "History") -> str:
    """Return the epochs as curves and as a table."""
    if not history.epochs:
        return block("History", sentence("no epoch was trained yet"))
    headers, rows = _cells(history)
    curves = "".join(_curve(history, name) for name in ("loss", "metric"))
    key = sentence("orange, dashed: training; blue: validation") if curves else ""
    shown = html_table(headers, rows, left=0)
    return block("History", curves, key, shown, *map(sentence, _below(history)))


def shown_metric(history: "History") -> tuple[str, float]:
    """Return how the metric of a history is called, with its unit, and the factor for that unit."""
    name = history.last.metric_name
    percent = name in ACCURACIES or (name in NAMED and NAMED[name].percent)
    return (f"{name.replace('_', ' ')}, %", 100.0) if percent else (name.replace("_", " "), 1.0)


def _cells(history: "History") -> tuple[list[str], list[list[str]]]:
    name, factor = shown_metric(history)
    digits = ".2f" if factor != 1 else ".4g"
    best = history.best_epoch
    columns: dict[str, Cell] = {
        "epoch": lambda e: f"{e.epoch}{'*' if e.epoch == best else ''}",
        "loss": lambda e: f"{e.loss:.4f}",
        name: lambda e: _value(e.metric, factor, digits),
        "val loss": lambda e: _value(e.val_loss, 1, ".4f"),
        f"val {name}": lambda e: _value(e.val_metric, factor, digits),
        "lr": lambda e: f"{e.lr:.3g}",
        "seconds": lambda e: f"{e.seconds:.1f}",
    }
    shown = history.epochs
    if len(shown) > FIRST + LAST:
        shown = [*shown[:FIRST], *shown[-LAST:]]
    rows = [[cell(epoch) for cell in columns.values()] for epoch in shown]
    kept = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    rows = [[row[n] for n in kept] for row in rows]
    if len(shown) < len(history.epochs):
        rows.insert(FIRST, ["...", *[""] * (len(kept) - 1)])
    return [[*columns][n] for n in kept], rows


def _value(value: float | None, factor: float, digits: str) -> str:
    return "" if value is None else f"{factor * value:{digits}}"


def _below(history: "History") -> list[str]:
    criterion = history.criterion.replace("_", " ")
    if history.best_epoch not in _listed(history):
        found = f"* best by {criterion}: epoch {history.best_epoch}"
    else:
        found = f"* best by {criterion}"
    return [found, *history.warnings]


def _listed(history: "History") -> list[int]:
    numbers = [epoch.epoch for epoch in history.epochs]
    return numbers if len(numbers) <= FIRST + LAST else [*numbers[:FIRST], *numbers[-LAST:]]


def _curve(history: "History", of: str) -> str:
    """Return a small plot of the loss or of the metric, if there is one and it has a course."""
    trained, held_out = (_known(history.epochs, name) for name in (of, f"val_{of}"))
    series = {Plot.ORANGE: trained, Plot.BLUE: held_out}
    values = [value for points in series.values() for _, value in points]
    if len(history.epochs) < 2 or not values:
        return ""
    name, factor = ("loss", 1.0) if of == "loss" else shown_metric(history)
    low, high = min(values), max(values)
    ends = history.epochs[0].epoch, history.epochs[-1].epoch
    plot = Plot(
        ends, (low, high), size=(210, 90), margin=(44, 18, 14, 18), label=f"{name} by epoch"
    )
    plot.rule(y=low)
    plot.words(name, ends[0], high, anchor="start", dy=-7)
    for color, points in series.items():
        if points:
            dash = "4 2" if color == Plot.ORANGE else ""
            plot.line([x for x, _ in points], [y for _, y in points], color, dash=dash)
    for value in (low, high):
        plot.left(f"{factor * value:.3g}", value)
    for end in ends:
        plot.words(str(end), end, low, dy=14)
    return plot.svg()


def _known(epochs: "list[Epoch]", name: str) -> list[tuple[float, float]]:
    values = [(epoch.epoch, getattr(epoch, name)) for epoch in epochs]
    return [(x, y) for x, y in values if y is not None and y - y == 0]  # neither NaN nor infinite
