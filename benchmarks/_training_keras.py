"""The nets in tf.keras, in float: it quantizes trained layers to 8 and 4 bits, none in training."""

from typing import Any

from _training_keras_step import float_product, training
from _training_nets import Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    return training(net, threads, float_product)
