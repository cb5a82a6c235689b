"""A quantizer's staircase, and its gradient below."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .svg import Plot

Array = NDArray[np.float32]
POINTS = 241  # of the gradient: every step of the surrogates can be seen


def staircase(levels: Array, thresholds: Array, surrogate: Callable[[Array], Array]) -> str:
    """Return SVG of the level of each number, and of how much of the gradient passes there.

    Both are in units of the scale. Strokes at the bottom are thresholds, the dashed line is the
    number itself, the filled area below the straight-through estimator's gradient.

    Args:
        levels: ascending.
        thresholds: ascending, one fewer.
        surrogate: of an array of numbers.
    """
    low, high = float(levels[0]), float(levels[-1])
    room = 0.25 * (high - low)
    x = low - room, high + room
    stairs = Plot(
        x, x, size=(220, 170), margin=(38, 8, 10, 18), label=f"staircase of {levels.size} levels"
    )
    stairs.rule(x=0)
    stairs.rule(y=0)
    stairs.line(x, x, "currentColor", width=0.7, dash="3 3")
    edges = np.repeat(np.array([x[0], *thresholds, x[1]], np.float64), 2)[1:-1]
    stairs.line(edges, np.repeat(levels, 2), Plot.BLUE, width=2)
    stairs.ticks(thresholds)
    stairs.left(f"{high:g}", high)
    stairs.left(f"{low:g}", low)
    for end in (low, high):
        stairs.words(f"{end:g}", end, x[0], dy=14)
    u = np.linspace(*x, POINTS, dtype=np.float32)
    passed = np.asarray(surrogate(u), np.float64)
    top = max(1.0, float(passed.max()))
    gradient = Plot(
        x, (min(0.0, float(passed.min())), top), size=(220, 34), margin=(38, 4, 10, 4),
        label="gradient that passes",
    )  # fmt: skip # one plot
    gradient.area([*u], [*passed], Plot.ORANGE)
    gradient.line(u, passed, Plot.ORANGE)
    gradient.rule(y=0)
    gradient.left("d/dx", top / 2)
    return (
        '<div style="display:inline-block;vertical-align:top">'
        f"{stairs.svg()}<br>{gradient.svg()}</div>"
    )
