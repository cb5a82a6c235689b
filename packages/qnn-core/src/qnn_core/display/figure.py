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


def divided(ax: "Axes", widths: Sequence[float], **options: Any) -> "list[Axes]":
    """Return panels beside each other in the room of some axes, which are hidden.

    Args:
        ax: the axes.
        widths: of the panels, in proportion.
        options: of ``subplots``, such as ``sharey=True``.
    """
    ax.set_axis_off()
    spec, figure = ax.get_subplotspec(), ax.get_figure()
    assert figure is not None
    if spec is not None:
        inner = spec.subgridspec(1, len(widths), width_ratios=widths)
        return [*inner.subplots(squeeze=False, **options)[0]]
    # Axes that were placed by hand: panels inside them, with room for words between.
    gap, left = 0.08, 0.0
    panels: list[Axes] = []
    each = (1 - gap * (len(widths) - 1)) / sum(widths)
    for width in widths:
        shared: Any = {"sharey": panels[0]} if panels and options.get("sharey") else {}
        panels.append(ax.inset_axes((left, 0.0, width * each, 1.0), **shared))
        left += width * each + gap
    return panels


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
