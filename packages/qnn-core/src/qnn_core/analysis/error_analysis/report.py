"""An anatomy as an object that can be read, printed and drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...terminal import table
from ...training import Evaluation, Metric
from ...training.evaluate import told
from .row import Cost, Row

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
        columns = {**ERRORS}
        if self.result is not None:
            columns |= LOSSES | self._metric_columns()
        cells = [[cell(row) for cell in columns.values()] for row in self.rows]
        return table([*columns], cells, style, left=2)

    def _metric_columns(self) -> dict[str, Cell]:
        metric = self.metric
        if metric is None:
            return {}
        name = "points" if metric.percent else metric.name
        return {
            f"{name}\nalone": lambda row: _fall(row.alone, metric),
            f"{name}\namong": lambda row: _fall(row.among, metric),
        }

    def plot(self, path: str | Path) -> Path:
        """Draw the error of each quantizer, and what it costs if that was measured.

        Args:
            path: of the picture; its suffix says the format, such as .png, .svg or .pdf.

        Returns:
            The path.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        from .figure import save  # noqa: PLC0415 # only who draws needs matplotlib

        return save(self, Path(path))

    def __str__(self) -> str:
        ends = {"all quantized": self.result, "all float": self.float_result}
        lines = [
            f"{name}: loss {end.loss:.4f}{told(end, self.metric)}"
            for name, end in ends.items()
            if end is not None
        ]
        return "\n".join([self.table(), *([""] if lines else []), *lines])

    def __repr__(self) -> str:
        return f"Anatomy({len(self.rows)} quantizers)"

    def _repr_html_(self) -> str:
        return self.table("html")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g}" if whole else "-"


def _rise(cost: Cost | None) -> str:
    return "" if cost is None else f"{cost.loss:+.4f}"


def _fall(cost: Cost | None, metric: Metric) -> str:
    if cost is None or cost.metric is None:
        return ""
    return f"{100 * cost.metric:+.2f}" if metric.percent else f"{cost.metric:+.4f}"
