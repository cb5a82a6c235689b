"""Chains that a fused node replaces: a product of integers, elementwise operations, a quantizer."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm import GemmOperand, integer_sum, joint_scale, operand_of
from ...qtensor import QuantizedTensor
from .columnwise import columnwise
from .graph import Constant, Graph, Node, Shape
from .operations import OPERATIONS, QUANTIZING

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Chain:
    """What makes the codes of a channel a function of one integer.

    Attributes:
        nodes: the product, the elementwise operations, the quantizer.
        scale: float32, of shape () or (n,): what the sum is multiplied by.
        bias: float32 (n,), or zero.
        steps: the elementwise operations, each on float32 ``[..., n]``.
        columns: n.
        reach: the greatest magnitude that a sum could have.
    """

    nodes: tuple[Node, ...]
    scale: Array
    bias: Array
    steps: tuple[Callable[[Array], Array], ...]
    columns: int
    reach: int

    def values(self, sums: NDArray[np.int64]) -> Array:
        """Return what the quantizer is given for sums ``[..., n]``: the very float expression."""
        x = sums.astype(np.float32) * self.scale + self.bias
        for step in self.steps:
            x = step(x)
        return x


def codings_of(graph: Graph) -> dict[str, QuantizedTensor]:
    """Return what the codes of each value mean, for those that have any."""
    found = {name: c for name, c in graph.constants.items() if isinstance(c, QuantizedTensor)}
    for node in graph.nodes:
        if node.op in QUANTIZING:
            found[node.output] = node.coding()
        elif (
            OPERATIONS[node.op].moves
            and node.inputs[0] in found
            and found[node.inputs[0]].per_tensor
        ):
            found[node.output] = found[node.inputs[0]]
    return found


def chain_at(
    first: Node,
    following: Mapping[str, Node],
    constants: Mapping[str, Constant],
    codings: Mapping[str, QuantizedTensor],
    shapes: Mapping[str, Shape],
) -> Chain | None:
    """Return the chain that begins with a node, or None.

    Args:
        first: any node.
        following: for each value that is used once, the node that takes it.
        constants: of the graph.
        codings: see `codings_of`.
        shapes: of every value.
    """
    factors = _integer_product(first, constants, codings, shapes)
    if factors is None:
        return None
    nodes, steps, at = [first], [], following.get(first.output)
    shape = shapes[first.output]
    while at is not None and at.op != "quantize":
        step = _step(at, constants, shape)
        if step is None or shapes[at.output] != shape:
            return None
        nodes.append(at)
        steps.append(step)
        at = following.get(at.output)
    if at is None or not at.coding().per_tensor:
        return None
    x, w, k = factors
    assert x.integer_levels is not None
    assert w.integer_levels is not None
    bias = constants[first.inputs[2]] if len(first.inputs) > 2 else np.zeros((), np.float32)
    assert isinstance(bias, np.ndarray)
    reach = k * x.integer_levels.reach * w.integer_levels.reach
    return Chain((*nodes, at), joint_scale(x, w, k), bias, tuple(steps), shape[-1], reach)


def _integer_product(
    node: Node,
    constants: Mapping[str, Constant],
    codings: Mapping[str, QuantizedTensor],
    shapes: Mapping[str, Shape],
) -> tuple[GemmOperand, GemmOperand, int] | None:
    """Return both factors and the length of the sum, if it is one of integers."""
    plain = OPERATIONS[node.op].weighted and node.op not in QUANTIZING
    if not plain or not isinstance(constants.get(node.inputs[1]), QuantizedTensor):
        return None
    if len(node.inputs) > 2 and not isinstance(constants.get(node.inputs[2]), np.ndarray):
        return None
    k = math.prod(shapes[node.inputs[1]][1:])
    x, w = operand_of(codings.get(node.inputs[0]), None), operand_of(codings[node.inputs[1]], 0)
    return (x, w, k) if integer_sum(x, w, k) else None


def _step(
    node: Node, constants: Mapping[str, Constant], shape: Shape
) -> Callable[[Array], Array] | None:
    """Return a node as a monotone function of ``[..., n]``, or None if it is none."""
    found = columnwise(node, shape[-1], len(shape), constants)
    # A constant divided by x jumps where x crosses zero.
    if found is None or any(name == "divide_into" for name, _ in found.links):
        return None
    forward, attributes = OPERATIONS[node.op].forward, node.attributes
    assert forward is not None
    before, after = found.constants[: found.position], found.constants[found.position :]
    return lambda x: forward(*before, x, *after, **attributes)
