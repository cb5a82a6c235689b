"""The dense nets in AQT, Google's quantized training for JAX: W4A4 and W2A2.

Its product takes the place of JAX's; scales are the greatest number of each sample and each output,
found anew in each step, so none is learned. Gradients stay float. Its convolution has no gradient.
"""

from functools import partial
from typing import Any

from _training_jax_step import float_product, training
from _training_layers import Dense
from _training_nets import Array, Net, Variant
from aqt.jax.v2.config import config_v4

# The last axis of both is contracted.
DIMENSIONS = (((1,), (1,)), ((), ()))


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    dot = config_v4(fwd_bits=variant.bits, dlhs_bits=None, drhs_bits=None)
    return training(net, _begin, partial(_product, dot))


def _begin(layer: Dense, w: Array, b: Array) -> dict[str, Any]:
    return {"w": w, "b": b}


def _product(dot: Any, layer: Dense, given: dict[str, Any], x: Any) -> Any:
    if layer.quantized:
        return dot(x, given["w"], DIMENSIONS) + given["b"]
    return float_product(layer, x, given["w"]) + given["b"]
