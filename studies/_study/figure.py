"""The figure of a study: the accuracy of each arm, and how the training went."""

import io
from itertools import cycle
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from .plan import Arm
from .results import Results

# The colours of Okabe and Ito (2008), without yellow, too pale on white.
COLORS = ("black", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


def figure(results: Results, measured: str) -> bytes:
    """Return a PNG: accuracies with marks on the left, training loss over epochs on the right."""
    found = Figure(figsize=(9.5, 4.2), layout="constrained")
    left, right = found.subplots(1, 2, width_ratios=(1.1, 1))
    looks = zip(results.arms(), cycle(COLORS), cycle(LINES), strict=False)
    for place, (arm, color, line) in enumerate(looks):
        _draw_arm(left, results, arm, place, color)
        _draw_loss(right, results, arm, color, line)
    names = [arm.name.replace(", ", "\n") for arm in results.arms()]
    # In two lines where one would run into the next.
    left.set_xticks(range(len(names)), [fill(name, 8, break_long_words=False) for name in names])
    left.set_xlim(-0.5, len(names) - 0.5)
    left.set_ylabel(f"accuracy (%) of {measured}")
    left.plot([], [], "_", color="0.4", markersize=18, label="mark")
    left.plot([], [], ".", color="0.6", label="seeds")
    left.errorbar([], [], [], fmt="o", color="0.2", capsize=4, label="mean, 95 % interval")
    left.legend(fontsize=8, loc="best")
    right.set_xlabel("epoch")
    right.set_ylabel("training loss, mean of seeds (log scale)")
    right.set_yscale("log")
    right.yaxis.set_major_formatter("{x:g}")
    # Numbers between the powers of ten only where the axis spans less than two of them.
    right.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(fontsize=8)
    for axes in (left, right):
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
    found.suptitle(results.study.title, fontsize=11)
    return _png(found)


def _draw_arm(axes: Axes, results: Results, arm: Arm, place: int, color: str) -> None:
    values, found = results.accuracies(arm), results.interval(arm)
    half = 0.0 if np.isnan(found.low) else found.high - found.mean
    axes.errorbar(place, found.mean, half, fmt="o", color=color, capsize=4, zorder=3)
    axes.plot([place + 0.18] * len(values), values, ".", color=color, alpha=0.45)
    mark = results.mark(arm)
    if mark is not None:
        axes.plot([place - 0.35, place + 0.35], [mark] * 2, color="0.4", linewidth=1.5)


def _draw_loss(axes: Axes, results: Results, arm: Arm, color: str, line: object) -> None:
    losses = np.array([[e["loss"] for e in run.history] for run in results.of_arm(arm)])
    epochs = np.arange(1, losses.shape[1] + 1)
    mean = losses.mean(axis=0)
    axes.plot(epochs, mean, color=color, linestyle=line, marker=".", label=arm.name)


def _png(found: Figure) -> bytes:
    content = io.BytesIO()
    found.savefig(content, format="png", dpi=130)
    return content.getvalue()
