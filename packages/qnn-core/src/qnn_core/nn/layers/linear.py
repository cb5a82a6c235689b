"""The fully connected layer."""

import numpy as np

from ...arguments import whole
from ...autodiff import Parameter, Tensor
from ...errors import ShapeError
from ...ops import linear
from ..init import Seed, generator, kaiming_uniform
from ..module import Module


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Args:
        in_features: length of the last axis of the input, >= 1.
        out_features: length of the last axis of the output, >= 1.
        bias: whether there is one; it starts at zero.
        seed: of the initial weights (He et al. 2015, uniform): a number, a NumPy generator, or
            None for new ones each time.

    Attributes:
        weight: ``[out_features, in_features]``.
        bias: ``[out_features]``, or None.

    Raises:
        ShapeError: if a length is not a whole number >= 1.

    Example:
        >>> import qnn_core as qnn
        >>> qnn.nn.Linear(3, 2, seed=0)(qnn.Tensor(np.zeros((1, 3))))
        Tensor([[0., 0.]], op=linear)
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True, seed: Seed = None
    ) -> None:
        name = type(self).__name__
        for argument, value in (("in_features", in_features), ("out_features", out_features)):
            whole(name, argument, value, least=1, error=ShapeError)
        shape = (int(out_features), int(in_features))
        self.weight = Parameter(kaiming_uniform(shape, shape[1], generator(seed)))
        self.bias = Parameter(np.zeros(shape[0]), decay=False) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., in_features]`` to ``[..., out_features]``."""
        return linear(x, self.weight, self.bias)

    def describe(self) -> str:
        """Return the lengths, and whether there is a bias."""
        out_features, in_features = self.weight.shape
        return f"{in_features}, {out_features}, bias={self.bias is not None}"
