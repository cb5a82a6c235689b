"""A report as a file; the suffix says which kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnn_core.errors import CompareError, SpecError
from qnn_core.files import atomic_write

from .. import figures
from .html import html
from .live_nets import write_live
from .markdown import markdown

if TYPE_CHECKING:
    from ...comparison import Comparison


def write(
    comparison: "Comparison",
    path: Path,
    *,
    title: str,
    about: str = "",
    notes: str = "",
    live: Mapping[str, Any] | None = None,
) -> Path:
    """Write a report; see `Comparison.report`."""
    if path.suffix not in (".html", ".md"):
        raise SpecError(f"report: {path} must end in .html or .md, which says what to write")
    if path.suffix == ".html" and (about or notes):
        raise SpecError("report: about and notes are those of a page of Markdown (.md)")
    if path.suffix == ".md" and live is not None:
        raise SpecError("report: live= is of a page of HTML (.html)")
    figures.check_any(comparison, "report")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".html":
            # First: a link leads to what is there.
            nets = write_live(comparison, path, live)
            atomic_write(path, html(comparison, live=nets).encode())
        else:
            for name, content in figures.contents(comparison, "png").items():
                atomic_write(path.parent / name, content)
            atomic_write(path, markdown(comparison, title, about, notes).encode())
    except OSError as error:
        raise CompareError(f"report: {path} cannot be written: {error}") from error
    return path
