"""What a file holds, in words: for ``qnn info``."""

from collections import Counter
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from tabulate import tabulate

from ..deploy import PackedModel
from ..deploy.file.write import KIND as PACKED
from ..deploy.runtime.model import load_from
from ..errors import ExportError, FileError
from ..files import load_arrays
from .export_c import costs_as_c

CHECKPOINT = "qnn checkpoint"

# Files of more are for no microcontroller, and what they would cost there takes long to find.
MOST_BYTES, MOST_OPERATIONS = 2**20, 200


def describe(path: str | Path, *, limit: float = 1.0) -> str:
    """Return what is in a packed model or a checkpoint, as text.

    Args:
        path: of the file.
        limit: of what a packed model may cost; see `qnn_core.deploy.load`.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of no known kind, or would cost more than the limit.
    """
    arrays, about = load_arrays(path)
    kind = about.get("kind")
    if kind == PACKED:
        details = _packed(load_from(path, arrays, about, limit=limit))
    elif kind == CHECKPOINT:
        details = _checkpoint(arrays, about)
    else:
        raise FileError(f"{path} holds {kind!r}; known are {PACKED!r} and {CHECKPOINT!r}")
    return f"{kind}, version {about.get('version')}\n{details}"


def _packed(model: PackedModel) -> str:
    inputs = [f"{g.name}: float32 [{_lengths(('batch', *g.shape))}]" for g in model.graph.inputs]
    outputs = [f"output: {name}" for name in model.graph.outputs]
    return "\n".join([*inputs, *outputs, "", str(model.summary()), *_as_c(model)])


def _as_c(model: PackedModel) -> list[str]:
    """Return a line on what a model costs as C; none if it has no form without floats."""
    if model.nbytes > MOST_BYTES or len(model.graph.nodes) > MOST_OPERATIONS:
        return []
    try:
        return [f"as C (qnn export-c): {costs_as_c(model.summary('c'))}"]
    except ExportError:
        return []


def _lengths(shape: tuple[object, ...]) -> str:
    return ", ".join(str(length) for length in shape)


def _checkpoint(arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> str:
    recipe, history = about.get("recipe"), about.get("history")
    lines = [f"{k}: {v}" for k, v in recipe.items()] if isinstance(recipe, dict) else []
    if isinstance(history, list):
        lines.append(f"epochs: {len(history)}")
    sizes: Counter[str] = Counter()
    for name, array in arrays.items():
        sizes[name.partition("/")[0]] += array.nbytes
    rows = [
        (part, sum(name.startswith(f"{part}/") for name in arrays), f"{sizes[part]:,}")
        for part in sizes
    ]
    return "\n".join([*lines, "", tabulate(rows, headers=["part", "arrays", "bytes"])])
