"""The panels of the microscope: each draws one thing on axes of matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...display import BLUE, ORANGE
from ...quantizer import QParams, Quantizer, codebook
from .over_time import Snapshot, bins
from .weights import Weights, along

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]
GREY = "0.55"
GIVEN, PLURAL = {"weight": "latent", "data": "data"}, {"weight": "weights", "data": "data"}
FEW = 16  # levels whose thresholds are told apart
MANY = 32  # levels whose bars are
NAMED = 9  # levels that have room for their names
SMALLEST, LARGEST = 1e-4, 1.0  # of a step, in units of the scale
STEPS = 41


def finish(axes: "Axes", title: str, x: str, y: str = "") -> None:
    """Write what a panel shows."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _unit(what: str, less: str) -> str:
    """Return what is drawn; `less` is what was taken from it, such as ``" - shift"``."""
    return f"({what}{less}) / scale" if less else f"{what} / scale"


def mark_thresholds(axes: "Axes", quantizer: Quantizer) -> None:
    """Draw a dashed line at each threshold, if they are few enough to be told apart."""
    thresholds = codebook(quantizer).thresholds
    if thresholds.size < FEW:
        for threshold in thresholds:
            axes.axvline(threshold, color="0.45", linewidth=0.8, linestyle="--", zorder=0)


def draw_weights(
    axes: "Axes",
    u: Array,
    counts: Array,
    quantizer: Quantizer,
    scale: str,
    *,
    what: str = "weight",
    less: str = "",
) -> None:
    """Draw latent weights above the line, and the levels that they become below it."""
    levels = codebook(quantizer).levels.astype(np.float64)
    edges = bins(codebook(quantizer).levels)
    share, _ = np.histogram(np.clip(u, edges[0], edges[-1]), edges)
    share = share / share.max()
    axes.stairs(share, edges, fill=True, color=BLUE, alpha=0.85, label=GIVEN[what])
    # Of logarithmic schemes the least distance is too small to be seen.
    width = max(0.55 * float(np.diff(levels).min()), 0.02 * float(levels[-1] - levels[0]))
    below = -counts / counts.max()
    edge = "black" if levels.size <= MANY else "none"
    axes.bar(levels, below, width, color=ORANGE, label="quantized", edgecolor=edge, lw=0.4)
    axes.axhline(0, color="black", linewidth=0.8)
    mark_thresholds(axes, quantizer)
    axes.set_yticks([])
    axes.set_ylim(-1.15, 1.4)
    axes.legend(loc="upper center", ncols=2, fontsize=8, frameon=False)
    title = f"{PLURAL[what].capitalize()}: above as given, below quantized"
    if what == "weight":
        title = "Weights: latent above, quantized below"
    finish(axes, title, f"{_unit(what, less)} ({scale})")
    axes.spines["left"].set_visible(False)


