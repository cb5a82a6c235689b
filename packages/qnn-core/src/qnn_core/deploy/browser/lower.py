"""A packed graph as a program of `engine.js`: steps in order, and their arrays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import ExportError
from ...qtensor import QuantizedTensor
from ..file.write import stored_nodes
from ..graph import Graph, Node, Shape
from ..graph.operations import OPERATIONS, QUANTIZING
from ..graph.shapes import shape_of
from .blob import Blob
from .context import Context, inner_of, refused
from .moves import extreme, moved, padded, stretched
from .products import maximum, mean_of_codes, mean_of_floats, product

# What keeps the order of the scores that it is given: it is left out where a net ends with it.
KEEPS_ORDER = ("softmax", "log_softmax")

FLOAT_BITS = 32
BEYOND = 1e300

ROUNDED = (
    "its last bits are NumPy's, and differ from machine to machine. Use relu, clip, tanh or "
    "sigmoid, or end the net before it"
)
SUMMED = (
    "the order of its sum is NumPy's. AvgPool2d and GlobalAvgPool2d have one order, and of codes "
    "(pool_input=, nn.Quantize) their sums are integers"
)
WITHOUT_FORM: Mapping[str, str] = {
    **dict.fromkeys(("cos", "exp", "log", "power", "sin"), ROUNDED),
    **dict.fromkeys(("mean", "sum", "variance"), SUMMED),
    **dict.fromkeys(KEEPS_ORDER, f"inside of a net {ROUNDED}"),
    "matmul": "both factors are computed while the net runs, by NumPy. Let one be a layer's weight",
}


@dataclass(frozen=True, eq=False)
class Lowered:
    """What a net is in a page.

    Attributes:
        graph: what it computes: that of the model, without what was left out at its end.
        program: steps, constants, names of input and outputs, pictures; plain data.
        shapes: of each output, of one sample.
        blob: where its arrays are.
        cut: what was left out at the end; ``""`` for nothing.
    """

    graph: Graph
    program: dict[str, Any]
    shapes: tuple[Shape, ...]
    blob: Blob
    cut: str


def lower(graph: Graph, blob: Blob) -> Lowered:
    """Return a packed graph as steps of JavaScript, with their arrays in a blob.

    Raises:
        ExportError: if it has several inputs, or an operation that has no form with the same bits;
            the message names it, and says what to do.
    """
    if len(graph.inputs) != 1:
        names = ", ".join(f"{one.name} {one.shape}" for one in graph.inputs)
        raise ExportError(f"page: a net with one input is needed, this one has {names}")
    graph, cut = _without_end(_spelled_out(graph))
    net = Context(graph, blob)
    for node in net.graph.nodes:
        _add(net, node)
    outputs = [net.floats(name) for name in net.graph.outputs]
    program = {
        "input": graph.inputs[0].name,
        "outputs": outputs,
        "steps": net.steps,
        "constants": net.constants,
        "pictures": _pictures(net),
    }
    shapes = tuple(net.shapes[name][1:] for name in graph.outputs)
    return Lowered(graph, program, shapes, blob, cut)


def why_not(graph: Graph) -> str:
    """Return why a packed graph has no form in JavaScript, ``""`` if it has one."""
    try:
        lower(graph, Blob())
    except ExportError as error:
        return str(error).removeprefix("page: ")
    return ""


def _without_end(graph: Graph) -> tuple[Graph, str]:
    """Return a graph that ends before softmax, and what was left out."""
    made = {node.output: node for node in graph.nodes}
    outputs, cut = [], []
    for at in graph.outputs:
        end = at
        while end in made and made[end].op in KEEPS_ORDER:
            cut.append(made[end].op)
            end = made[end].inputs[0]
        outputs.append(end)
    return replace(graph, outputs=tuple(outputs)).pruned(), " and ".join(dict.fromkeys(cut))


def _spelled_out(graph: Graph) -> Graph:
    """Return a graph with the chains of fused nodes where they take fewer bytes, as a file does.

    Both give the same codes; a chain without a form stays fused.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        stored = stored_nodes(replace(graph, nodes=(node,)))
        spelled = all(part.op not in WITHOUT_FORM for part in stored)
        nodes += stored if spelled else (node,)
    return replace(graph, nodes=tuple(nodes)).pruned()


