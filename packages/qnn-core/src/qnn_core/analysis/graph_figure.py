"""A traced graph as a figure: operations from top to bottom, each below all that it needs."""

from typing import TYPE_CHECKING

import numpy as np

from ..autodiff import Graph, GraphNode, Value
from ..display import figure_for, plain
from ..quantizer import Quantizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In inches: of a row, of a line of text, of a character of the font, between two boxes.
ROW, LINE, CHARACTER, GAP = 0.38, 0.155, 0.066, 0.3
FONT = 8
TALLEST = 60.0
AROUND = 0.2  # beside the boxes that an arrow passes
INK = "0.35"
GROUND = {"input": "#dbeafe", "quantizer": "#fdecc8", "product": "#d5e8f5", "": "#f5f6f7"}


class _Box:
    """An input or an operation: its text, and where it lies."""

    def __init__(self, lines: list[str], ground: str) -> None:
        self.lines, self.ground = lines, ground
        self.width = CHARACTER * max(map(len, lines)) + 0.16
        self.height = LINE * len(lines) + 0.1
        self.rank, self.x, self.y = 0, 0.0, 0.0


Edge = tuple[_Box, _Box, str]


def graph_figure(graph: Graph, ax: "Axes | None" = None) -> "Figure":
    """Return the figure of a graph; see `draw`.

    Parameters stand in the box of the operation that takes them.
    """
    boxes, edges = _boxes(graph)
    width, height = _place(boxes, edges)
    figure, axes = figure_for("draw", ax, size=(width, min(height, TALLEST)))
    axes.set_axis_off()
    axes.set_xlim(-width / 2, width / 2)
    axes.set_ylim(-height, 0)
    font = float(FONT)
    if ax is not None:
        axes.set_aspect("equal")
        font = _font(axes, width, height)
    for edge in edges:
        _draw_edge(axes, edge, boxes, font)
    for box in boxes:
        axes.text(
            box.x, box.y, plain("\n".join(box.lines)), ha="center", va="center",
            fontsize=font, color="black", zorder=3,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": box.ground, "edgecolor": "0.5"},
        )  # fmt: skip # one look
    return figure


def _boxes(graph: Graph) -> tuple[list[_Box], list[Edge]]:
    """Return inputs, operations and outputs, and what goes from one to the other."""
    made: dict[int, _Box] = {}
    edges: list[Edge] = []
    for value in graph.inputs:
        made[id(value)] = _Box([value.name, _shape(value)], GROUND["input"])
    boxes = [*made.values()]
    for node in graph.nodes:
        box = _Box(_lines(node), GROUND[_kind(node)])
        sources = [value for value in node.inputs if id(value) in made]
        edges += [(made[id(value)], box, _shape(value)) for value in sources]
        made[id(node.output)] = box
        boxes.append(box)
    for value in graph.outputs:
        box = _Box(["output", _shape(value)], GROUND["input"])
        boxes.append(box)
        if id(value) in made:
            edges.append((made[id(value)], box, ""))
    return boxes, edges


def _kind(node: GraphNode) -> str:
    if isinstance(node.attributes.get("quantizer"), Quantizer):
        return "quantizer"
    return "product" if node.op.macs is not None else ""


def _lines(node: GraphNode) -> list[str]:
    quantizer = node.attributes.get("quantizer")
    told = [f"{node.scope}: {node.op.name}" if node.scope else node.op.name]
    if isinstance(quantizer, Quantizer):
        told.append(str(quantizer))
    stored = [
        f"{value.name.rpartition('.')[2]} {_shape(value)}"
        for value in node.inputs
        if value.kind == "parameter" and value.data.size > 1
    ]
    return [*told, ", ".join(stored)] if stored else told


def _shape(value: Value) -> str:
    return " x ".join(str(n) for n in value.shape) or "scalar"


def _place(boxes: list[_Box], edges: list[Edge]) -> tuple[float, float]:
    """Give each box its place, y from 0 down, and return width and height of the whole."""
    into: dict[int, list[_Box]] = {id(box): [] for box in boxes}
    out: dict[int, list[_Box]] = {id(box): [] for box in boxes}
    for source, target, _ in edges:
        into[id(target)].append(source)
        out[id(source)].append(target)
    for box in boxes:  # each stands after its sources
        box.rank = max((source.rank + 1 for source in into[id(box)]), default=0)
    for box in reversed(boxes):  # what needs no input stands just before its use
        if not into[id(box)] and out[id(box)]:
            box.rank = min(target.rank for target in out[id(box)]) - 1
    least = min(box.rank for box in boxes)
    ranks: dict[int, list[_Box]] = {}
    for box in boxes:
        ranks.setdefault(box.rank - least, []).append(box)
    y, width = 0.2, 1.0
    for _, row in sorted(ranks.items()):
        _spread(row, into)
        tallest = max(box.height for box in row)
        for box in row:
            box.y = -(y + tallest / 2)
        y += tallest + ROW
        width = max(width, *(2 * (abs(box.x) + box.width / 2 + 2 * AROUND) for box in row))
    return width, y


def _spread(row: list[_Box], into: dict[int, list[_Box]]) -> None:
    """Place the boxes of a row beside each other, near what they take."""
    wanted = {id(b): float(np.mean([s.x for s in into[id(b)]] or [0.0])) for b in row}
    row.sort(key=lambda box: wanted[id(box)])
    middle = float(np.mean([wanted[id(box)] for box in row]))
    x = middle - (sum(box.width for box in row) + GAP * (len(row) - 1)) / 2
    for box in row:
        box.x = x + box.width / 2
        x += box.width + GAP


def _draw_edge(axes: "Axes", edge: Edge, boxes: list[_Box], font: float) -> None:
    """Draw an arrow; one that passes other boxes goes around them on the right."""
    source, target, shape = edge
    start = source.x, source.y - source.height / 2
    end = target.x, target.y + target.height / 2
    passed = [box for box in boxes if source.rank < box.rank < target.rank]
    if passed:
        start = source.x + source.width / 2, source.y
        end = target.x + target.width / 2, target.y
        aside = max(box.x + box.width / 2 for box in (*passed, source, target)) + AROUND
        axes.plot([start[0], aside, aside], [start[1], start[1], end[1]], color=INK, lw=0.9)
        start = aside, end[1]
    look = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 3}
    axes.annotate("", end, start, arrowprops=look, zorder=2)
    if shape and not passed:
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        ground = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        axes.text(
            *middle, shape, fontsize=0.75 * font, color=INK, ha="center", va="center", bbox=ground
        )


def _font(axes: "Axes", width: float, height: float) -> float:
    """Return the size of letters that fit: less than usual where the axes have less room."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes are made by a figure
    figure.draw_without_rendering()  # then a layout has given the axes their room
    room = axes.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    return FONT * min(1.0, room.width / width, room.height / height)
