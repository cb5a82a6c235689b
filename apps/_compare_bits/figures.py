"""The figures of a study."""

import io
from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .plan import FAMILIAR, FLOAT, Arm
from .study import Study

Array = NDArray[np.float64]


class Style(NamedTuple):
    """How a scheme looks: three ways to tell it apart, for print in grey and for all eyes."""

    color: str
    marker: str
    line: Any


# The colours of Okabe and Ito (2008), without black, which is float, and yellow, too pale on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)))
FLOAT_STYLE = Style("black", "*", "-")

# A mean further below the median than this, in points, would squeeze all others.
FAR_BELOW = 12.0


def styles(schemes: Sequence[str]) -> dict[str, Style]:
    """Return a style for each scheme; the cycles differ in length, so that many are told apart."""
    looks = zip(cycle(COLORS), cycle(MARKERS), cycle(LINES), strict=False)
    # The schemes of qnn-quantizers look the same in every study, whatever else is in it.
    order = [*FAMILIAR, *(scheme for scheme in schemes if scheme not in FAMILIAR)]
    return {s: Style(*look) for s, look in zip(order, looks, strict=False) if s in schemes}


def accuracy_over_bits(study: Study) -> bytes:
    """Return a PNG: mean accuracy over bits, a curve for each scheme, float as a band."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    widths = study.options.bits
    _draw_float(axes, study)
    looks = styles(study.options.schemes)
    for n, (scheme, style) in enumerate(looks.items()):
        # Side by side: points of equal height must not hide each other.
        dodge = 0.36 * ((n + 0.5) / len(looks) - 0.5)
        _draw_scheme(axes, study, scheme, style, dodge)
    axes.set_ylim(*_limits(study))
    axes.set_xticks(range(len(widths)), ["32\n(float)" if w == FLOAT else str(w) for w in widths])
    axes.set_xlim(-0.5, len(widths) - 0.5)
    axes.set_xlabel("bits of weights and of inputs")
    axes.set_ylabel("test accuracy (%)")
    axes.set_title("mean ± standard deviation; pale dots: single seeds", fontsize=9)
    figure.suptitle(study.title(), fontsize=11)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", fontsize=9)
    return _png(figure)


def _draw_float(axes: Axes, study: Study) -> None:
    if study.float_arm is None or study.summary(study.float_arm).mean is None:
        return
    mean, sd = _percent(study, study.float_arm)
    axes.axhspan(mean - sd, mean + sd, color="0.85", linewidth=0)
    axes.axhline(mean, color="0.45", linewidth=1)
    x = study.options.bits.index(FLOAT)
    color, marker, _ = FLOAT_STYLE
    axes.errorbar(x, mean, sd, color=color, marker=marker, markersize=11, capsize=3, zorder=4)
    # For the legend: an error bar's own entry is cluttered.
    axes.plot([], [], color="0.45", marker=marker, mfc=color, mec=color, ms=9, label="float")


def _draw_scheme(axes: Axes, study: Study, scheme: str, style: Style, dodge: float) -> None:
    """Draw a scheme's points and seeds, and join those of neighbouring widths."""
    widths = study.options.bits
    color, marker, line = style
    axes.plot([], [], color=color, marker=marker, linestyle=line, label=scheme)
    joined = np.full((2, len(widths)), np.nan)  # a gap where there is no point
    for arm in study.arms_of(scheme):
        if not study.summary(arm).n:
            continue
        place = widths.index(arm.bits)
        joined[:, place] = place + (0 if arm.bits == FLOAT else dodge), _percent(study, arm)[0]
        if arm.bits != FLOAT:
            _draw_point(axes, study, arm, style, place + dodge)
    axes.plot(*joined, color=color, linestyle=line, linewidth=1.4, zorder=2)


def _draw_point(axes: Axes, study: Study, arm: Arm, style: Style, x: float) -> None:
    mean, sd = _percent(study, arm)
    seeds = [100 * (result.accuracy or 0) for result in study.done(arm)]
    color, marker, _ = style
    axes.errorbar(x, mean, sd, color=color, marker=marker, markersize=6.5, capsize=3, zorder=3)
    axes.plot([x] * len(seeds), seeds, ".", color=color, alpha=0.4, markersize=5, zorder=1)
    if mean < _limits(study)[0]:
        _point_down(axes, x, mean, color)


def _point_down(axes: Axes, x: float, mean: float, color: str) -> None:
    """Say at the lower edge that a point lies below it."""
    axes.annotate(
        f"{mean:.0f} %",
        xy=(x, 0.005),
        xytext=(x, 0.07),
        xycoords=("data", "axes fraction"),
        color=color,
        fontsize=9,
        ha="center",
        arrowprops={"arrowstyle": "->", "color": color},
    )


