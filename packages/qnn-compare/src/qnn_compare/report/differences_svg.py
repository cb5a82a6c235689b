"""The differences to the reference as a small picture for notebooks."""

from typing import TYPE_CHECKING

from qnn_core.display import Plot

if TYPE_CHECKING:
    from ..comparison import Comparison

ROW = 17  # pixels
NAME = 28  # characters of a name; of a longer one the beginning


def differences_svg(comparison: "Comparison") -> str:
    """Return SVG of the difference of each config with its interval; nothing if there is none.

    Between the dashed lines is what is too small to matter. Blue is decided, orange is not.
    """
    pairs = [pair for pair in comparison.against() if pair.n and pair.difference is not None]
    if not pairs:
        return ""
    factor = comparison.metric.factor
    margin = factor * comparison.margin
    found = [
        [factor * (pair.difference or 0.0 if end is None else end) for end in (pair.low, pair.high)]
        for pair in pairs
    ]
    low = min(-margin, *(ends[0] for ends in found))
    high = max(margin, *(ends[1] for ends in found))
    room, count = 0.04 * (high - low), len(pairs)
    names = [p.config if len(p.config) <= NAME else p.config[: NAME - 3] + "..." for p in pairs]
    plot = Plot(
        (low - room, high + room),
        (0, count),
        size=(320, ROW * count),
        margin=(14 + 6 * max(map(len, names)), 4, 12, 32),
        label=f"differences to {comparison.reference.name}",
    )
    plot.rule(x=0)
    for edge in (-margin, margin):
        plot.rule(x=edge, dash="3 3")
    for row, (pair, name, ends) in enumerate(zip(pairs, names, found, strict=True)):
        y = count - row - 0.5
        color = Plot.BLUE if pair.decided else Plot.ORANGE
        mean = factor * (pair.difference or 0.0)
        plot.line(ends, [y, y], color)
        plot.line([mean, mean], [y - 0.22, y + 0.22], color, width=4)
        plot.left(name, y)
    unit = "points" if comparison.metric.shares else comparison.metric.name
    for value in (low, 0, high):
        plot.words(f"{value:+.3g}" if value else "0", value, 0, dy=13)
    plot.words(f"difference to {comparison.reference.name}, {unit}", (low + high) / 2, 0, dy=27)
    return plot.svg()
