"""A drawing of the graph: DOT text, and a picture where Graphviz is installed."""

import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from numpy.typing import ArrayLike

from ..autodiff import Graph, GraphNode, Value, trace
from ..files import atomic_write
from ..quantizer import Quantizer
from .graph_figure import graph_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {"input": "#dbeafe", "parameter": "#fef3c7", "buffer": "#f3f4f6", "constant": "#f3f4f6"}


def to_dot(graph: Graph) -> str:
    """Return the graph in Graphviz's DOT language.

    Operations are boxes, grouped by layer; inputs and parameters are ellipses with their shapes;
    scalars that are no parameters are left out.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> text = to_dot(qnn.trace(qnn.MLP([2, 2], seed=0), np.zeros((1, 2))))
        >>> text.splitlines()[0]
        'digraph model {'
    """
    ids: dict[int, str] = {}
    lines = ["digraph model {", "  rankdir=TB;", '  node [fontname="sans-serif", fontsize=11];']
    for value in graph.inputs:
        lines.append(_leaf(value, ids))
    for number, node in enumerate(graph.nodes):
        sources = [value for value in node.inputs if id(value) in ids or _shown(value)]
        lines += [_leaf(value, ids) for value in sources if id(value) not in ids]
        ids[id(node.output)] = f"op{number}"
        lines.append(f"  op{number} [shape=box, style=rounded, label={_quoted(_label(node))}];")
        lines += [
            f"  {ids[id(value)]} -> op{number} [label={_quoted(_shape(value))}, fontsize=9];"
            for value in sources
        ]
    for number, value in enumerate(graph.outputs):
        if id(value) not in ids:
            lines.append(_leaf(value, ids))
        lines.append(
            f"  out{number} [shape=plaintext, label={_quoted('output ' + _shape(value))}];"
        )
        lines.append(f"  {ids[id(value)]} -> out{number};")
    return "\n".join([*lines, "}"]) + "\n"


@overload
def draw(
    model: Callable[..., Any],
    example: ArrayLike | tuple[ArrayLike, ...],
    path: None = None,
    *,
    ax: "Axes | None" = None,
) -> "Figure": ...


@overload
def draw(
    model: Callable[..., Any], example: ArrayLike | tuple[ArrayLike, ...], path: str | Path
) -> Path: ...


def draw(
    model: Callable[..., Any],
    example: ArrayLike | tuple[ArrayLike, ...],
    path: str | Path | None = None,
    *,
    ax: "Axes | None" = None,
) -> "Figure | Path":
    """Draw the graph of a model: as a figure, or with a path by Graphviz.

    Without a path matplotlib draws the operations from top to bottom, with their parameters inside.
    With one, the DOT text is always written, beside the picture; without Graphviz's program ``dot``
    it is all there is, and a warning says so.

    Args:
        model: see `trace`.
        example: see `trace`.
        path: of the picture, with a suffix that Graphviz knows (.png, .svg, .pdf), or of the DOT
            text (.dot); None for a figure.
        ax: axes of matplotlib to draw the figure in, None for a figure of its own.

    Returns:
        The figure, which a notebook shows; or the path that was written: the picture, or the DOT
        text if there is none.

    Raises:
        ValueError: if the suffix is missing, Graphviz refuses it, or there is a path and `ax`.
        OSError: if a file cannot be written.
        ImportError: if there is no path, and matplotlib is not installed.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = draw(qnn.MLP([4, 2], seed=0), np.zeros((1, 4)), Path(folder, "net.dot"))
        ...     path.name, "linear" in path.read_text()
        ('net.dot', True)
    """
    if path is None:
        return graph_figure(trace(model, example), ax)
    if ax is not None:
        raise ValueError("draw: with a path Graphviz draws, on no axes: leave out path= or ax=")
    path = Path(path)
    if not path.suffix:
        raise ValueError(f"draw: {path} needs a suffix: .png, .svg, .pdf or .dot")
    text = path.with_suffix(".dot")
    atomic_write(text, to_dot(trace(model, example)).encode())
    if path.suffix == ".dot":
        return text
    program = shutil.which("dot")
    if program is None:
        warnings.warn(
            f"Graphviz's program 'dot' is not installed: {text} was written, no picture. "
            f"With it: dot -T{path.suffix[1:]} {text} -o {path}",
            stacklevel=2,
        )
        return text
    done = subprocess.run(
        [program, f"-T{path.suffix[1:]}", str(text)], capture_output=True, check=False
    )
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        raise ValueError(f"draw: Graphviz could not make {path}: {told}")
    atomic_write(path, done.stdout)
    return path


def _leaf(value: Value, ids: dict[int, str]) -> str:
    ids[id(value)] = f"value{len(ids)}"
    label = _quoted(f"{value.name}\n{_shape(value)}")
    color = COLORS.get(value.kind, "#ffffff")
    return f'  {ids[id(value)]} [shape=ellipse, style=filled, fillcolor="{color}", label={label}];'


def _shown(value: Value) -> bool:
    return value.kind == "parameter" or value.data.size > 1


def _label(node: GraphNode) -> str:
    quantizer = node.attributes.get("quantizer")
    detail = f"\n{quantizer}" if isinstance(quantizer, Quantizer) else ""
    where = f"\n{node.scope}" if node.scope else ""
    return f"{node.op.name}{detail}{where}"


def _shape(value: Value) -> str:
    return " x ".join(str(n) for n in value.shape) or "scalar"


def _quoted(text: str) -> str:
    # JSON's escapes of quotes, backslashes and line breaks are DOT's too.
    return json.dumps(text, ensure_ascii=False)
