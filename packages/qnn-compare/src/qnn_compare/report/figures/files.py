"""Figures as files: the same bytes for the same comparison."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from qnn_core.errors import CompareError, SpecError, nearest
from qnn_core.files import atomic_write

from ...metric import Metric
from . import bits, curves, differences, size

if TYPE_CHECKING:
    from ...comparison import Comparison

DPI = 150
# Files would tell the time.
UNDATED = {"svg": "Date", "svgz": "Date", "pdf": "CreationDate"}


class Draw(Protocol):
    """What draws a figure: in axes of the caller's, or in a figure of its own."""

    def __call__(self, comparison: "Comparison", ax: Axes | None = None) -> Figure:
        """Return the figure."""
        ...


class Picture(NamedTuple):
    """A figure.

    Attributes:
        name: of its files, without suffix.
        title: of what it shows.
        about: how to read it; also for those who cannot see it.
        draw: makes it.
    """

    name: str
    title: str
    about: str
    draw: Draw

    def content(self, comparison: "Comparison", suffix: str, **options: Any) -> bytes:
        """Return it as the content of a file."""
        content = io.BytesIO()
        undated = {UNDATED[suffix]: None} if suffix in UNDATED else None
        # Names inside an SVG would be drawn by chance.
        with rc_context({"svg.hashsalt": "qnn"}):
            self.draw(comparison).savefig(
                content, format=suffix, dpi=DPI, metadata=undated, **options
            )
        return content.getvalue()


PICTURES = (
    Picture(
        "differences",
        "What each config costs",
        "The difference of each config to the reference, with its 95 % interval; the grey band is "
        "what is too small to matter. Filled: decided; hollow: undecided.",
        differences.draw,
    ),
    Picture(
        "accuracy-over-bits",
        "Accuracy over bits",
        "Mean test accuracy of each series over its bits, with 95 % intervals; pale dots are "
        "single seeds, the grey line is the reference, the band what is too small to matter; "
        "hollow: undecided.",
        bits.draw,
    ),
    Picture(
        "accuracy-over-bytes",
        "Accuracy over bytes",
        "Mean test accuracy of each config over the size of its packed file, with 95 % intervals; "
        "no config lies above and to the left of the Pareto front.",
        size.draw,
    ),
    Picture(
        "accuracy-over-cycles",
        "Accuracy over cycles",
        "Mean test accuracy of each config over the modelled cycles of an inference as C, with "
        "95 % intervals; no config lies above and to the left of the Pareto front.",
        size.draw_cycles,
    ),
    Picture(
        "training-curves",
        "Training curves",
        "Test accuracy and training loss over the epochs, means over the seeds, a panel for each "
        "width.",
        curves.draw,
    ),
)


def pictures(comparison: "Comparison") -> list[Picture]:
    """Return the figures that there is something to show in.

    No differences where there is one config, no sizes if nothing is packed, no cycles if nothing is
    measured as C, no lines over bits of
    configs with names of their own, and no curves where none were kept.
    """
    packed = any(comparison.nbytes(config) for config in comparison.configs)
    elsewhere = not comparison.plan.configuration
    shown: dict[Draw, bool] = {
        differences.draw: any(pair.n for pair in comparison.against()),
        bits.draw: any(config.own_name is None for config in comparison.configs),
        size.draw: packed,
        size.draw_cycles: any(comparison.cost(c, "c_cycles") for c in comparison.configs),
        curves.draw: not elsewhere and curves.known(comparison),
    }
    found = [_named(picture, comparison.metric) for picture in PICTURES if shown[picture.draw]]
    if any(map(comparison.partial, comparison.configs)):
        more = " Configs that lack seeds are not on it, since their means are over other seeds."
        found = [
            p._replace(about=p.about + more) if p.draw in (size.draw, size.draw_cycles) else p
            for p in found
        ]
    return found


def _named(picture: Picture, metric: Metric) -> Picture:
    """Return a picture whose words are of the metric, which is mostly an accuracy."""
    if metric.name == "accuracy":
        return picture

    def told(text: str) -> str:
        text = text.replace("ccuracy", "\0").replace("A\0", metric.name).replace("a\0", metric.name)
        return text if metric.higher_is_better else text.replace("lies above", "lies below")

    return picture._replace(title=told(picture.title), about=told(picture.about))


def figure_of(comparison: "Comparison", of: str | None, ax: Axes | None) -> Figure:
    """Return one figure; see `Comparison.plot`."""
    check_any(comparison, "plot")
    found = {picture.name: picture for picture in pictures(comparison)}
    if of is None and found:
        return next(iter(found.values())).draw(comparison, ax)
    if of not in found:
        known = [picture.name for picture in PICTURES]
        why = "there is nothing to show in it" if of in known else "there is no such figure"
        raise SpecError(
            f"plot: {why}: {of!r}; there are {', '.join(found) or 'none'}" + nearest(str(of), found)
        )
    return found[of].draw(comparison, ax)


def write(comparison: "Comparison", folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write every figure in every format; see `Comparison.plot`."""
    check_any(comparison, "plot")
    known = FigureCanvasBase.get_supported_filetypes()
    if isinstance(formats, str) or not formats:
        raise SpecError(f"plot: formats must be a list such as ['png', 'svg'], got {formats!r}")
    for suffix in formats:
        if suffix not in known:
            raise SpecError(
                f"plot: a format is one of {', '.join(sorted(known))}, got {suffix!r}"
                + nearest(str(suffix), known)
            )
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in formats:
            for name, content in contents(comparison, suffix).items():
                atomic_write(folder / name, content)
                paths.append(folder / name)
    except OSError as error:
        raise CompareError(f"plot: {folder} cannot be written to: {error}") from error
    return paths


def contents(comparison: "Comparison", suffix: str) -> dict[str, bytes]:
    """Return the content of a file for each figure, by its name."""
    return {p.name + f".{suffix}": p.content(comparison, suffix) for p in pictures(comparison)}


def check_any(comparison: "Comparison", what: str) -> None:
    """Raise a CompareError if there is nothing to show."""
    if not any(result.done for result in comparison.results.values()):
        raise CompareError(f"{what}: no run has been trained to its end, so there is no accuracy")
