"""A layer to be checked, and the data for it.

It is looked at through the graph of its operations: what turns many values into few is what
quantizes, whoever wrote it and however.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..autodiff import GraphNode, Tensor, trace
from ..nn import Module
from .samples import Array, normal
from .steps import quantizes


@dataclass(frozen=True, eq=False)
class Made:
    """A layer at one width, and data for it.

    Attributes:
        make: gives the layer, with as many inputs as the data have columns.
        bits: the width that it was asked for, None if it takes none.
        x: float32 ``[batch, in_features]``; each row is nearly one unit vector, so that an output
            is nearly one weight.
    """

    make: Callable[[], Module]
    bits: int | None
    x: Array

    @cached_property
    def first(self) -> Module:
        """The layer that the others are copies of, even if it is made at random."""
        return self.make()

    @cached_property
    def first_fitted(self) -> Module:
        """That layer, when it has seen the data once in training mode, in evaluation mode."""
        layer = self.fresh().train()
        layer(Tensor(self.x))
        return layer.eval()

    def fresh(self) -> Module:
        """Return a layer as it is at first."""
        return copy.deepcopy(self.first)

    def fitted(self) -> Module:
        """Return a layer to evaluate."""
        return copy.deepcopy(self.first_fitted)

    @cached_property
    def nodes(self) -> tuple[GraphNode, ...]:
        """The operations of an evaluation."""
        return trace(self.fitted(), self.x).nodes

    @cached_property
    def quantizing(self) -> list[int]:
        """Which of the operations turn many values into few."""
        return [n for n, node in enumerate(self.nodes) if quantizes(node)]


def example(in_features: int, batch: int = 40) -> Array:
    """Return data for a layer: rows that are unit vectors, times 3, and a little of everything."""
    x = normal(batch, in_features) * np.float32(0.3 / np.sqrt(in_features))
    x[np.arange(batch), np.arange(batch) % in_features] += 3
    return x
