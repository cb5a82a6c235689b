"""Layers that move elements, or put tensors side by side."""

from collections.abc import Sequence

import numpy as np

from ... import ops
from ...arguments import whole
from ...autodiff import Tensor
from ...errors import ShapeError
from ...ops.windows import IntPair, pair
from ..module import Module


class Permute(Module):
    """The axes of a tensor in another order.

    Args:
        axes: for each axis of the output, that of the input; the batch, 0, stays the first.

    Raises:
        ShapeError: if they are no order of the axes, or move the batch.

    Example:
        >>> Permute(0, 2, 3, 1)(np.zeros((5, 3, 8, 9))).shape  # channels first to channels last
        (5, 8, 9, 3)
    """

    def __init__(self, *axes: int) -> None:
        if sorted(axes) != list(range(len(axes))) or axes[:1] != (0,):
            raise ShapeError(f"Permute: an order of axes that begins with 0 is needed, got {axes}")
        self.axes = tuple(int(axis) for axis in axes)

    def forward(self, x: Tensor) -> Tensor:
        """Move the axes."""
        return ops.transpose(x, self.axes)

    def describe(self) -> str:
        """Return the order."""
        return ", ".join(map(str, self.axes))


class Concatenate(Module):
    """Tensors side by side along an axis.

    Args:
        axis: the one along which they are joined; the channels' by default.

    Example:
        >>> Concatenate()(np.zeros((2, 3)), np.zeros((2, 4))).shape
        (2, 7)
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = whole("Concatenate", "axis", axis, error=ShapeError)

    def forward(self, *tensors: Tensor) -> Tensor:
        """Join them."""
        return ops.concatenate(tensors, self.axis)

    def describe(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"


class Select(Module):
    """Features in another order, or some of them.

    Args:
        indices: for each feature of the output, the place of it in the input.

    Example:
        >>> Select([2, 0])([[1.0, 2.0, 3.0]])
        Tensor([[3., 1.]])
    """

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = np.array(indices, np.int64)

    def forward(self, x: Tensor) -> Tensor:
        """Select from the last axis."""
        return x[..., self.indices]

    def describe(self) -> str:
        """Return how many there are."""
        return f"{len(self.indices)} features"


class Pad2d(Module):
    """`ops.pad2d`: images with a margin of one value.

    Args:
        before: pixels above and on the left, a whole number or a pair (vertical, horizontal).
        after: pixels below and on the right, likewise.
        value: of the new pixels.

    Example:
        >>> Pad2d(0, 1)(np.zeros((1, 2, 2, 1))).shape
        (1, 3, 3, 1)
    """

    def __init__(self, before: IntPair, after: IntPair, *, value: float = 0.0) -> None:
        self.before = pair("Pad2d", "before", before, 0)
        self.after = pair("Pad2d", "after", after, 0)
        self.value = float(value)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, channels]`` to larger images."""
        return ops.pad2d(x, self.before, self.after, value=self.value)

    def describe(self) -> str:
        """Return the margins."""
        value = f", value={self.value}" if self.value else ""
        return f"{self.before}, {self.after}{value}"
