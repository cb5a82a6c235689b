"""Arithmetic as layers: of two tensors, or of one and constants."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import ops
from ...autodiff import Buffer, Tensor
from ...errors import SpecError, nearest
from ..module import Module

OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": ops.add,
    "subtract": ops.subtract,
    "multiply": ops.multiply,
    "divide": ops.divide,
    "matmul": ops.matmul,
}


class Elementwise(Module):
    """An operation on two tensors; or on one, and an array that is not trained.

    Args:
        operation: ``"add"``, ``"subtract"``, ``"multiply"``, ``"divide"`` or ``"matmul"``.
        constant: one of both operands, broadcast against the other; None for two inputs.
        constant_first: whether the constant is on the left.

    Attributes:
        constant: a buffer, or None.

    Raises:
        SpecError: for another operation.

    Example:
        >>> Elementwise("subtract")([[3.0]], [[1.0]])
        Tensor([[2.]])
        >>> Elementwise("divide", 255)([[51.0]])
        Tensor([[0.2]])
    """

    def __init__(
        self, operation: str, constant: ArrayLike | None = None, *, constant_first: bool = False
    ) -> None:
        if operation not in OPERATIONS:
            raise SpecError(
                f"Elementwise: operation must be one of {', '.join(OPERATIONS)}, got "
                f"{operation!r}{nearest(str(operation), OPERATIONS)}"
            )
        self.operation = operation
        self.constant = None if constant is None else Buffer(np.asarray(constant, np.float32))
        self.constant_first = constant_first

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute it of one input and the constant, or of two inputs."""
        if self.constant is not None:
            both = (self.constant, *inputs) if self.constant_first else (*inputs, self.constant)
            inputs = both
        result: Tensor = OPERATIONS[self.operation](*inputs)
        return result

    def describe(self) -> str:
        """Return the operation, and the shape of a constant."""
        if self.constant is None:
            return self.operation
        one = self.constant.size == 1
        shown = f"{self.constant.array.ravel()[0]:g}" if one else f"{self.constant.shape}"
        return f"{shown}, {self.operation}" if self.constant_first else f"{self.operation}, {shown}"


class Mean(Module):
    """The mean over some axes, which are gone then.

    Args:
        axes: of the input; not the batch's, 0.

    Example:
        >>> Mean(1, 2)(np.ones((2, 8, 8, 3))).shape
        (2, 3)
    """

    def __init__(self, *axes: int) -> None:
        self.axes = tuple(int(axis) for axis in axes)

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        return ops.mean(x, axis=self.axes)

    def describe(self) -> str:
        """Return the axes."""
        return ", ".join(map(str, self.axes))
