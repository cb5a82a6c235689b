"""Quantizers before what only moves elements or chooses among them: the same codes, sooner."""

from dataclasses import replace

from ..graph import Graph, Node
from ..graph.operations import OPERATIONS


def quantize_first(graph: Graph) -> Graph:
    """Return the graph with each quantizer moved up to where its values are computed.

    A product is then followed by its quantizer, or by relu and its quantizer, and pooling and
    reshaping are done on codes. Values that only the quantizer saw are no more.
    """
    uses = graph.uses()
    makers = {node.output: node for node in graph.nodes}
    # By their outputs, in order: what a quantizer passes is taken out, and comes after it.
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        passed: list[Node] = []
        at = makers.get(node.inputs[0]) if _is_plain(node) else None
        while at is not None and _beside(at) is not None and uses[at.output] == 1:
            passed.append(at)
            at = makers.get(at.inputs[0])
        while passed and _beside(passed[-1]) == "follows":  # it is where it would be moved to
            passed.pop()
        passed.reverse()
        for made in passed:
            del nodes[made.output]
        first = [made for made in passed if _beside(made) == "follows"]
        last = [made for made in passed if _beside(made) == "passes"]
        for made in _in_turn([*first, node, *last], node, passed):
            nodes[made.output] = made
    return replace(graph, nodes=tuple(nodes.values()))


def _beside(node: Node) -> str | None:
    """Return what a node does where a quantizer moves up: pass it, follow it, or neither."""
    return OPERATIONS[node.op].beside_quantizer


def _is_plain(node: Node) -> bool:
    """Whether it is a quantizer with one scale and zero point for all elements."""
    qparams = [node.tables[name] for name in ("scale", "shift")] if node.op == "quantize" else []
    return bool(qparams) and node.attributes["axis"] is None and all(f.ndim == 0 for f in qparams)


def _in_turn(nodes: list[Node], quantizer: Node, before: list[Node]) -> list[Node]:
    """Return nodes one after the other; the last has the name of the quantizer among them.

    Args:
        nodes: in the order that they are to have.
        quantizer: one of them.
        before: those that were before the quantizer, in the order that they had.
    """
    if not before:
        return nodes
    last = quantizer.output
    value, made = before[0].inputs[0], []
    for number, node in enumerate(nodes):
        output = last if node is nodes[-1] else f"{last}.{number}"
        made.append(replace(node, inputs=(value,), output=output))
        value = output
    return made
