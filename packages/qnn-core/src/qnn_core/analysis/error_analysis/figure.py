"""The figure of an anatomy."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...display import BLUE, ORANGE, panels_for, plain
from .row import Cost, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .report import Anatomy

HALF = 0.31  # of the height of a bar, in rows

# With more levels the cells of a strip are too narrow for a mark, and with more than so many
# cells for the eye.
MARKED = 16
CELLS = 32


def anatomy_figure(anatomy: "Anatomy", ax: "Axes | None" = None) -> "Figure":
    """Return the figure of an anatomy; see `Anatomy.plot`."""
    rows = anatomy.rows
    widths = [3, 2] if anatomy.result is None else [3, 2, 3]
    size = (4 * len(widths), 2 + 0.4 * len(rows))
    figure, panels = panels_for("plot", ax, widths, size=size, sharey=True)
    for draw, axes in zip((_draw_errors, _draw_codes, _draw_costs), panels, strict=False):
        draw(axes, rows)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(rows)), [_name(row) for row in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    if anatomy.result is not None and anatomy.float_result is not None:
        results = {"all quantized": anatomy.result, "all float": anatomy.float_result}
        told_of = "      ".join(f"{name}: {result}" for name, result in results.items())
        if ax is None:  # the title of the caller's figure is the caller's
            figure.suptitle(plain(told_of), fontsize=10)
    return figure


def _name(row: Row) -> str:
    bits = row.quantizer.bits
    where = plain(row.layer or "the model")
    return f"{where}, {row.kind}, {bits} bit{'s' if bits > 1 else ''}"


def _draw_errors(axes: "Axes", rows: list[Row]) -> None:
    """Draw rounding and clipping end to end, in percent of the signal."""
    places = np.arange(len(rows))
    signal = np.array([row.signal or np.inf for row in rows]) / 100
    rounding = np.array([row.rounding for row in rows]) / signal
    clipping = np.array([row.clipping for row in rows]) / signal
    bar: dict[str, Any] = {"height": 2 * HALF, "edgecolor": "black", "linewidth": 0.6}
    axes.barh(places, rounding, color=BLUE, label="rounding", **bar)
    axes.barh(places, clipping, left=rounding, color=ORANGE, hatch="////", label="clipping", **bar)
    reach = (rounding + clipping).max() or 1.0
    for place, (end, row) in enumerate(zip(rounding + clipping, rows, strict=True)):
        axes.text(end + 0.02 * reach, place, f"{row.sqnr:.1f} dB", va="center", fontsize=8)
    axes.set_xlim(0, 1.22 * reach)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("squared error, % of the signal")
    _finish(axes, "What rounding and clipping lose")


def _draw_codes(axes: "Axes", rows: list[Row]) -> None:
    """Draw how often each code occurs, from the lowest to the highest, as a strip of grey."""
    for place, row in enumerate(rows):
        low, high = place + HALF, place - HALF
        counts = np.add.reduceat(row.counts, np.arange(0, row.counts.size, _per_cell(row)))
        # The root, so that rare codes can be told from those that never occur.
        share = np.sqrt(counts / counts.max())[None]
        look: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1.2, "interpolation": "nearest"}
        axes.imshow(share, extent=(0, 1, low, high), aspect="auto", **look)
        axes.plot([0, 1, 1, 0, 0], [low, low, high, high, low], color="black", linewidth=0.6)
        if row.counts.size <= MARKED:
            axes.vlines(np.arange(1, row.counts.size) / row.counts.size, high, low, "white", lw=0.8)
            unused = (np.flatnonzero(row.counts == 0) + 0.5) / row.counts.size
            axes.plot(unused, [place] * unused.size, "x", color="0.3", markersize=5)
        used = f"{row.entropy:.2f} of {np.log2(row.counts.size):.2f}"
        axes.text(1.04, place, used, va="center", fontsize=8)
    axes.set_xlim(-0.03, 1.55)
    axes.set_xticks([0, 1], ["lowest", "highest"])
    axes.set_xlabel("level; darker: more often, x: never")
    axes.set_title("Codes, and their entropy in bits", fontsize=10)
    axes.spines[:].set_visible(False)


def _per_cell(row: Row) -> int:
    """Return how many levels share a cell of a strip."""
    return -(-row.counts.size // CELLS)


def _draw_costs(axes: "Axes", rows: list[Row]) -> None:
    """Draw what each quantizer costs alone, and beside all others."""
    costs = [(place, row.alone, row.among) for place, row in enumerate(rows) if row.alone]
    points = all(cost.accuracy is not None for _, *ends in costs for cost in ends if cost)
    places = [place for place, *_ in costs]
    alone, among = ([_value(ends[n], points) for _, *ends in costs] for n in (0, 1))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.hlines(places, alone, among, color="0.65", linewidth=2, zorder=1)
    axes.plot(alone, places, "o", color=BLUE, mfc="white", mew=2, ms=9.5, label="alone")
    axes.plot(among, places, "D", color="black", ms=5.5, label="beside all others")
    axes.margins(x=0.12)
    axes.set_xlabel("accuracy lost, points" if points else "rise of the loss")
    _finish(axes, "What each quantizer costs")


def _value(cost: Cost | None, points: bool) -> float:
    if cost is None:
        return np.nan
    return 100 * cost.accuracy if points and cost.accuracy is not None else cost.loss


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", fontsize=8)
