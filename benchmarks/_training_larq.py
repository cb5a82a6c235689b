"""The nets in Larq, which has no learned scales.

W4A4 and W2A2 are DoReFa's quantizers, W1A1 is `ste_sign`. It needs tf-keras, the Keras before 3
(TF_USE_LEGACY_KERAS=1).
"""

from typing import Any

import larq
from _training_keras_step import conv_options, float_product, training
from _training_layers import Conv, Dense
from _training_nets import Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    def product(layer: Dense | Conv) -> Any:
        if not layer.quantized:
            return float_product(layer)
        options = _quantizers(variant.bits)
        if isinstance(layer, Dense):
            return larq.layers.QuantDense(layer.outputs, **options)
        options |= conv_options(layer)
        return larq.layers.QuantConv2D(layer.outputs, layer.size, **options)

    step = training(net, threads, product)
    return (*step[:2], f"{'ste_sign' if variant.bits == 1 else 'DoReFa'}, {step[2]}")


def _quantizers(bits: int) -> dict[str, Any]:
    if bits == 1:
        return {"kernel_quantizer": "ste_sign", "input_quantizer": "ste_sign"}
    return {
        "kernel_quantizer": larq.quantizers.DoReFa(bits, mode="weights"),
        "input_quantizer": larq.quantizers.DoReFa(bits, mode="activations"),
    }
