"""A packed graph as an ONNX model: node after node, in one of the forms."""

from collections.abc import Mapping, Sequence

from ...errors import GraphError, SpecError
from ..compile.fuse import unfused
from ..graph import Graph, Node
from ..graph.operations import ON_SUMS
from .document import Document
from .emission import Emission, Inexact
from .forms import Form
from .integer_means import MEAN, integer_mean, sums_of
from .operators import WRITERS
from .quantizing import codes_of_floats, codes_of_sums, product_of
from .thresholds import FEW
from .transform import Transform, write_input


def translate(
    graph: Graph,
    form: Form,
    opset: int,
    *,
    transform: Transform | None = None,
    names: Mapping[str, str] | None = None,
    exact_floats: bool = False,
    codes: Sequence[str] = (),
) -> tuple[Document, list[Inexact]]:
    """Return a graph in a form, and what in it may give other bits than ours.

    Args:
        graph: plain or fused.
        form: that it takes.
        opset: version of the operators.
        transform: of each input; None for none.
        names: of inputs and outputs, by those of the graph; the others keep theirs.
        exact_floats: whether an exact form has products of floats in our order too.
        codes: values whose codes are outputs too, after the others.

    Raises:
        GraphError: if an operation has no form in ONNX.
        SpecError: if names are not those of inputs and outputs, or one is given twice.
    """
    document = Document(opset)
    plain = unfused(graph)
    e = Emission(plain, document, ordered=exact_floats)
    called = _names(graph, names or {})
    for given in graph.inputs:
        write_input(e, given, called[given.name], transform)
    for node in graph.nodes:
        if node.op in ON_SUMS:
            _write_fused(e, node, form)
        else:
            for part in node.chain or (node,):
                _write(e, part, form)
    for name in graph.outputs:
        shape = e.shapes[name][1:]
        document.output(e.values(name), called[name], "float32", shape)
    for name in codes:
        document.output(e.codes(name), f"{name}_codes", "uint8", e.shapes[name][1:])
    return document, e.inexact


def _write(e: Emission, node: Node, form: Form) -> None:
    if node.op == "quantize":
        form.quantize(e, node)
    elif node.op in ("linear", "conv2d"):
        form.product(e, node)
    elif node.op == MEAN and form.exact:
        integer_mean(e, node)
    elif node.op in ("avg_pool2d", MEAN):
        form.mean(e, node)
    elif node.op in WRITERS:
        WRITERS[node.op].emit(e, node)
    else:
        raise GraphError(f"export_onnx: {node}: {node.op} has no form in ONNX")


def _write_fused(e: Emission, node: Node, form: Form) -> None:
    """Write a node with thresholds on sums.

    In exact forms sums of integers are compared with them where these are few, where the chain of
    floats that they stand for is not known, or where it holds a function that libraries round as
    they like. Else that chain is written.
    """
    inner = [WRITERS[part.op] for part in node.chain if part.op in WRITERS]
    chosen = len(node.tables["thresholds"]) <= FEW or not all(one.exact for one in inner)
    product = product_of(node)
    if not node.chain and not form.exact:
        codes_of_floats(e, node, product)
    elif (chosen or not node.chain) and form.exact:
        codes_of_sums(e, node, *sums_of(e, product))
    else:
        for part in node.chain:
            _write(e, part, form)


def _names(graph: Graph, wanted: Mapping[str, str]) -> dict[str, str]:
    own = [*(given.name for given in graph.inputs), *dict.fromkeys(graph.outputs)]
    unknown = sorted(set(wanted) - set(own))
    if unknown:
        raise SpecError(
            f"export_onnx: names of {', '.join(unknown)}, but inputs and outputs are "
            f"{', '.join(own)}"
        )
    called = {name: wanted.get(name, name) for name in own}
    if len(set(called.values())) < len(called) or not all(called.values()):
        raise SpecError(f"export_onnx: inputs and outputs need names of their own, got {called}")
    return called
