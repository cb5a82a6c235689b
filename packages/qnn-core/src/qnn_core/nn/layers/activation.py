"""Activation functions as layers."""

from ... import ops
from ...arguments import real, whole
from ...autodiff import Tensor
from ...errors import ShapeError
from ..module import Module


class ReLU(Module):
    """``max(0, x)``.

    Example:
        >>> ReLU()([-1.0, 2.0])
        Tensor([0., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.relu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Example:
        >>> Sigmoid()([0.0])
        Tensor([0.5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent.

    Example:
        >>> Tanh()([0.0])
        Tensor([0.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.tanh(x)


class HardTanh(Module):
    """``x`` limited to -1..1.

    Example:
        >>> HardTanh()([-2.0, 0.5])
        Tensor([-1. ,  0.5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.hardtanh(x)


class LeakyReLU(Module):
    """``x`` above 0, and ``slope * x`` below.

    Args:
        slope: of the negative side.

    Example:
        >>> LeakyReLU(0.5)([-2.0, 3.0])
        Tensor([-1.,  3.])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = real("LeakyReLU", "slope", slope)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        # In operations that a packed net has; one of both terms is 0.
        return ops.relu(x) - self.slope * ops.relu(-x)

    def describe(self) -> str:
        """Return the slope."""
        return f"{self.slope:g}"


class HardSigmoid(Module):
    """``slope * x + offset``, limited to 0..1.

    Args:
        slope: as ONNX has it, 0.2; PyTorch's is 1/6.
        offset: its value at 0.

    Example:
        >>> HardSigmoid(0.25)([-4.0, 0.0, 1.0])
        Tensor([0.  , 0.5 , 0.75])
    """

    def __init__(self, slope: float = 0.2, offset: float = 0.5) -> None:
        self.slope = real("HardSigmoid", "slope", slope)
        self.offset = real("HardSigmoid", "offset", offset)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.clip(x * self.slope + self.offset, 0, 1)

    def describe(self) -> str:
        """Return slope and offset."""
        return f"{self.slope:g}, {self.offset:g}"


class HardSwish(Module):
    """``x * HardSigmoid(1/6)(x)``: Howard et al. 2019, arXiv:1905.02244, section 5.2.

    Example:
        >>> HardSwish()([-3.0, 0.0, 3.0])
        Tensor([-0.,  0.,  3.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return x * ops.clip(x * (1 / 6) + 0.5, 0, 1)


class Clip(Module):
    """``x`` limited to a range.

    Args:
        low: least value, ``-inf`` for none.
        high: greatest value, ``inf`` for none.

    Example:
        >>> Clip(0, 6)([-1.0, 7.0])
        Tensor([0., 6.])
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = float(low), float(high)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.clip(x, self.low, self.high)

    def describe(self) -> str:
        """Return the range."""
        return f"{self.low:g}, {self.high:g}"


class Softmax(Module):
    """``exp(x) / sum(exp(x))`` along an axis.

    Args:
        axis: the last one by default.

    Example:
        >>> Softmax()([[0.0, 0.0]])
        Tensor([[0.5, 0.5]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = whole("Softmax", "axis", axis, error=ShapeError)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it along the axis."""
        return ops.softmax(x, self.axis)

    def describe(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"
