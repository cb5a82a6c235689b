"""Nodes that act element by element on one value, with constants of which each column has one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...autodiff.packed import Link
from .graph import Constant, Node
from .operations import OPERATIONS


class Columnwise(NamedTuple):
    """What such a node does.

    Attributes:
        position: of the value among the inputs.
        constants: the other inputs in order, each of one element or one for each column.
        links: the steps of the engine that it is, see `Packed`.
    """

    position: int
    constants: Sequence[NDArray[Any]]
    links: Sequence[Link]


def columnwise(
    node: Node, columns: int, axes: int, constants: Mapping[str, Constant]
) -> Columnwise | None:
    """Return what a node does to a value with its columns on the last axis, None if it is no such.

    Args:
        node: takes the value and constants.
        columns: of the value.
        axes: of the value.
        constants: of the graph.
    """
    operation = OPERATIONS[node.op]
    variable = [n for n, name in enumerate(node.inputs) if name not in constants]
    channels_last = operation.channel_axis % axes == axes - 1
    if operation.links is None or len(variable) != 1 or not channels_last:
        return None
    flat = []
    for constant in (constants[name] for name in node.inputs if name in constants):
        if not isinstance(constant, np.ndarray) or not _fits(constant.shape, columns, axes):
            return None
        flat.append(constant.reshape(-1))
    (position,) = variable
    links = operation.links(position == 0, *flat, **node.attributes)
    return None if links is None else Columnwise(position, flat, links)


def _fits(shape: tuple[int, ...], columns: int, axes: int) -> bool:
    last = shape[-1] if shape else 1
    return len(shape) <= axes and math.prod(shape) == last and last in (1, columns)
