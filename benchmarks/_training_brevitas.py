"""The nets in Brevitas, its quantizers with scales that are learned.

Scales are parameters that begin with a statistic (``ScalingImplType.PARAMETER_FROM_STATS``): the
maximum of the weight, the percentile of the first two batches of an input. A fixed scale and all
of one bit are constants.
"""

from typing import Any

import brevitas.nn as bnn
import torch
from _training_nets import Net, Variant
from _training_torch import training
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from torch import nn


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return training(make(net, variant))


def make(net: Net, variant: Variant) -> Any:
    layers: list[Any] = []
    before, side = net.inputs[-1], net.inputs[0]
    for channels in net.channels:
        conv = bnn.QuantConv2d(before, channels, 5, bias=True, weight_quant=_weight(variant.bits))
        layers += [_input(variant, not layers), conv, nn.ReLU(), nn.MaxPool2d(2)]
        before, side = channels, (side - 4) // 2
    if net.channels:
        layers.append(nn.Flatten())
        before *= side * side
    for width in net.dense:
        dense = bnn.QuantLinear(before, width, bias=True, weight_quant=_weight(variant.bits))
        layers += [_input(variant, not layers), dense, nn.ReLU()]
        before = width
    return nn.Sequential(*layers[:-1])


class _Weight(Int8WeightPerTensorFloat):
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS


class _Input(Uint8ActPerTensorFloat):
    collect_stats_steps = 2


class _FixedInput(Uint8ActPerTensorFloat):
    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 1.0


def _weight(bits: int) -> Any:
    return SignedBinaryWeightPerTensorConst if bits == 1 else _Weight.let(bit_width=bits)


def _input(variant: Variant, first: bool) -> Any:
    if variant.bits == 1:
        return bnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    fixed = first and variant.first == "fixed"
    return bnn.QuantIdentity(act_quant=_FixedInput if fixed else _Input, bit_width=variant.bits)
