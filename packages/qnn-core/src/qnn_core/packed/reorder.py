"""Quantizers before what only moves elements or chooses among them: the same codes, sooner."""

from dataclasses import replace

from .graph import Graph, Node

# What gives the same codes before and after a quantizer. A maximum does, since codes ascend with
# values.
PASSED = ("max_pool2d", "reshape", "transpose")


def quantize_first(graph: Graph) -> Graph:
    """Return the graph with each quantizer moved up to where its values are computed.

    A product is then followed by its quantizer, and pooling and reshaping are done on codes. Values
    that only the quantizer saw are no more.
    """
    uses = graph.uses()
    makers = {node.output: node for node in graph.nodes}
    nodes: list[Node] = []
    for node in graph.nodes:
        passed: list[Node] = []
        at = makers.get(node.inputs[0]) if _is_plain(node) else None
        while at is not None and at.op in PASSED and uses[at.output] == 1:
            passed.append(at)
            at = makers.get(at.inputs[0])
        nodes = [made for made in nodes if made not in passed]
        nodes += _turned(node, passed[::-1])
    return replace(graph, nodes=tuple(nodes))


def _is_plain(node: Node) -> bool:
    """Whether it is a quantizer with one frame for all elements."""
    frame = [node.tables[name] for name in ("scale", "shift")] if node.op == "quantize" else []
    return bool(frame) and node.attributes["axis"] is None and all(f.ndim == 0 for f in frame)


def _turned(quantizer: Node, passed: list[Node]) -> list[Node]:
    """Return a quantizer, and after it what it was preceded by; the last keeps its name."""
    if not passed:
        return [quantizer]
    names = [f"{quantizer.output}.{n}" for n in range(len(passed))] + [quantizer.output]
    source = passed[0].inputs[0]
    made = [replace(quantizer, inputs=(source,), output=names[0])]
    for node, before, after in zip(passed, names[:-1], names[1:], strict=True):
        made.append(replace(node, inputs=(before,), output=after))
    return made
