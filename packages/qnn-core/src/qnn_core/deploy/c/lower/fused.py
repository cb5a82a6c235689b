"""Fused nodes of packed files: integer sums, and thresholds in place of what made codes of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...graph import Node
from ...graph.interpret import requantized
from ...graph.operations import ON_SUMS
from ..plan import Integers, Scale, Value
from .codes import codes_of_integers
from .context import Context
from .expression import Expression


@dataclass(frozen=True, eq=False)
class FusedExpression(Expression):
    """What lies between sums and thresholds on them: nothing but the sums.

    Attributes:
        scale: how accumulators become sums.
    """

    scale: Scale | None = None

    def codes(self, quantizer: Node, integers: list[Integers]) -> NDArray[np.uint8]:
        """Return the codes that a fused node gives accumulators."""
        assert self.scale is not None
        return requantized(integers[0] * self.scale.unit + self.scale.base, quantizer)


def product_of(node: Node) -> Node:
    """Return the product, or the mean, behind the thresholds of a fused node."""
    return replace(
        node,
        op=ON_SUMS[node.op],
        output=f"{node.output}.sums",
        attributes={"groups": 1, **node.attributes},
        tables={},
        chain=(),
    )


def codes_of_fused(net: Context, node: Node, name: str) -> Value | None:
    """Return the codes of a fused node, of sums that the context knows by a name."""
    sums, known = net.integers[name], net.expressions[name]
    expression = FusedExpression(known.sources, known.shape, known.apply, scale=sums.scale)
    return codes_of_integers(net, node, expression)
