"""From a packed graph to a plan: what is integer becomes steps on integers, the rest is named."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ....errors import ExportError
from ...compile.fuse import unfused
from ...graph import Graph, Node
from ...graph.operations import ON_SUMS, OPERATIONS
from ..plan import Encode, Plan, Step
from .codes import codes_of
from .context import Context
from .expression import extended
from .fused import codes_of_fused, product_of
from .movement import concatenated, moved
from .outputs import output_of
from .pooled import with_pooling
from .products import add_mean, add_product

Floats = Literal["never", "tail", "all"]


def lower(graph: Graph, *, pixels: NDArray[np.float32] | None, floats: Floats = "never") -> Plan:
    """Return a packed graph as a plan.

    Args:
        graph: of one input.
        pixels: float32 ``[256]``, what each value of a uint8 input is in the model; None for an
            input of float32.
        floats: what may stay float: nothing; what lies behind the last codes; or all.

    Raises:
        ExportError: if something stays float that may not, or has no form in C; the message names
            the layers, and what to do.
    """
    if len(graph.inputs) != 1:
        raise ExportError(f"export_c: one input is needed, the model has {len(graph.inputs)}")
    net = Context(unfused(graph), pixels)
    for node in net.graph.nodes:
        _add(net, node)
    outputs = tuple(output_of(net, name, floats=floats != "never") for name in graph.outputs)
    steps = with_pooling(net.steps, outputs)
    plan = Plan(net.input, tuple(steps), outputs, tuple(net.causes.items()))
    _check(plan, floats)
    return plan


def _add(net: Context, node: Node) -> None:
    """Add what is integer; floats wait until it is clear what they are for."""
    first = node.inputs[0]
    if node.op == "quantize":
        net.coded[node.output] = codes_of(net, node, first)
    elif node.op in ON_SUMS:
        _add_fused(net, node)
    elif node.op in ("linear", "conv2d"):
        add_product(net, node)
    elif node.op == "integer_avg_pool2d" and first in net.coded:
        add_mean(net, node)
    elif OPERATIONS[node.op].moves and first in net.coded:
        net.coded[node.output] = moved(net, node, net.coded[first])
    elif node.op == "concatenate" and _alike(net, node):
        parts = [net.coded[name] for name in node.inputs]
        net.coded[node.output] = concatenated(net, node, parts)
    else:
        known = {name: e for name in node.inputs if (e := net.expression(name)) is not None}
        expression = extended(node, net.shapes[node.output], known, net.graph.constants)
        if expression is not None:
            net.expressions[node.output] = expression


def _add_fused(net: Context, node: Node) -> None:
    """Add a product with thresholds on its sums: files have them in place of a chain."""
    product = product_of(node)
    net.shapes[product.output] = net.shapes[node.output]
    net.readers[product.output] = [node]
    _add(net, product)
    expression = net.expressions.get(product.output)
    codes = None if expression is None else codes_of_fused(net, node, product.output)
    if codes is None:
        raise ExportError(f"export_c: {node.output} ({node.op} in {node.scope}) has no form in C")
    net.coded[node.output] = codes


def _alike(net: Context, node: Node) -> bool:
    """Whether all that a node takes are codes that mean the same."""
    codings = [net.coded[name].coding if name in net.coded else None for name in node.inputs]
    first = codings[0]
    return first is not None and all(
        other is not None
        and np.array_equal(other.levels, first.levels)
        and np.array_equal(other.scale, first.scale)
        and np.array_equal(other.shift, first.shift)
        for other in codings
    )


def _check(plan: Plan, floats: Floats) -> None:
    told = "; ".join(f"{where}: {why}" for where, why in plan.floats) or "what is returned"
    hint = "docs/exporting-c.md says what makes a net integer throughout"
    if floats == "never" and any(_is_float(step, plan) for step in plan.steps):
        raise ExportError(
            f"export_c: float='never', and this stays float: {told}. {hint}; float='tail' allows "
            "floats behind the last codes, float='all' everywhere"
        )
    if floats == "never" and plan.floats:
        raise ExportError(f"export_c: float='never', and this stays float: {told}. {hint}")
    encoded = [s for s in plan.steps if isinstance(s, Encode) and s.sources[0] is not plan.input]
    if floats == "tail" and encoded:
        where = ", ".join(step.path for step in encoded)
        raise ExportError(
            f"export_c: float='tail', and codes are made of floats in {where}, since this stays "
            f"float: {told}. {hint}; float='all' allows floats everywhere"
        )


def _is_float(step: Step, plan: Plan) -> bool:
    return step.target.kind == "floats" and step.target is not plan.input