def draw_codes(axes: "Axes", counts: Array, quantizer: Quantizer, *, what: str = "weight") -> None:
    """Draw how often each code occurs."""
    levels = codebook(quantizer).levels
    share = counts / counts.sum()
    few = levels.size <= MANY
    bar: dict[str, Any] = {"edgecolor": "black", "lw": 0.4} if few else {"edgecolor": "none"}
    axes.bar(range(levels.size), 100 * share, 0.85 if few else 1.0, color=ORANGE, **bar)
    unused = np.flatnonzero(counts == 0)
    if few and unused.size:
        axes.plot(unused, np.zeros(unused.size), "x", color="0.3", ms=5, clip_on=False)
    used = share[share > 0]
    entropy = float(-(used * np.log2(used)).sum())
    shown = range(0, levels.size, -(-levels.size // NAMED))
    axes.set_xticks(shown, [f"{n}\n{levels[n]:.3g}" for n in shown])
    told = f"entropy {abs(entropy):.2f} of {np.log2(levels.size):.2f} bits"
    finish(
        axes,
        f"Codes: {told}",
        f"code, and its level below{'; x: never' if few and unused.size else ''}",
        f"% of the {PLURAL[what]}",
    )


def draw_gradient(
    axes: "Axes",
    quantizer: Quantizer,
    u: Array | None = None,
    *,
    what: str = "weight",
    less: str = "",
) -> None:
    """Draw how much of the gradient passes at each place, over the weights if they are given."""
    edges = bins(codebook(quantizer).levels)
    at = np.linspace(edges[0], edges[-1], 601, dtype=np.float32)
    passes = quantizer.surrogate(at)
    title = "Gradient that passes (straight-through)"
    if u is not None:
        share, _ = np.histogram(np.clip(u, edges[0], edges[-1]), edges)
        top = max(1.0, float(passes.max()))
        axes.stairs(top * share / share.max(), edges, fill=True, color="0.85", label=GIVEN[what])
        none = float(np.mean(quantizer.surrogate(u) == 0))
        title = f"Gradient: {none:.1%} of the {PLURAL[what]} get none"
    axes.plot(at, passes, color=BLUE, linewidth=1.8, label="d(quantized)/dx")
    axes.fill_between(at, passes, color=BLUE, alpha=0.15)
    mark_thresholds(axes, quantizer)
    axes.set_ylim(min(0.0, float(passes.min())) - 0.05, 1.25 * max(1.0, float(passes.max())))
    axes.legend(loc="upper center", ncols=2, fontsize=8, frameon=False)
    finish(axes, title, _unit(what, less) if u is not None else "x / scale", "share")


def draw_update(axes: "Axes", weights: Weights, gradient: Array | None, lr: float | None) -> None:
    """Draw how many codes a step changes, by its size."""
    distances = np.sort(weights.to_next_code())
    sizes = np.geomspace(SMALLEST, LARGEST, STEPS)
    most = 100 * np.searchsorted(distances, sizes, side="right") / distances.size
    axes.plot(sizes, most, color=GREY, linestyle="--", label="each to its nearest threshold")
    title = "One update: codes that a step changes"
    if gradient is not None and not np.all(np.isfinite(gradient)):
        title, gradient = "One update: the last gradient is not finite", None
    root = 0.0 if gradient is None else float(np.sqrt(np.mean(gradient.astype(np.float64) ** 2)))
    if gradient is not None and root:
        unit, _ = along(weights, gradient, np.array([1e-3 / root]))
        rates = sizes / max(float(unit[0]), 1e-30) * (1e-3 / root)
        moved, shares = along(weights, gradient, rates)
        axes.plot(moved, 100 * shares, color=BLUE, linewidth=1.8, label="along the last gradient")
        if lr is not None:
            moved, shares = along(weights, gradient, np.array([lr]))
            axes.plot(moved, 100 * shares, "o", color=ORANGE, mec="black", ms=7, clip_on=False)
            count = round(float(shares[0]) * weights.codes.size)
            title = f"One update, lr {lr:g}: {count:,} of {weights.codes.size:,} codes"
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST, LARGEST)
    axes.set_ylim(bottom=0)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    finish(axes, title, "root mean square of the step / scale", "% of the codes")


def draw_course(axes: "Axes", snapshots: Sequence[Snapshot], quantizer: Quantizer) -> None:
    """Draw the latent weights over the epochs: darker where there are more."""
    edges = bins(codebook(quantizer).levels)
    epochs = np.array([snapshot.epoch for snapshot in snapshots], np.float64)
    counts = np.array([snapshot.latent for snapshot in snapshots], np.float64)
    # The root, so that the few between the levels can be seen.
    shares = np.sqrt(counts / counts.max(axis=1, keepdims=True))
    axes.pcolormesh(_borders(epochs), edges, shares.T, cmap="Blues", vmin=0, vmax=1)
    thresholds = codebook(quantizer).thresholds
    if thresholds.size < FEW:
        for threshold in thresholds:
            axes.axhline(threshold, color="0.2", linewidth=0.9, linestyle="--")
    axes.locator_params(axis="x", integer=True)
    finish(axes, "Latent weights over time", "epoch", "weight / scale")


def draw_changes(axes: "Axes", snapshots: Sequence[Snapshot]) -> None:
    """Draw how many codes changed in each epoch, and how many weights get no gradient."""
    epochs = [snapshot.epoch for snapshot in snapshots]
    changed = [100 * snapshot.changed for snapshot in snapshots[1:]]
    axes.plot(epochs[1:], changed, "o-", color=BLUE, ms=4, label="codes that changed")
    masked = [100 * snapshot.masked for snapshot in snapshots]
    axes.plot(epochs, masked, "s--", color=ORANGE, ms=4, label="weights without a gradient")
    axes.set_ylim(bottom=0)
    axes.grid(color="0.92")
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="best", fontsize=8, frameon=False)
    finish(axes, "What each epoch changed", "epoch", "%")


def draw_staircase(axes: "Axes", quantizer: Quantizer, qparams: QParams | None) -> None:
    """Draw the value that each number becomes, and the thresholds; in units of many scales."""
    book = codebook(quantizer)
    known = qparams is not None and np.size(qparams.scale) == 1
    scale = float(np.reshape(qparams.scale, ())) if qparams is not None and known else 1.0
    shift = float(np.reshape(qparams.shift, ())) if qparams is not None and known else 0.0
    edges = bins(book.levels)
    steps = np.array([edges[0], *book.thresholds, edges[-1]], np.float64)
    x = scale * np.repeat(steps, 2)[1:-1] + shift
    levels = scale * book.levels.astype(np.float64) + shift
    axes.plot(x[[0, -1]], x[[0, -1]], color=GREY, linewidth=0.8, linestyle=":", label="x itself")
    axes.plot(x, np.repeat(levels, 2), color=BLUE, linewidth=2, label="quantized")
    if book.levels.size <= FEW:
        for threshold in x[1:-1:2]:
            axes.axvline(threshold, color="0.8", linewidth=0.8, linestyle="--", zorder=0)
        named = levels[:: -(-levels.size // NAMED)]  # more would be written over each other
        axes.set_yticks(named, [f"{level:.3g}" for level in named])
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    plural = "s" if book.thresholds.size > 1 else ""
    title = f"{book.levels.size} levels, {book.thresholds.size} threshold{plural}"
    finish(axes, title, "x" if known else "x / scale")


def draw_scale_gradient(axes: "Axes", quantizer: Quantizer) -> None:
    """Draw what the value of each number gains if the scale grows."""
    book = codebook(quantizer)
    edges = bins(book.levels)
    at = np.linspace(edges[0], edges[-1], 1201, dtype=np.float32)
    levels = book.levels[quantizer.encode(at)]
    gradient = quantizer.scale_gradient(at, levels, quantizer.surrogate(at))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.plot(at, gradient, color=ORANGE, linewidth=1.6)
    mark_thresholds(axes, quantizer)
    finish(axes, "d(quantized)/d(scale)", "x / scale")


def _borders(epochs: Array) -> Array:
    """Return where the column of each epoch begins and ends."""
    if epochs.size == 1:
        return np.array([epochs[0] - 0.5, epochs[0] + 0.5])
    middles = (epochs[1:] + epochs[:-1]) / 2
    return np.array([2 * epochs[0] - middles[0], *middles, 2 * epochs[-1] - middles[-1]])
