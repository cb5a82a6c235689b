"""Small plots as SVG, for notebooks: a few lines, bars and words."""

from collections.abc import Iterable, Sequence
from html import escape

QUIET = 'stroke="currentColor" stroke-opacity="0.35"'

Range = tuple[float, float]


class Plot:
    """A small plot; what is drawn is given in the units of the data.

    Attributes:
        BLUE, ORANGE: as of the figures, which all eyes tell apart; the blue is lighter, so that it
            stands out from black too.

    Args:
        x: what lies at the left and at the right end.
        y: what lies at the bottom and at the top.
        size: width and height of the room for the data, in pixels.
        margin: pixels around it, for words: left, top, right, bottom.
        label: what it shows, for those who cannot see it.

    Example:
        >>> plot = Plot((0, 1), (0, 1), label="a line")
        >>> plot.line([0, 1], [0, 1], Plot.BLUE)
        >>> plot.svg().startswith("<svg")
        True
    """

    BLUE, ORANGE = "#1F86C8", "#E69F00"

    def __init__(
        self,
        x: Range,
        y: Range,
        *,
        size: tuple[int, int] = (240, 120),
        margin: tuple[int, int, int, int] = (36, 8, 8, 18),
        label: str,
    ) -> None:
        self._x, self._y = (_wide(*ends) for ends in (x, y))
        self._size, self._margin, self._label = size, margin, label
        self._parts: list[str] = []

    def line(
        self,
        x: Iterable[float],
        y: Iterable[float],
        color: str,
        *,
        width: float = 1.6,
        dash: str = "",
    ) -> None:
        """Draw a line through points."""
        points = " ".join(
            f"{self._at_x(a):.1f},{self._at_y(b):.1f}" for a, b in zip(x, y, strict=True)
        )
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"'
            f'{dashes} stroke-linejoin="round"/>'
        )

    def area(
        self, x: Sequence[float], y: Sequence[float], color: str, *, floor: float = 0.0
    ) -> None:
        """Fill what lies between a line and the floor."""
        points = [(a, b) for a, b in zip(x, y, strict=True)]
        around = [(x[0], floor), *points, (x[-1], floor)]
        shape = " ".join(f"{self._at_x(a):.1f},{self._at_y(b):.1f}" for a, b in around)
        self._parts.append(f'<polygon points="{shape}" fill="{color}" fill-opacity="0.45"/>')

    def bars(self, edges: Sequence[float], heights: Sequence[float], color: str) -> None:
        """Draw bars from 0, each from one edge to the next."""
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            x0, x1, y0, y1 = *map(self._at_x, (left, right)), *map(self._at_y, (0.0, height))
            width = max(x1 - x0 - 0.5, 0.5)
            self._parts.append(
                f'<rect x="{x0:.1f}" y="{y1:.1f}" width="{width:.1f}" height="{y0 - y1:.1f}" '
                f'fill="{color}"/>'
            )

    def rule(self, *, x: float | None = None, y: float | None = None, dash: str = "") -> None:
        """Draw a quiet line across, at an x or at a y."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        left, right = map(self._at_x, self._x)
        low, high = map(self._at_y, self._y)
        if x is not None:
            left = right = self._at_x(x)
        if y is not None:
            low = high = self._at_y(y)
        self._parts.append(
            f'<line x1="{left:.1f}" y1="{low:.1f}" x2="{right:.1f}" y2="{high:.1f}" '
            f"{QUIET}{dashes}/>"
        )

    def ticks(self, x: Iterable[float]) -> None:
        """Draw short strokes below the data."""
        low = self._at_y(self._y[0])
        for place in map(self._at_x, x):
            self._parts.append(
                f'<line x1="{place:.1f}" y1="{low:.1f}" x2="{place:.1f}" y2="{low + 4:.1f}" '
                'stroke="currentColor" stroke-opacity="0.8"/>'
            )

    def words(
        self, text: str, x: float, y: float, *, anchor: str = "middle", dy: float = 0
    ) -> None:
        """Write a word at a place; `dy` moves it down, in pixels."""
        self._parts.append(
            f'<text x="{self._at_x(x):.1f}" y="{self._at_y(y) + dy:.1f}" text-anchor="{anchor}" '
            f'fill="currentColor">{escape(text)}</text>'
        )

    def left(self, text: str, y: float) -> None:
        """Write a word left of the data, at a height."""
        self._parts.append(
            f'<text x="{self._margin[0] - 5}" y="{self._at_y(y) + 3.5:.1f}" text-anchor="end" '
            f'fill="currentColor">{escape(text)}</text>'
        )

    def svg(self) -> str:
        """Return the plot as an ``<svg>`` element."""
        (width, height), (left, top, right, bottom) = self._size, self._margin
        width, height = left + width + right, top + height + bottom
        body = "\n".join(self._parts)
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-label="{escape(self._label)}" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-size="10" '
            f'font-family="sans-serif" style="max-width:100%">\n{body}\n</svg>'
        )

    def _at_x(self, x: float) -> float:
        low, high = self._x
        return self._margin[0] + self._size[0] * (float(x) - low) / (high - low)

    def _at_y(self, y: float) -> float:
        low, high = self._y
        return self._margin[1] + self._size[1] * (high - float(y)) / (high - low)


def _wide(low: float, high: float) -> Range:
    """Return a range that is none of a single number: nothing could be placed in it."""
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
