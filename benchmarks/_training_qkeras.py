"""The nets in QKeras, which has no learned scales.

Weights have a scale that is fitted to them in each step (``alpha="auto"``), inputs the range 0 to
1; W1A1 is `binary` without a scale. It needs tf-keras, the Keras before 3 (TF_USE_LEGACY_KERAS=1).
"""

from typing import Any

import qkeras
from _training_keras_step import conv_options, float_product, training
from _training_layers import Conv, Dense
from _training_nets import Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    def product(layer: Dense | Conv) -> Any:
        if not layer.quantized:
            return float_product(layer)
        weight, input = _quantizers(variant.bits)
        if isinstance(layer, Dense):
            made = qkeras.QDense(layer.outputs, kernel_quantizer=weight)
        else:
            options = {"kernel_quantizer": weight, **conv_options(layer)}
            made = qkeras.QConv2D(layer.outputs, layer.size, **options)
        return lambda x: made(qkeras.QActivation(input)(x))

    return training(net, threads, product)


def _quantizers(bits: int) -> tuple[Any, Any]:
    """Return those of weight and input."""
    if bits == 1:
        return qkeras.binary(alpha=1.0), qkeras.binary(alpha=1.0)
    weight = qkeras.quantized_bits(bits, symmetric=True, alpha="auto")
    return weight, qkeras.quantized_relu(bits)
