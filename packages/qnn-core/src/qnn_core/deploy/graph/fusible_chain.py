"""Chains that a fused node replaces: a product of integers, elementwise operations, a quantizer."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...gemm import integer_sum, joint_scale, mean_operand, operand_of
from ...gemm.mean import mean_scale
from ...qtensor import QuantizedTensor
from .columnwise import columnwise
from .graph import Constant, Graph, Node, Shape
from .operations import MEANS, OPERATIONS, QUANTIZING

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
        alike: whether that function is the same for all channels.
    """

    nodes: tuple[Node, ...]
    scale: Array
    bias: Array
    steps: tuple[Callable[[Array], Array], ...]
    columns: int
    reach: int
    alike: bool

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
    find = _integer_mean if first.op in MEANS else _integer_product
    total = find(first, constants, codings, shapes)
    if total is None:
        return None
    nodes, steps, at = [first], list(total.steps), following.get(first.output)
    alike = total.scale.size == total.bias.size == 1
    shape = shapes[first.output]
    while at is not None and at.op != "quantize":
        step = _step(at, constants, shape)
        if step is None or shapes[at.output] != shape:
            return None
        alike = alike and _is_alike(at, constants)
        nodes.append(at)
        steps.append(step)
        at = following.get(at.output)
    if at is None or not at.coding().per_tensor:
        return None
    scale, bias = total.scale, total.bias
    if alike:
        scale, bias = scale.reshape(()), bias.reshape(())
    return Chain((*nodes, at), scale, bias, tuple(steps), shape[-1], total.reach, alike)


class _Sum(NamedTuple):
    """A sum of integers that a chain begins with, see `Chain`."""

    scale: Array
    bias: Array
    reach: int
    steps: tuple[Callable[[Array], Array], ...] = ()


def _integer_mean(
    node: Node,
    constants: Mapping[str, Constant],
    codings: Mapping[str, QuantizedTensor],
    shapes: Mapping[str, Shape],
) -> _Sum | None:
    if node.op in QUANTIZING:
        return None
    pixels = math.prod(node.attributes["kernel"])
    operand = mean_operand(codings.get(node.inputs[0]), pixels)
    if operand is None or operand.integer_levels is None:
        return None
    count, zero = np.float32(pixels), np.zeros((), np.float32)
    reach = pixels * operand.integer_levels.reach
    return _Sum(mean_scale(operand), zero, reach, (lambda x: x / count,))


def _is_alike(node: Node, constants: Mapping[str, Constant]) -> bool:
    """Whether all constants of an elementwise node have one element."""
    given = (constants[name] for name in node.inputs if name in constants)
    return all(isinstance(constant, np.ndarray) and constant.size == 1 for constant in given)


def _integer_product(
    node: Node,
    constants: Mapping[str, Constant],
    codings: Mapping[str, QuantizedTensor],
    shapes: Mapping[str, Shape],
) -> _Sum | None:
    """Return the sum of a product if it is one of integers."""
    plain = OPERATIONS[node.op].weighted and node.op not in QUANTIZING
    if not plain or not isinstance(constants.get(node.inputs[1]), QuantizedTensor):
        return None
    if len(node.inputs) > 2 and not isinstance(constants.get(node.inputs[2]), np.ndarray):
        return None
    k = math.prod(shapes[node.inputs[1]][1:])
    x, w = operand_of(codings.get(node.inputs[0]), None), operand_of(codings[node.inputs[1]], 0)
    if not integer_sum(x, w, k):
        return None
    assert x.integer_levels is not None
    assert w.integer_levels is not None
    bias = constants[node.inputs[2]] if len(node.inputs) > 2 else np.zeros((), np.float32)
    assert isinstance(bias, np.ndarray)
    reach = k * x.integer_levels.reach * w.integer_levels.reach
    return _Sum(joint_scale(x, w, k), bias, reach)


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
