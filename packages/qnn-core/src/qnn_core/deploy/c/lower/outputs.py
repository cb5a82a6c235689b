"""What a net returns: sums with their meaning, codes or floats; and what can be left out."""

from typing import Any

import numpy as np

from ..plan import Output
from .context import Context
from .expression import has_form, links_of
from .floats import float_of
from .movement import codes_in_memory

# What keeps the order of the scores that it is given.
KEEPS_ORDER = ("softmax", "log_softmax", "sigmoid")


def output_of(net: Context, name: str, *, floats: bool) -> Output:
    """Return an output of the graph.

    Args:
        net: all nodes were added.
        name: of the value that is returned.
        floats: whether what stands behind the last sums may be float.
    """
    name, cut = _before_cut(net, name)
    if name in net.coded:
        return Output(codes_in_memory(net, name), None, (), cut, name=name)
    at, links = _behind_sums(net, name)
    if at in net.integers:
        if links and not floats:
            node = net.nodes[name]
            net.is_float(node, f"{node.op} behind the last sums")
        made = net.integers[at]
        ends = np.stack([made.source.low, made.source.high]) * made.scale.unit + made.scale.base
        reach = int(np.abs(ends).max(initial=0))
        value = net.sums_of(at)
        return Output(value, made.scale, tuple(links), cut, reach, name, at)
    return Output(float_of(net, name), None, (), cut, name=name)


def _before_cut(net: Context, name: str) -> tuple[str, str]:
    """Return the value whose order an output has, and what is between them."""
    cut: list[str] = []
    while name in net.nodes and name not in net.coded and net.nodes[name].op in KEEPS_ORDER:
        node = net.nodes[name]
        if node.attributes.get("axis", -1) not in (-1, len(net.shapes[name])):
            break
        cut.append(node.op)
        name = node.inputs[0]
    return name, " of ".join(cut)


def _behind_sums(net: Context, name: str) -> tuple[str, list[Any]]:
    """Return the sums that a value comes from step by step, with the steps; or where it ends."""
    links: list[Any] = []
    while name in net.nodes and name not in net.integers:
        node = net.nodes[name]
        variable = [n for n in node.inputs if n not in net.graph.constants]
        found = links_of(node, net.shapes[name], net.graph.constants) if net.shapes[name] else None
        if node.op == "reshape":
            same = net.shapes[name][-1:] == net.shapes[node.inputs[0]][-1:]
            found = [] if same or not links else None
        if found is None or len(variable) != 1 or not all(has_form(link) for link, _ in found):
            break
        links = [*found, *links]
        name = variable[0]
    return name, links
