"""Pictures of what is documented, made of the objects themselves: staircases, curves, gradients."""

import inspect
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import qnn_core as qnn
from matplotlib import rc_context
from matplotlib.figure import Figure
from qnn_core.autodiff import Op
from qnn_core.quantizer import SURROGATES, Quantizer

Draw = Callable[[Any], str | None]

INK, BLUE, ORANGE = "#010101", "#0072b2", "#d55e00"  # Okabe and Ito (2008): for all eyes
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, in the font of the page
    "svg.hashsalt": "qnn",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.titlesize": 9,
}
POINTS = 2401


def svg(figure: Figure, label: str) -> str:
    """Return a figure as SVG for a page: its ink is the page's, in light and in dark."""
    content = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    text = content.getvalue()
    text = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.S
    )
    text = text.replace(INK, "currentColor").replace(BLUE, "var(--color-brand-content)")
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = text.replace("<svg ", f'<svg class="picture" role="img" aria-label="{label}" ', 1)
    # No empty line, where raw HTML would end, and none that is longer than docutils reads.
    return " ".join(text.split()).replace("> <", ">\n<")


def one_axes(title: str, below: str = "") -> tuple[Figure, Any]:
    """Return a figure with one pair of axes; several of them stand beside or below each other."""
    figure = Figure(figsize=(3.3, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.set_xlabel(below)
    axes.axhline(0, color=INK, lw=0.4, alpha=0.5)
    axes.axvline(0, color=INK, lw=0.4, alpha=0.5)
    return figure, axes


def side_by_side(*pictures: str) -> str:
    """Return pictures in a row, which breaks where the page is narrow."""
    return "\n".join(['<div class="pictures">', *pictures, "</div>"])


def scheme_picture(quantizer: Quantizer, label: str) -> str:
    """Draw values and gradients of a quantizer over its range, with scale 1 and no shift."""
    levels = np.asarray(quantizer.levels, np.float32)
    reach = np.float32(max(abs(levels[0]), abs(levels[-1])) * 1.35)
    x = np.linspace(-reach if levels[0] < 0 else -reach / 4, reach, POINTS, dtype=np.float32)

    with rc_context(STYLE):
        staircase, axes = one_axes(f"{label}: value", "x / scale")
        axes.plot(x, x, color=INK, lw=0.5, alpha=0.5, ls=":")
        values = qnn.ops.fake_quantize(x, 1.0, quantizer=quantizer).data
        drawn = quantizer.training_levels(x, np.random.default_rng(0))
        if not np.array_equal(drawn, values):
            axes.plot(x[::6], drawn[::6], ".", color=ORANGE, ms=2, label="in training")
            axes.legend(frameon=False, loc="upper left", fontsize=8)
        axes.plot(x, values, color=BLUE, lw=1.6)

        slope, axes = one_axes("gradient, d value / dx", "x / scale")
        up, down = (gradient(quantizer, x, sign) for sign in (1.0, -1.0))
        axes.plot(x, up, color=BLUE, lw=1.6, label="g > 0")
        if not np.array_equal(up, down):
            axes.plot(x, down, color=ORANGE, lw=1.2, label="g < 0")
            axes.legend(frameon=False, loc="lower center", fontsize=8)
        axes.set_ylim(min(-0.05, 1.15 * up.min(), 1.15 * down.min()), 1.15 * max(up.max(), 1))
    return side_by_side(svg(staircase, f"values of {label}"), svg(slope, f"gradient of {label}"))


def gradient(quantizer: Quantizer, x: Any, sign: float) -> Any:
    """Return the factor on a gradient of this sign."""
    given = qnn.Tensor(x, requires_grad=True)
    values = qnn.ops.fake_quantize(given, 1.0, quantizer=quantizer)
    return qnn.grad((values * sign).sum(), [given])[0].data * sign


def of_scheme(cls: Any) -> str | None:
    """Draw the classes that are registered as schemes, at few bits."""
    names = [name for name in qnn.schemes() if type(qnn.get_quantizer(name)) is cls]
    if not names:
        return None
    return scheme_picture(*few_bits(names[0]))


def few_bits(name: str) -> tuple[Quantizer, str]:
    """Return a registered scheme at its usual bits, at most 3 where it has them, and its spec."""
    for bits in (3, 2, 1):
        try:
            return qnn.get_quantizer(f"{name}:{bits}"), f"{name}:{bits}"
        except qnn.QnnError:
            continue
    return qnn.get_quantizer(name), name


def of_function(function: Any) -> str | None:
    """Draw functions of one tensor that go element by element, with their derivative."""
    if not isinstance(function, Op) and not inspect.isfunction(function):
        return None
    name: str = function.name if isinstance(function, Op) else function.__name__
    public: Any = vars(qnn.ops).get(name)
    if public is not function or len(required(function)) != 1:
        return None
    x = np.linspace(-3, 3, POINTS, dtype=np.float32)
    with np.errstate(all="ignore"):
        try:
            given = qnn.Tensor(x, requires_grad=True)
            y = function(given)
            by_element = y.shape == x.shape and _alike(function(x[:9]).data, y.data[:9])
            if not by_element or _alike(y.data, x):
                return None
            slope = qnn.grad(y.sum(), [given])[0].data
            slope[~np.isfinite(y.data)] = np.nan
        except qnn.QnnError:
            return None
    pictures = []
    with rc_context(STYLE):
        for title, curve in ((name, y.data), (f"derivative of {name}", slope)):
            figure, axes = one_axes(title, "x")
            seen = np.where(np.isfinite(curve) & (np.abs(curve) < 8), curve, np.nan)
            jumps = np.abs(np.diff(seen, prepend=seen[:1])) > 0.5
            axes.plot(x, np.where(jumps, np.nan, seen), color=BLUE, lw=1.6)
            pictures.append(svg(figure, title))
    return side_by_side(*pictures)


def required(function: Any) -> list[inspect.Parameter]:
    """Return the parameters that a call must give."""
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]


def _alike(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-5, equal_nan=True))


def of_surrogates(table: Any) -> str | None:
    """Draw the table of surrogate gradients."""
    if table is not SURROGATES:
        return None
    v = np.linspace(-2, 2, POINTS, dtype=np.float32)
    pictures = []
    with rc_context(STYLE):
        for name in sorted(table):
            figure, axes = one_axes(name, "input, over the range -1..1")
            axes.plot(v, table[name](v, -1.0, 1.0), color=BLUE, lw=1.6)
            axes.set_ylim(-0.6, 2.8)
            pictures.append(svg(figure, f"surrogate gradient {name}"))
    return side_by_side(*pictures)


DRAWN: tuple[Draw, ...] = (of_scheme, of_function, of_surrogates)


def picture(value: Any) -> str | None:
    """Return the picture of a public object as SVG, or None where none would help."""
    return next(filter(None, (draw(value) for draw in DRAWN)), None)


def with_picture(lines: list[str], value: Any) -> list[str]:
    """Return the lines of a docstring with a picture below the first paragraph."""
    drawn = picture(value)
    if drawn is None:
        return lines
    end = lines.index("") if "" in lines else len(lines)
    raw = [f"   {line}" for line in drawn.splitlines()]
    return [*lines[:end], "", ".. raw:: html", "", *raw, "", *lines[end:]]


def add_picture(*given: Any) -> None:
    """Do that for what autodoc documents: ``app, what, name, obj, options, lines``."""
    _, what, _, value, _, lines = given
    if what in ("class", "function"):
        lines[:] = with_picture(lines, value)
