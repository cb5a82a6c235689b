"""What layers with a quantized weight and a quantized input have in common."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...autodiff import Parameter, Tensor
from ...autodiff.mode import MODE
from ...display import sentence
from ...errors import NonFiniteError, StateError
from ...ops.quantized_product import Product, fits, quantized_product
from ...qtensor import PackedTensor
from ...quantizer import Quantizer
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..module import Module
from ..shown import module_html
from .quantize import Quantize, QuantizeWeight

Spec = str | Quantizer | None
Bounds = tuple[float, float] | None


class QuantizedWeight(Module):
    """A layer whose weight and input may be quantized; a mixin, beside the float layer.

    Attributes:
        weight: the latent float weight, ``[out, ...]``: what is trained.
        weight_quantizer: owns the weight's qparams; None for a float weight.
        input_quantizer: owns the input's qparams; None for a float input.
    """

    weight: Parameter
    bias: Parameter | None
    weight_quantizer: QuantizeWeight | None
    input_quantizer: Quantize | None
    # What is done with both.
    _product: Product

    @classmethod
    def from_float(
        cls,
        layer: Linear | Conv2d,
        *,
        weight: Spec = None,
        input: Spec = None,
        weight_bounds: Bounds = None,
    ) -> Self:
        """Return a float layer with quantizers; the two share weight and bias.

        Args:
            layer: of the class that this one quantizes.
            weight: quantizer of the weight, fitted to it; None for float.
            input: quantizer of the input, still to be fitted; None for float.
            weight_bounds: ``(low, high)`` that the latent weights are kept inside, None for none;
                with bounds the weight is a parameter of its own.

        Raises:
            TypeError: if the layer is of another class, a subclass included: nobody knows what its
                own `forward` does.

        Example:
            >>> import qnn_core as qnn
            >>> qnn.QuantLinear.from_float(qnn.Linear(3, 2), weight="binary")
            QuantLinear(3, 2, bias=True)
              weight_quantizer: QuantizeWeight(Binary(bits=1))
        """
        if type(layer) not in cls.__bases__:
            raise TypeError(f"{cls.__name__}: cannot be made from a {type(layer).__name__}")
        made = cls.__new__(cls)
        vars(made).update(vars(layer))
        channels = layer.weight.shape[-1] * getattr(layer, "groups", 1)
        made._quantize(weight, input, channels, weight_bounds)
        return made

    def _quantize(self, weight: Spec, input: Spec, channels: int, bounds: Bounds) -> None:
        if bounds is not None:
            self.weight = Parameter(self.weight.array, bounds=bounds)
        self.weight_quantizer = None if weight is None else QuantizeWeight(weight, self.weight)
        self.input_quantizer = None if input is None else Quantize(input, channels=channels)
        for number, quantizer in enumerate((self.weight_quantizer, self.input_quantizer)):
            if quantizer is not None:
                quantizer.seed_noise(self.weight.array, number)

    def forward(self, x: Tensor) -> Tensor:
        """Return the product of the quantized input and weight, plus the bias; see the float layer.

        As one operation where that can do what three would.
        """
        weight: Tensor = self.weight
        first, second = self.input_quantizer, self.weight_quantizer
        if first is not None and second is not None and self._in_one(x, first, second):
            sides = first.operands(x), second.operands(weight)
            quantizers = first.quantizer, second.quantizer
            return quantized_product(
                *sides, self.bias, quantizers=quantizers, product=self._product
            )
        if second is not None:
            weight = second(weight)
        if first is not None:
            x = first(x)
        return self._product.of(x, weight, self.bias)

    def _in_one(self, x: Tensor, first: Quantize, second: QuantizeWeight) -> bool:
        """Whether nobody looks on, or has a quantizer of their own: the bits are the same."""
        if type(first) is not Quantize or type(second) is not QuantizeWeight:
            return False
        if "forward" in vars(first) or "forward" in vars(second):
            return False
        if self.training and not (first.plain and second.plain):
            return False
        recorder = MODE.here.recorder
        unseen = recorder is None or recorder.whole
        return unseen and x.array.dtype == np.float32 and fits(first.quantizer, second.quantizer)

    def coded(self) -> PackedTensor:
        """Return the weight as packed codes, levels and qparams: all that is deployed of it.

        Raises:
            StateError: if the weight is float.
        """
        if self.weight_quantizer is None:
            raise StateError(f"{type(self).__name__}: the weight is float, it has no codes")
        self.weight_quantizer.refresh(self.weight.array)
        return self.weight_quantizer.encode(self.weight.array)

    def _repr_html_(self) -> str:
        """Return the layer as a table, and its weight's codes, as notebooks show them."""
        if self.weight_quantizer is None:
            return module_html(self)
        try:
            codes = self.weight_quantizer.coded(self.weight.array)._repr_html_()
        except NonFiniteError as error:  # who looks at a net that went wrong is to see it
            codes = sentence(f"its weight has no codes: {error}")
        return module_html(self, codes)

    def codes(self) -> NDArray[np.uint8]:
        """Return the weight's codes, uint8 of its shape."""
        return self.coded().codes

    @property
    def scale(self) -> NDArray[Any]:
        """The weight's scale: shape () or (channels,); ``value = scale * levels[code] + shift``."""
        return self.coded().scale
