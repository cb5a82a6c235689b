"""The nets in Brevitas, its quantizers with scales that are learned.

Scales are parameters that begin with a statistic (``ScalingImplType.PARAMETER_FROM_STATS``): the
maximum of the weight, the percentile of the first two batches of an input. A fixed scale and all
of one bit are constants.
"""

from typing import Any

import brevitas.nn as bnn
import torch
from _training_layers import Conv, Dense
from _training_nets import Net, Variant
from _training_torch_step import conv_sizes, float_product, training
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    torch.set_num_threads(threads)

    def product(layer: Dense | Conv) -> list[Any]:
        if not layer.quantized:
            return [float_product(layer)]
        weight = _weight(variant.bits)
        if isinstance(layer, Conv):
            made = bnn.QuantConv2d(*conv_sizes(layer), bias=layer.bias, weight_quant=weight)
        else:
            made = bnn.QuantLinear(layer.inputs, layer.outputs, bias=True, weight_quant=weight)
        return [_input(variant, layer.data), made]

    return training(net, product)


class _Weight(Int8WeightPerTensorFloat):
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS


class _Input(Uint8ActPerTensorFloat):
    collect_stats_steps = 2


class _FixedInput(Uint8ActPerTensorFloat):
    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 1.0


def _weight(bits: int) -> Any:
    return SignedBinaryWeightPerTensorConst if bits == 1 else _Weight.let(bit_width=bits)


def _input(variant: Variant, data: bool) -> Any:
    if variant.bits == 1:
        return bnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    fixed = data and variant.first == "fixed"
    return bnn.QuantIdentity(act_quant=_FixedInput if fixed else _Input, bit_width=variant.bits)
