"""How series look: three ways to tell each apart, for print in grey and for all eyes."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from qnn_core.display import plain

from ...experiment.configs import Config
from ...experiment.spec_bits import FLOAT
from ...formatting import broken


class Look(NamedTuple):
    """Colour, marker and line of a series."""

    color: str
    marker: str
    line: Any

    def entry(self, label: str) -> Line2D:
        """Return what a legend shows of it: an error bar's own entry is cluttered."""
        return Line2D(
            [], [], color=self.color, marker=self.marker, linestyle=self.line, label=label
        )


# The colours of Okabe and Ito (2008), without black, which is float, and yellow, too pale on white.
# In this order their greys differ most where series are few.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)))
OF_FLOAT = Look("black", "*", "-")

HOLLOW = Line2D([], [], color="0.4", marker="o", mfc="white", linestyle="", label="undecided")

FONT = 9  # points, of what is not a title
LABEL = 48  # characters in a line of a legend


DARKER = 0.7  # a colour that is good for a marker is too pale for text


def darker(color: str) -> list[float]:
    """Return a colour of text that belongs to a marker."""
    return [DARKER * part for part in to_rgb(color)]


def series_of(configs: Iterable[Config]) -> list[str]:
    """Return the names of the series, without "float", in their order.

    A float net of another name, such as a teacher, is a series of its own.
    """
    return list(dict.fromkeys(config.series for config in configs if config.series != FLOAT))


def looks(configs: Sequence[Config]) -> dict[str, Look]:
    """Return the look of each series; the cycles differ in length, so that many are told apart."""
    cycles = zip(cycle(COLORS), cycle(MARKERS), cycle(LINES), strict=False)
    found = {series: Look(*look) for series, look in zip(series_of(configs), cycles, strict=False)}
    return {FLOAT: OF_FLOAT} | found


def legend(figure: Figure, entries: Sequence[Artist], ax: Axes | None = None) -> None:
    """Put a legend below the figure, where it hides nothing, and make room for it.

    Below axes of the caller's, if such are given: their figure keeps its size.
    """
    labels = [plain(broken(str(entry.get_label()), LABEL)) for entry in entries]
    if ax is not None:
        ax.legend(
            entries, labels, loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=FONT - 1,
            ncols=min(2, len(labels)), frameon=False,
        )  # fmt: skip # one look
        return
    width, height = figure.get_size_inches()
    # A character of this size takes 0.075 inches, the sample of a line and the gap 0.7.
    taken = [0.7 + 0.075 * max(map(len, label.split("\n"))) for label in labels]
    columns = max(1, int((width - 0.2) / max(taken))) if sum(taken) > width - 0.2 else len(entries)
    lines = -(-len(entries) // columns) * max(label.count("\n") + 1 for label in labels)
    figure.set_size_inches(width, height + 0.2 * lines + 0.2)
    figure.legend(
        entries, labels, loc="outside lower center", ncols=columns, fontsize=FONT, frameon=False
    )
