"""Activation functions as layers."""

from ... import ops
from ...autodiff import Tensor
from ..module import Module


class ReLU(Module):
    """``max(0, x)``.

    Example:
        >>> ReLU()([-1.0, 2.0])
        Tensor([0., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Apply it to each element."""
        return ops.relu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Example:
        >>> Sigmoid()([0.0])
        Tensor([0.5])
    """

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Apply it to each element."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent.

    Example:
        >>> Tanh()([0.0])
        Tensor([0.])
    """

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Apply it to each element."""
        return ops.tanh(x)


class HardTanh(Module):
    """``x`` limited to -1..1.

    Example:
        >>> HardTanh()([-2.0, 0.5])
        Tensor([-1. ,  0.5])
    """

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Apply it to each element."""
        return ops.hardtanh(x)
