"""The fully connected layer with quantized weight and input."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Parameter, Tensor
from ..coded import Coded
from ..errors import StateError
from ..ops import linear
from ..quantizer import Quantizer
from .init import Seed
from .linear import Linear
from .quantize import Quantize, QuantizeWeight


class QuantLinear(Linear):
    """`Linear` on quantized weights and a quantized input; either may stay float.

    Args:
        in_features: length of the last axis of the input.
        out_features: length of the last axis of the output.
        weight: quantizer of the weight (spec string or object), None for float.
        input: quantizer of the input, None for float.
        bias: whether there is one; it stays float.
        weight_bounds: ``(low, high)`` that the latent weights are kept inside, None for none.
        seed: of the initial weights, see `Linear`.

    Attributes:
        weight: the latent float weight, ``[out_features, in_features]``: what is trained.
        weight_quantizer: owns the weight's frame; None for a float weight.
        input_quantizer: owns the input's frame; None for a float input.

    Example:
        >>> import qnn_core as qnn
        >>> layer = qnn.QuantLinear(3, 2, weight="binary", input="uniform:4", seed=0)
        >>> layer.codes()
        array([[1, 0, 0],
               [0, 1, 1]], dtype=uint8)
        >>> layer.scale
        array(0.95..., dtype=float32)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        weight: str | Quantizer | None = None,
        input: str | Quantizer | None = None,
        bias: bool = True,
        weight_bounds: tuple[float, float] | None = None,
        seed: Seed = None,
    ) -> None:
        super().__init__(in_features, out_features, bias=bias, seed=seed)
        self.weight = Parameter(self.weight.data, bounds=weight_bounds)
        self.weight_quantizer = None if weight is None else QuantizeWeight(weight, self.weight)
        self.input_quantizer = None if input is None else Quantize(input, channels=in_features)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Map ``[..., in_features]`` to ``[..., out_features]``."""
        weight: Tensor = self.weight
        if self.weight_quantizer is not None:
            weight = self.weight_quantizer(weight)
        if self.input_quantizer is not None:
            x = self.input_quantizer(x)
        return linear(x, weight, self.bias)

    def coded(self) -> Coded:
        """Return the weight as packed codes, levels and frame: all that is deployed of it.

        Raises:
            StateError: if the weight is float.
        """
        if self.weight_quantizer is None:
            raise StateError("QuantLinear: the weight is float, it has no codes")
        self.weight_quantizer.refresh(self.weight.data)
        return self.weight_quantizer.encode(self.weight.data)

    def codes(self) -> NDArray[np.uint8]:
        """Return the weight's codes, uint8 of shape ``[out_features, in_features]``."""
        return self.coded().codes

    @property
    def scale(self) -> NDArray[Any]:
        """The weight's scale: shape () or (channels,); ``value = scale * levels[code] + shift``."""
        return self.coded().scale
