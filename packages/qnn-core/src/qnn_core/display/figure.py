"""Figures by matplotlib, which is optional: axes to draw on, and files."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from ..files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of Okabe and Ito (2008): all eyes tell them apart; hatches and shapes say the same in grey.
BLUE, ORANGE = "#0072B2", "#E69F00"
GAP = 0.08  # between panels that are placed by hand, of their axes


def figure_for(
    what: str, ax: "Axes | None" = None, *, size: tuple[float, float] = (6.4, 4.0)
) -> "tuple[Figure, Axes]":
    """Return axes to draw on, and their figure: those that are given, or new ones.

    A new figure belongs to no window: it shows itself in a notebook, and `saved` writes it.

    Args:
        what: the function that draws, for the messages.
        ax: axes of the caller, or None.
        size: of a new figure, in inches.

    Raises:
        ImportError: if matplotlib is not installed.
        TypeError: if `ax` is something else than axes.
    """
    try:
        from matplotlib.axes import Axes  # noqa: PLC0415 # it is optional

        from .shown_figure import ShownFigure  # noqa: PLC0415 # likewise
    except ImportError as error:
        raise ImportError(f"{what}: a figure needs matplotlib: pip install matplotlib") from error
    if ax is None:
        figure = ShownFigure(figsize=size, layout="constrained")
        return figure, figure.add_subplot()
    if not isinstance(ax, Axes):
        raise TypeError(
            f"{what}: ax must be one Axes of matplotlib, such as plt.subplots()[1], got "
            f"{type(ax).__name__}"
        )
    figure_of = ax.get_figure(root=True)
    assert figure_of is not None  # axes are made by a figure
    return figure_of, ax


def panels_for(
    what: str,
    ax: "Axes | None",
    widths: Sequence[float],
    rows: int = 1,
    *,
    size: tuple[float, float],
    sharey: bool = False,
) -> "tuple[Figure, list[Axes]]":
    """Return panels to draw on, row by row, and their figure.

    Args:
        what: see `figure_for`.
        ax: axes whose room is divided among the panels, and which are hidden; None for a figure.
        widths: of the panels of a row, in proportion.
        rows: how many.
        size: of a new figure, in inches.
        sharey: whether the panels of a row have one y axis.

    Raises:
        ImportError, TypeError: see `figure_for`.
    """
    figure, whole = figure_for(what, ax, size=size)
    shared: Any = "row" if sharey else False
    if ax is None:
        whole.remove()
        made = figure.subplots(rows, len(widths), width_ratios=widths, sharey=shared, squeeze=False)
        return figure, [*made.flat]
    whole.set_axis_off()
    spec = whole.get_subplotspec()
    if spec is not None:
        inner = spec.subgridspec(rows, len(widths), width_ratios=widths)
        return figure, [*inner.subplots(squeeze=False, sharey=shared).flat]
    # Axes that were placed by hand: panels inside them, with room for words between.
    each = (1 - GAP * (len(widths) - 1)) / sum(widths)
    height = (1 - 2 * GAP * (rows - 1)) / rows
    panels: list[Axes] = []
    for row in range(rows):
        left, bottom = 0.0, 1 - height - row * (height + 2 * GAP)
        for n, width in enumerate(widths):
            options: Any = {"sharey": panels[-1]} if sharey and n else {}
            panels.append(whole.inset_axes((left, bottom, width * each, height), **options))
            left += width * each + GAP
    return figure, panels


def plain(text: str) -> str:
    r"""Return text that matplotlib draws as it is: between two dollars it would read mathematics.

    Example:
        >>> plain("$4$")
        '\\$4\\$'
    """
    return text.replace("$", r"\$")


def saved(figure: "Figure", path: str | Path, what: str) -> Path:
    """Write a figure to a file, in the format of its suffix, and return the path.

    Raises:
        SpecError: if matplotlib knows no such format.
    """
    path = Path(path)
    known = figure.canvas.get_supported_filetypes()
    suffix = path.suffix.removeprefix(".")
    if suffix not in known:
        listed = ", ".join(f".{suffix}" for suffix in sorted(known))
        raise SpecError(f"{what}: {path} needs a suffix that says the format, one of {listed}")
    content = io.BytesIO()
    figure.savefig(content, format=suffix, dpi=150)
    atomic_write(path, content.getvalue())
    return path
