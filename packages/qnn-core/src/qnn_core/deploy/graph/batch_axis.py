"""Two traces of one model with batches of two sizes: what is fixed, what follows the batch."""

from typing import Any

import numpy as np

from ...autodiff import Graph, GraphNode, Value
from ...errors import DtypeError, GraphError
from .attributes import symbolic


def attributes_of(first: Graph, second: Graph, batch: int) -> list[dict[str, Any]]:
    """Return the attributes of each node, with `Batch` for lengths that follow the batch.

    Args:
        first: traced with `batch` samples.
        second: traced with one more.
        batch: number of samples.

    Raises:
        GraphError: if the two differ in anything else; the message names the node.
        DtypeError: if a value is not float32.
    """
    if len(first.nodes) != len(second.nodes):
        raise GraphError(
            f"pack: the model runs {len(first.nodes)} operations for {batch} samples and "
            f"{len(second.nodes)} for {batch + 1}: it must not depend on the size of the batch"
        )
    numbers = _numbers(first), _numbers(second)
    found = []
    for one, other in zip(first.nodes, second.nodes, strict=True):
        taken = [
            [n[id(v)] for v in node.inputs] for n, node in zip(numbers, (one, other), strict=True)
        ]
        if one.op is not other.op or taken[0] != taken[1]:
            raise GraphError(f"pack: {where(one)} depends on the size of the batch")
        for value, again in zip(one.inputs, other.inputs, strict=True):
            _check_value(one, value, again)
        found.append(_attributes(one, other, batch))
    outputs = [[n[id(v)] for v in g.outputs] for n, g in zip(numbers, (first, second), strict=True)]
    if outputs[0] != outputs[1]:
        raise GraphError("pack: what the model returns depends on the size of the batch")
    return found


def where(node: GraphNode) -> str:
    """Return the name of a node for messages.

    Example:
        ``"relu_4 (relu in layers.2)"``
    """
    return f"{node.output.name} ({node.op.name}{f' in {node.scope}' if node.scope else ''})"


def _numbers(graph: Graph) -> dict[int, int]:
    """Number the values in the order in which they turn up."""
    numbers: dict[int, int] = {}
    for value in graph.inputs:
        numbers.setdefault(id(value), len(numbers))
    for node in graph.nodes:
        for value in (*node.inputs, node.output):
            numbers.setdefault(id(value), len(numbers))
    for value in graph.outputs:
        numbers.setdefault(id(value), len(numbers))
    return numbers


def _check_value(node: GraphNode, value: Value, again: Value) -> None:
    if value.dtype != np.float32:
        raise DtypeError(
            f"pack: {where(node)} takes {value.name} of {value.dtype}; only float32 models can be "
            "packed: convert with model.astype('float32')"
        )
    stored = value.kind not in ("input", "result")
    if stored and not np.array_equal(value.data, again.data, equal_nan=True):
        raise GraphError(
            f"pack: {where(node)} takes a {value.kind} that differs from one run to the next; what "
            "is packed must be a function of the inputs, without randomness, and must not leave "
            "the tape (by .data, say)"
        )


def _attributes(one: GraphNode, other: GraphNode, batch: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in one.attributes.items():
        if name == "quantizer":
            if value != other.attributes[name]:
                raise GraphError(f"pack: {where(one)}: the quantizer depends on the batch")
            found[name] = value
            continue
        try:
            found[name] = symbolic(value, other.attributes[name], batch)
        except GraphError as error:
            raise GraphError(f"pack: {name} of {where(one)}: {error}") from error
    return found
