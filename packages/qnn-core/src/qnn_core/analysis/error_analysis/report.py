"""An anatomy as an object that can be read, printed and drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from ...display import block, html_table, saved, sentence
from ...terminal import table
from ...training import Evaluation, Metric
from ...training.evaluate import told
from .figure import anatomy_figure
from .row import Cost, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = Callable[[Row], str]

ERRORS: dict[str, Cell] = {
    "layer": lambda row: row.layer,
    "of": lambda row: row.kind,
    "bits": lambda row: str(row.quantizer.bits),
    "SQNR\ndB": lambda row: f"{row.sqnr:.1f}",
    "rounding\n%": lambda row: _percent(row.rounding, row.signal),
    "clipping\n%": lambda row: _percent(row.clipping, row.signal),
    "outside\n%": lambda row: _percent(row.outside, row.elements),
    "unused\nlevels": lambda row: f"{row.unused} of {row.counts.size}",
    "entropy\nbits": lambda row: f"{row.entropy:.2f}",
}
LOSSES: dict[str, Cell] = {
    "loss\nalone": lambda row: _rise(row.alone),
    "loss\namong": lambda row: _rise(row.among),
}


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What each quantizer of a model does to its data, and what it costs; ``print`` shows a table.

    Attributes:
        rows: one for each weight and each input that is quantized, in the order in which they run.
        result: loss and accuracy of the model; None if the data have no targets.
        float_result: those of the model with every quantizer float; likewise.
        metric: what costs are given in beside the loss; None for nothing.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
        >>> model = qnn.quantize(qnn.MLP([8, 16, 2], seed=0), weight="symmetric:4")
        >>> found = qnn.anatomy(model, x)
        >>> [(row.layer, row.kind, row.quantizer.bits) for row in found.rows]
        [('layers.0', 'weight', 4)]
    """

    rows: list[Row]
    result: Evaluation | None = None
    float_result: Evaluation | None = None
    metric: Metric | None = None

    def table(self, style: str = "text") -> str:
        """Return the rows as a table.

        Rounding and clipping are squared errors in percent of the signal, outside is the share of
        the elements beyond the range. Costs are rises of the loss, and by how much the metric is
        worse, an accuracy in points (hundredths).

        Args:
            style: ``"text"``, ``"markdown"`` or ``"html"``.

        Raises:
            SpecError: for another style.
        """
        columns, cells = self._cells()
        return table(columns, cells, style, left=2)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        columns = {**ERRORS}
        if self.result is not None:
            columns |= LOSSES | self._metric_columns()
        return [*columns], [[cell(row) for cell in columns.values()] for row in self.rows]

    def _metric_columns(self) -> dict[str, Cell]:
        metric = self.metric
        if metric is None:
            return {}
        name = "points" if metric.percent else metric.name
        return {
            f"{name}\nalone": lambda row: _fall(row.alone, metric),
            f"{name}\namong": lambda row: _fall(row.among, metric),
        }

    @overload
    def plot(self, path: None = None, *, ax: "Axes | None" = None) -> "Figure": ...

    @overload
    def plot(self, path: str | Path, *, ax: "Axes | None" = None) -> Path: ...

    def plot(self, path: str | Path | None = None, *, ax: "Axes | None" = None) -> "Figure | Path":
        """Draw the error of each quantizer, and what it costs if that was measured.

        Args:
            path: of a picture, whose suffix says the format, such as .png or .svg; None for none.
            ax: axes of matplotlib, whose room is divided among the panels; None for a figure of
                its own.

        Returns:
            The figure, which a notebook shows; with a path, that.

        Raises:
            ImportError: if matplotlib is not installed.
            SpecError: if matplotlib knows no such format.
        """
        figure = anatomy_figure(self, ax)
        return figure if path is None else saved(figure, path, "plot")

    def _ends(self) -> list[str]:
        ends = {"all quantized": self.result, "all float": self.float_result}
        return [
            f"{name}: loss {end.loss:.4f}{told(end, self.metric)}"
            for name, end in ends.items()
            if end is not None
        ]

    def __str__(self) -> str:
        lines = self._ends()
        return "\n".join([self.table(), *([""] if lines else []), *lines])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        columns, rows = self._cells()
        return block("Anatomy", html_table(columns, rows, left=2), *map(sentence, self._ends()))


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g}" if whole else "-"


def _rise(cost: Cost | None) -> str:
    return "" if cost is None else f"{cost.loss:+.4f}"


def _fall(cost: Cost | None, metric: Metric) -> str:
    if cost is None or cost.metric is None:
        return ""
    return f"{100 * cost.metric:+.2f}" if metric.percent else f"{cost.metric:+.4f}"
