"""The dense nets in torchao, its training with quantization in mind: W4A4 and W2A2.

Weights have a scale for each output, inputs one for each sample, found anew in each step, so none
is learned.
"""

from typing import Any

import torch
from _training_layers import Dense
from _training_nets import Net, Variant
from _training_torch_step import float_product, training
from torchao.quantization.qat import FakeQuantizedLinear, IntxFakeQuantizeConfig


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    torch.set_num_threads(threads)
    bits = {2: torch.int2, 4: torch.int4}[variant.bits]
    weight = IntxFakeQuantizeConfig(bits, "per_channel", is_symmetric=True)
    input = IntxFakeQuantizeConfig(bits, "per_token", is_symmetric=False)

    def product(layer: Dense) -> list[Any]:
        made = float_product(layer)
        return [FakeQuantizedLinear.from_linear(made, input, weight) if layer.quantized else made]

    return training(net, product)