def _add(net: Context, node: Node) -> None:
    if node.op in WITHOUT_FORM:
        raise refused(node, WITHOUT_FORM[node.op])
    make = FORMS.get(node.op)
    if make is None and OPERATIONS[node.op].moves:
        make = moved
    if make is None:
        raise refused(node, "it is not known here; qnn info shows what the file holds")
    make(net, node)


def _encode(net: Context, node: Node) -> None:
    tables: dict[str, Any] = {
        n: net.blob.floats(node.tables[n]) for n in ("thresholds", "scale", "shift")
    }
    inner = inner_of(net.shapes[node.inputs[0]], node.attributes["axis"])
    net.add("encode", node.output, net.floats(node.inputs[0]), inner=inner, **tables)


def _each(net: Context, node: Node) -> None:
    # JSON has no infinity; a double beyond all float32 numbers limits none of them.
    limits: dict[str, Any] = {
        n: min(max(float(np.float32(v)), -BEYOND), BEYOND) + 0.0 for n, v in _limits(node)
    }
    net.add("each", node.output, net.floats(node.inputs[0]), name=node.op, **limits)


def _limits(node: Node) -> list[tuple[str, float]]:
    return [(name, node.attributes[name]) for name in ("low", "high") if name in node.attributes]


def _pair(net: Context, node: Node) -> None:
    both = [stretched(net, node, name) for name in node.inputs]
    net.add("pair", node.output, *both, name=node.op)


def _normalize(net: Context, node: Node) -> None:
    shape = net.shapes[node.inputs[0]]
    inner = inner_of(shape, OPERATIONS[node.op].channel_axis)
    names = zip(("mean", "factor", "bias"), node.inputs[1:], strict=True)
    tables: dict[str, Any] = {}
    for name, given in names:
        constant = net.graph.constants.get(given)
        if constant is None or isinstance(constant, QuantizedTensor):
            raise refused(node, f"its {name} is computed while the net runs; let it be constant")
        tables[name] = net.blob.floats(constant)
    net.add("normalize", node.output, net.floats(node.inputs[0]), inner=inner, **tables)


FORMS: Mapping[str, Callable[[Context, Node], None]] = {
    **dict.fromkeys(("absolute", "clip", "negative", "relu", "sigmoid", "sqrt", "tanh"), _each),
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), _pair),
    **dict.fromkeys(("normalize", "normalize_channels"), _normalize),
    **dict.fromkeys(("linear", "conv2d", "requantize", "requantize_conv2d"), product),
    **dict.fromkeys(("integer_avg_pool2d", "requantize_avg_pool2d"), mean_of_codes),
    **dict.fromkeys(("max", "min"), extreme),
    "avg_pool2d": mean_of_floats,
    "concatenate": moved,
    "max_pool2d": maximum,
    "pad2d": padded,
    "quantize": _encode,
}


def _pictures(net: Context) -> list[dict[str, Any]]:
    """Return what can be shown of a net: weights of products, and the codes that nodes make."""
    made = {step["to"]: step for step in net.steps}
    shown: list[dict[str, Any]] = []
    for node in net.graph.nodes:
        step = made[node.output]
        if "weight" in step:
            weight = net.graph.constants[node.inputs[1]]
            bits = weight.bits if isinstance(weight, QuantizedTensor) else FLOAT_BITS
            what = f"weights of {node.scope or 'the net'}"
            shown.append(_picture("weight", what, node, shape_of(weight), bits))
        if node.op in QUANTIZING:
            owner, _, last = node.scope.rpartition(".")
            inside = last.endswith("_quantizer")
            what = f"codes into {owner}" if inside and owner else f"codes out of {node.scope}"
            shape = net.shapes[node.output][1:]
            shown.append(_picture("codes", what, node, shape, node.attributes["bits"]))
    return shown


def _picture(kind: str, what: str, node: Node, shape: Shape, bits: int) -> dict[str, Any]:
    return {"kind": kind, "what": what, "value": node.output, "shape": list(shape), "bits": bits}
