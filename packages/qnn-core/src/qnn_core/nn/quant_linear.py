"""The fully connected layer with quantized weight and input."""

import numpy as np

from ..autodiff import Tensor
from ..autodiff.mode import MODE
from ..ops import linear
from ..ops.quantized_linear import fits, quantized_linear
from ..quantizer import Quantizer
from .init import Seed
from .linear import Linear
from .quantize import Quantize, QuantizeWeight
from .quantized_weight import QuantizedWeight


class QuantLinear(QuantizedWeight, Linear):
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
        self._quantize(weight, input, in_features, weight_bounds)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Map ``[..., in_features]`` to ``[..., out_features]``."""
        if not self._in_one(x):
            return linear(*self._operands(x), self.bias)
        assert self.input_quantizer is not None
        assert self.weight_quantizer is not None
        sides = (x, self.input_quantizer), (self.weight, self.weight_quantizer)
        for tensor, quantizer in sides:
            quantizer.meet(tensor)
        (x, first), (weight, second) = sides
        return quantized_linear(
            x,
            first.tensors(),
            weight,
            second.tensors(),
            self.bias,
            quantizers=(first.quantizer, second.quantizer),
        )

    def _in_one(self, x: Tensor) -> bool:
        """Whether one operation can do what three would: in training, if nobody listens."""
        first, second = self.input_quantizer, self.weight_quantizer
        if type(first) is not Quantize or type(second) is not QuantizeWeight:
            return False
        mode = MODE.here
        usual = self.training and mode.grad and mode.recorder is None
        return usual and x.data.dtype == np.float32 and fits(first.quantizer, second.quantizer)
