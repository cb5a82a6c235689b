"""What a file holds, in words: for ``qnn info``."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from tabulate import tabulate

from ..deploy import PackedModel
from ..deploy.c import CSummary
from ..deploy.file.write import KIND as PACKED
from ..deploy.runtime.model import load_from
from ..errors import ExportError, FileError
from ..files import load_arrays
from ..nn.model_file import KIND as MODEL
from ..nn.model_file import STATE
from ..nn.state_file import KIND as STATE_KIND
from .export_c import cost_record, costs_as_c

CHECKPOINT = "qnn checkpoint"

# Files of more are for no microcontroller, and what they would cost there takes long to find.
MOST_BYTES, MOST_OPERATIONS = 2**20, 200


@dataclass(frozen=True)
class Content:
    """What a file holds; ``print`` tells it.

    Attributes:
        kind, version: of the file.
        details: what there is to say of it.
        text: the same in words.
    """

    kind: str
    version: Any
    details: dict[str, Any]
    text: str

    def __str__(self) -> str:
        version = "" if self.version is None else f", version {self.version}"
        return f"{self.kind}{version}\n{self.text}"

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"kind": self.kind, "version": self.version, **self.details}


def content_of(path: str | Path, *, limit: float = 1.0) -> Content:
    """Return what is in a packed model, a checkpoint, a model or its state.

    Args:
        path: of the file.
        limit: of what a packed model may cost; see `qnn_core.deploy.load`.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of no known kind, or would cost more than the limit.
    """
    arrays, about = load_arrays(path)
    kind, version = about.get("kind"), about.get("version")
    if kind == PACKED:
        return Content(kind, version, *_packed(load_from(path, arrays, about, limit=limit)))
    if kind == CHECKPOINT:
        return Content(kind, version, *_checkpoint(arrays, about))
    if kind in (MODEL, STATE_KIND):
        return Content(kind, version, *_model(arrays, about))
    known = ", ".join(map(repr, (PACKED, CHECKPOINT, MODEL, STATE_KIND)))
    raise FileError(f"{path} holds {kind!r}; known are {known}")


def _packed(model: PackedModel) -> tuple[dict[str, Any], str]:
    inputs = [f"{g.name}: float32 [{_lengths(('batch', *g.shape))}]" for g in model.graph.inputs]
    outputs = [f"output: {name}" for name in model.graph.outputs]
    summary, as_c = model.summary(), _as_c(model)
    details = {
        "inputs": [{"name": g.name, "shape": g.shape} for g in model.graph.inputs],
        "outputs": model.graph.outputs,
        "layers": [asdict(row) for row in summary.rows],
        "macs": summary.macs,
        "bytes": summary.nbytes,
        "c": None if as_c is None else cost_record(as_c),
    }
    told = [] if as_c is None else [f"as C (qnn export-c): {costs_as_c(as_c)}"]
    return details, "\n".join([*inputs, *outputs, "", str(summary), *told])


def _as_c(model: PackedModel) -> CSummary | None:
    """Return what a model costs as C; None if it has no form without floats."""
    if model.nbytes > MOST_BYTES or len(model.graph.nodes) > MOST_OPERATIONS:
        return None
    try:
        return model.summary("c")
    except ExportError:
        return None


def _lengths(shape: tuple[object, ...]) -> str:
    return ", ".join(str(length) for length in shape)


def _checkpoint(
    arrays: dict[str, NDArray[Any]], about: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    recipe, history = about.get("recipe"), about.get("history")
    lines = [f"{k}: {v}" for k, v in recipe.items()] if isinstance(recipe, dict) else []
    if isinstance(history, list):
        lines.append(f"epochs: {len(history)}")
    parts = parts_of(arrays)
    details = {"recipe": recipe, "history": history, "parts": parts}
    rows = [(p["part"], p["arrays"], f"{p['bytes']:,}") for p in parts]
    return details, "\n".join([*lines, "", tabulate(rows, headers=["part", "arrays", "bytes"])])


def _model(arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Tell of a model that is trained on, without making it: no class is imported."""
    held = {n.removeprefix(STATE): a for n, a in arrays.items()}
    parameters = {
        n: {"shape": a.shape, "dtype": str(a.dtype), "bytes": a.nbytes} for n, a in held.items()
    }
    listed = about.get("modules")
    modules = listed if isinstance(listed, list) else []
    classes = [m.get("class") for m in modules if isinstance(m, dict)]
    details = {"model": about.get("model"), "parameters": parameters, "classes": classes}
    nbytes = sum(a.nbytes for a in held.values())
    return details, f"{about.get('model')}\n\n{len(held)} arrays, {nbytes:,} bytes"


def parts_of(arrays: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return how many arrays, of how many bytes, there are under each first part of their names."""
    sizes: Counter[str] = Counter()
    for name, array in arrays.items():
        sizes[name.partition("/")[0]] += array.nbytes
    return [
        {"part": part, "arrays": sum(n.startswith(f"{part}/") for n in arrays), "bytes": nbytes}
        for part, nbytes in sizes.items()
    ]
