"""The figure: accuracy over bits, a panel for each rung of the ladder."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from .study import Found, Recipe

Array = NDArray[Any]
BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe and Ito (2008): for all eyes; grey tells them apart too
BROKEN = (0, (3, 1.2))
TICKS = (0, 50, 60, 70, 80, 90, 95, 97, 98, 98.5, 99)


def ladder_figure(
    study: Found, ladder: Mapping[str, Recipe], widths: Sequence[int | None]
) -> bytes:
    """Return a PNG: a panel for each rung, with the original beside it in grey.

    What is out of order, a width below one with fewer bits, is a falling line: it is drawn broken
    and in another colour.
    """
    figure = Figure(figsize=(1.0 + 1.9 * len(ladder), 4.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(ladder), sharey=True))
    curves = [
        np.array([study.accuracy(replace(rung, bits=bits)) for bits in widths])
        for rung in ladder.values()
    ]
    for n, (axes, title, curve) in enumerate(zip(panels, ladder, curves, strict=True)):
        if n:
            axes.plot(curves[0][:, 0], color="0.75", linewidth=2.5, zorder=1)
        _draw(axes, curve)
        axes.set_title(f"{'+ ' if n else ''}{title}", fontsize=10)
        axes.set_xticks(
            range(len(widths)), ["float" if bits is None else str(bits) for bits in widths]
        )
        axes.set_xlim(-0.5, len(widths) - 0.4)
        axes.grid(axis="y", color="0.92")
    _scale(panels[0], np.concatenate(curves))
    panels[0].set_ylabel("test accuracy (%), log scale of errors")
    figure.supxlabel("bits of the hidden layer", fontsize=10)
    panels[0].plot([], [], color=BLUE, linewidth=2, label="more bits are no worse")
    panels[0].plot([], [], color=ORANGE, linestyle=BROKEN, linewidth=2, label="more bits are worse")
    panels[0].plot([], [], color="0.75", linewidth=2.5, label="the original")
    figure.legend(loc="outside upper center", ncols=3, fontsize=10, frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def _draw(axes: Axes, curve: Array) -> None:
    mean, sd = curve.T
    places = np.arange(len(mean))
    for n in places[:-1]:
        falls = mean[n + 1] + sd[n + 1] < mean[n] - sd[n]
        color, line = (ORANGE, BROKEN) if falls else (BLUE, "-")
        axes.plot(places[n : n + 2], mean[n : n + 2], color=color, linestyle=line, linewidth=2)
    axes.errorbar(places, mean, sd, color="black", fmt="o", markersize=4.5, capsize=3, zorder=3)
    around = np.pad(mean, 1, constant_values=np.inf)
    for x, y, spread in zip(places, mean, sd, strict=True):
        if np.isfinite(y):
            valley = y < min(around[x], around[x + 2])
            aside = -7 if y < around[x + 2] < np.inf else 0  # beside a line that climbs
            at, offset = ((x, y - spread), (0, -12)) if valley else ((x, y + spread), (aside, 4))
            axes.annotate(
                f"{y:.1f}", at, offset, textcoords="offset points", ha="center", fontsize=8
            )


def _scale(axes: Axes, points: Array) -> None:
    """Make a step from 90 to 99 % as long as one from 0 to 90."""
    mean, sd = points.T
    low, high = max(0.0, np.nanmin(mean - sd) - 8), np.nanmax(mean + sd)
    axes.set_yscale("function", functions=(_height, _accuracy))
    axes.set_ylim(low, high + 0.35 * (100 - high))
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in TICKS if tick > low]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")


def _height(accuracy: Array) -> Array:
    height: Array = -np.log10(np.maximum(100 - np.asarray(accuracy), 1e-3))
    return height


def _accuracy(height: Array) -> Array:
    accuracy: Array = 100 - 10 ** -np.asarray(height)
    return accuracy
