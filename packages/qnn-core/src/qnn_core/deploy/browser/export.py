"""Nets as one page that needs no server: a drawing, their answers side by side, and their bits."""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...data import as_array
from ...errors import DtypeError, ExportError, NonFiniteError, ShapeError, SpecError
from ...files import atomic_write
from ...look import style
from ..graph import Graph
from ..pixels import Transform
from .answers import Task, answers_of
from .blob import Blob
from .inputs import Given, InputKind, given_of
from .lower import Lowered, lower
from .probes import COUNT, expected, probes

TITLE = "Low-bit nets, live"

# Files of the library that a page holds, in order.
ENGINE = ("arithmetic.js", "planes.js", "engine.js")
PARTS = ("page.css", *ENGINE, "drawing.js", "numbers.js", "pictures.js", "page.js")


class Packed(NamedTuple):
    """A net of a page.

    Attributes:
        name: that stands above its answers.
        graph: fused.
        nbytes: of its packed file.
    """

    name: str
    graph: Graph
    nbytes: int


@dataclass(frozen=True)
class Page:
    """A page that was written; ``print`` tells it.

    Attributes:
        path: of the file.
        nbytes: its size.
        nets: names of its nets.
        notes: what a user should know, in lines.
    """

    path: Path
    nbytes: int
    nets: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        count = f"{len(self.nets)} net{'s' if len(self.nets) > 1 else ''}"
        return "\n".join([f"{self.path}: {count}, {self.nbytes:,} bytes", *self.notes])


def write_page(
    nets: Sequence[Packed],
    path: str | Path,
    *,
    input: InputKind | None = None,
    transform: Transform = None,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    task: Task | None = None,
    title: str | None = None,
) -> Page:
    """Write nets as a page; see `qnn_core.page`."""
    path = Path(path)
    if path.suffix not in (".html", ".htm"):
        raise SpecError(f"page: {path} must end in .html, as browsers want it")
    if not nets:
        raise SpecError("page: at least one net is needed")
    given = given_of([(net.name, net.graph) for net in nets], input, transform)
    blob, tried = Blob(), probes(given)
    lowered = [_lowered(net, blob) for net in nets]
    shapes = {net.name: made.shapes for net, made in zip(nets, lowered, strict=True)}
    answers = answers_of(shapes, task, classes)
    content = {
        "input": _input(given, blob),
        "answers": {"task": answers.task, "classes": answers.classes},
        "probes": COUNT,
        "samples": _samples(samples, given, blob),
        "nets": [_net(*both, tried) for both in zip(nets, lowered, strict=True)],
    }
    # A title may come from the name of a file, which may be no text.
    page = _html(content, blob.content, title or TITLE).encode(errors="replace")
    atomic_write(path, page)
    names = tuple(net.name for net in nets)
    return Page(path, len(page), names, tuple(_notes(given, names, lowered)))


def _lowered(net: Packed, blob: Blob) -> Lowered:
    try:
        return lower(net.graph, blob)
    except ExportError as error:
        told = str(error).removeprefix("page: ")
        raise ExportError(f"page: {net.name}: {told}") from error


def _input(given: Given, blob: Blob) -> dict[str, Any]:
    arrays = {"pixels": given.pixels, "mean": given.mean, "std": given.std}
    kept = {name: None if a is None else blob.floats(a) for name, a in arrays.items()}
    return {"kind": given.kind, "shape": list(given.shape), "told": given.told, **kept}


def _net(net: Packed, made: Lowered, tried: NDArray[np.float32]) -> dict[str, Any]:
    answers = [made.blob.floats(y) for y in expected(made.graph, tried)]
    about = {"name": net.name, "nbytes": net.nbytes, "cut": made.cut}
    return {**about, "program": made.program, "expected": answers}


def _samples(samples: Any, given: Given, blob: Blob) -> dict[str, Any] | None:
    """Return samples as they are shown: bytes of pixels, or numbers."""
    if samples is None:
        return None
    array = as_array(samples, "page: samples")
    if array.ndim < 2 or not len(array) or array[0].size != given.size:
        raise ShapeError(
            f"page: samples [n, {', '.join(map(str, given.shape))}] are needed, got {array.shape}"
        )
    with np.errstate(over="ignore"):
        finite = np.all(np.isfinite(array.astype(np.float32)))
    if not finite:
        raise NonFiniteError("page: samples must be numbers that are finite as float32")
    if given.kind == "drawing" and array.dtype != np.uint8:
        raise DtypeError(
            f"page: samples of drawings are pixels, uint8 from 0 to 255, got {array.dtype}: they "
            "are transformed as drawings are"
        )
    flat = array.reshape(len(array), -1)
    kept = blob.codes(flat, 8) if flat.dtype == np.uint8 else blob.floats(flat)
    return {"count": len(flat), "values": kept}


def _notes(given: Given, names: Sequence[str], lowered: Sequence[Lowered]) -> Iterator[str]:
    if given.told:
        yield f"the nets are given {given.told}"
    for name, made in zip(names, lowered, strict=True):
        if made.cut:
            yield f"{name}: the page ends before {made.cut}, which keeps the order of the scores"


def _html(content: dict[str, Any], arrays: bytes, title: str) -> str:
    library = files(__package__).joinpath("library")
    parts = {name: library.joinpath(name).read_text(encoding="utf-8") for name in PARTS}
    # What could end a script is written as JSON may write it.
    told = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return Template(library.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=style() + parts["page.css"],
        content=told,
        arrays=base64.b64encode(zlib.compress(arrays, 9)).decode(),
        script="".join(parts[name] for name in PARTS if name.endswith(".js")),
    )
