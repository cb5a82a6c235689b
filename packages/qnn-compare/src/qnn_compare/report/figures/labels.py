"""Labels beside points, where they hide neither points nor each other."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from .style import FONT, darker

# From a point, in points of print: at the corners, to the sides, above and below.
PLACES = ((5, 10), (-5, 10), (5, -10), (-5, -10), (9, 0), (-9, 0), (0, 11), (0, -11))
POINT = 5.0  # half of what a marker takes, likewise


class Label(NamedTuple):
    """A text beside a point, in data coordinates."""

    x: float
    y: float
    text: str
    color: str
    bold: bool


def place(figure: Figure, axes: Axes, labels: Sequence[Label], taken: Sequence[Bbox] = ()) -> None:
    """Write each label where there is room; one that has none, or is outside, is left out.

    Args:
        figure: drawn but for the labels.
        axes: of the figure.
        labels: the most important first.
        taken: further boxes to keep clear, in pixels.
    """
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    frame = axes.get_window_extent()
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    boxes = [_around(x, y, POINT * scale) for x, y in points]
    boxes += taken
    for label, (x, y) in zip(labels, points, strict=True):
        if not frame.contains(x, y):
            continue
        half_width, half_height = 0.31 * FONT * len(label.text) * scale, 0.5 * FONT * scale
        for right, up in PLACES:
            # Away from the point by half of its own width too, if it stands beside it.
            side = (right > 0) - (right < 0)
            offset = right + side * (half_width / scale - 3)
            middle = x + offset * scale, y + up * scale
            box = Bbox.from_extents(
                middle[0] - half_width, middle[1] - half_height,
                middle[0] + half_width, middle[1] + half_height,
            )  # fmt: skip # two corners
            inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
            if inside and not any(box.overlaps(other) for other in boxes):
                _write(axes, label, (offset, up))
                boxes.append(box)
                break


def _around(x: float, y: float, half: float) -> Bbox:
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def _write(axes: Axes, label: Label, offset: tuple[float, float]) -> None:
    axes.annotate(
        label.text,
        (label.x, label.y),
        offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=FONT,
        fontweight="bold" if label.bold else "normal",
        color=darker(label.color),
        zorder=6,
        # Lines may pass behind it.
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )
