"""The nets in Larq, which has no learned scales.

W4A4 and W2A2 are DoReFa's quantizers, W1A1 is `ste_sign`. It needs tf-keras, the Keras before 3
(TF_USE_LEGACY_KERAS=1).
"""

from typing import Any

import larq
from _training_keras import training
from _training_nets import Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    step = training(
        net,
        threads,
        lambda n: larq.layers.QuantDense(n, **_quantizers(variant.bits)),
        lambda n: larq.layers.QuantConv2D(n, 5, **_quantizers(variant.bits)),
    )
    return (*step[:2], f"{'ste_sign' if variant.bits == 1 else 'DoReFa'}, {step[2]}")


def _quantizers(bits: int) -> dict[str, Any]:
    if bits == 1:
        return {"kernel_quantizer": "ste_sign", "input_quantizer": "ste_sign"}
    return {
        "kernel_quantizer": larq.quantizers.DoReFa(bits, mode="weights"),
        "input_quantizer": larq.quantizers.DoReFa(bits, mode="activations"),
    }