def _limits(study: Study) -> tuple[float, float]:
    """Return the range of accuracies to show: all arms, but for those that are far below."""
    arms = [arm for arm in study.arms if study.summary(arm).n]
    ends = np.array([[m - s, m + s] for m, s in (_percent(study, arm) for arm in arms)])
    low = ends[ends > _floor(ends)].min()
    margin = max(0.08 * (ends.max() - low), 0.25)
    return max(0.0, low - margin), min(100.0, float(ends.max()) + margin)


def _floor(accuracies: Array) -> float:
    """Return where far below begins: five times the spread of the middle half under the median."""
    quarter, middle, three_quarters = np.percentile(accuracies, [25, 50, 75])
    return float(middle - np.clip(5 * (three_quarters - quarter), 1, FAR_BELOW))


def training_curves(study: Study) -> bytes:
    """Return a PNG: a column for each width; test accuracy above, training loss below."""
    widths = [b for b in study.options.bits if b != FLOAT and _trained(study, b)] or [FLOAT]
    figure = Figure(figsize=(1.6 + 2.5 * len(widths), 6), layout="constrained")
    grid = figure.subplots(2, len(widths), sharex=True, sharey="row", squeeze=False)
    looks = {"float": FLOAT_STYLE} | styles(study.options.schemes)
    for column, bits in enumerate(widths):
        for arm in _trained(study, bits):
            style = looks[arm.scheme]
            _draw_curve(grid[0, column], 100 * _curve(study, arm, "val_accuracy"), arm, style)
            _draw_curve(grid[1, column], _curve(study, arm, "loss"), arm, style)
        _list_below(grid[0, column], study, _trained(study, bits))
        grid[0, column].set_title("float" if bits == FLOAT else f"{bits} bit{'s'[: bits - 1]}")
        grid[1, column].set_xlabel("epoch")
        grid[1, column].xaxis.set_major_locator(MaxNLocator(4, integer=True))
    grid[0, 0].set_ylabel("test accuracy (%)")
    grid[1, 0].set_ylabel("training loss (log scale)")
    grid[1, 0].set_yscale("log")
    grid[1, 0].yaxis.set_major_formatter("{x:g}")
    grid[0, 0].set_ylim(*_curve_limits(study))
    for axes in grid.flat:
        axes.grid(color="0.92")
    # One legend for all panels: the lines of a scheme look the same in each.
    found = {str(line.get_label()): line for axes in grid[0] for line in axes.get_lines()}
    lines = {label: found[label] for label in looks if label in found}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=6, fontsize=9)
    figure.suptitle(f"{study.title()}: means over seeds", fontsize=11)
    return _png(figure)


def _trained(study: Study, bits: int) -> list[Arm]:
    """Return the arms at a width that have results, float first."""
    arms = [arm for arm in study.arms if arm.bits in (bits, FLOAT)]
    return [arm for arm in arms if study.summary(arm).n]


def _draw_curve(axes: Axes, curve: Array, arm: Arm, style: Style) -> None:
    epochs = np.arange(1, len(curve) + 1)
    width = 1.2 if arm.bits == FLOAT else 1.5
    color, marker, line = style
    axes.plot(
        epochs,
        curve,
        color=color,
        linestyle=line,
        marker=marker,
        markersize=4.5,
        markevery=max(1, len(curve) // 5),
        linewidth=width,
        label=arm.scheme,
    )


def _list_below(axes: Axes, study: Study, arms: Sequence[Arm]) -> None:
    """Name the arms whose curve lies below what is shown."""
    best = {arm.scheme: 100 * _curve(study, arm, "val_accuracy").max() for arm in arms}
    lowest = _curve_limits(study)[0]
    below = [f"{scheme}: {value:.0f} %" for scheme, value in best.items() if value < lowest]
    if below:
        axes.text(
            0.97,
            0.03,
            "\n".join(["below:", *below]),
            fontsize=9,
            ha="right",
            transform=axes.transAxes,
        )


def _curve(study: Study, arm: Arm, key: str) -> Array:
    """Return the mean over seeds of a measurement, epoch by epoch."""
    runs = [[epoch[key] for epoch in result.history] for result in study.done(arm)]
    mean: Array = np.array(runs, dtype=np.float64).mean(axis=0)
    return mean


def _curve_limits(study: Study) -> tuple[float, float]:
    """Return the accuracies to show: where most curves are after the first epochs."""
    curves = [
        100 * _curve(study, arm, "val_accuracy") for arm in study.arms if study.summary(arm).n
    ]
    settled = np.array(curves)[:, len(curves[0]) // 4 :]
    low = settled[settled > _floor(settled)].min()
    margin = max(0.06 * (settled.max() - low), 0.25)
    return max(0.0, low - margin), min(100.0, settled.max() + margin)


def _percent(study: Study, arm: Arm) -> tuple[float, float]:
    found = study.summary(arm)
    return 100 * (found.mean or 0.0), 100 * (found.sd or 0.0)


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()
