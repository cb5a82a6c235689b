"""The fully connected layer with quantized weight and input."""

from ...ops.linear import LinearProduct
from ...quantizer import Quantizer
from ..init import Seed
from ..layers.linear import Linear
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
        weight_quantizer: owns the weight's qparams; None for a float weight.
        input_quantizer: owns the input's qparams; None for a float input.

    Example:
        >>> import qnn_core as qnn
        >>> layer = qnn.QuantLinear(3, 2, weight="binary", input="uniform:4", seed=0)
        >>> layer.codes()
        array([[1, 0, 0],
               [0, 1, 1]], dtype=uint8)
        >>> layer.scale
        array(0.95..., dtype=float32)
    """

    _product = LinearProduct()

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
