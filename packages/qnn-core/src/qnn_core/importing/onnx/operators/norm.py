"""Batch normalization: kept as a layer, or folded into the one before it."""

from typing import Any

import numpy as np

from ....nn import BatchNorm, Conv2d, Linear, QuantConv1d, QuantConv2d, QuantLinear
from ..builder import Unsupported
from ..call import Call
from ..values import Activation
from ..weights import finite, with_weights


def batch_normalization(call: Call) -> Activation:
    """BatchNormalization, with the statistics of the file."""
    if call.attribute("training_mode", 0) or any(call.node.outputs[1:]):
        raise Unsupported("statistics of the batch: export the net in evaluation")
    x = call.builder.last(call.activation())
    channels = x.shape[1]
    statistics = [finite("a statistic", call.constant(at)) for at in range(1, 5)]
    if any(np.shape(each) != (channels,) for each in statistics):
        raise Unsupported(f"statistics that are not those of {channels} channels")
    if x.columns is not None:
        statistics = [each[x.columns] for each in statistics]
    eps, momentum = call.attribute("epsilon", 1e-5), call.attribute("momentum", 0.9)
    if np.any(statistics[3] + eps <= 0):
        raise Unsupported("a variance below 0")
    layer: Any = None
    if call.fold:
        layer = call.builder.layer_before(x, (Linear, Conv2d))
    if layer is not None and not isinstance(layer, QuantLinear | QuantConv1d | QuantConv2d):
        call.builder.exchange(x, _folded(layer, statistics, eps))
        return x
    # ONNX's momentum is the share of what was there; ours, as PyTorch's, that of a new batch.
    made = BatchNorm(channels, eps=eps, momentum=min(max(1 - momentum, 1e-6), 1.0))
    buffers = made.weight, made.bias, made.running_mean, made.running_variance
    for buffer, array in zip(buffers, statistics, strict=True):
        buffer.array[...] = array
        buffer.written()
    return x.but(name=call.builder.add(made, [x], call.hint(1)), grid=None)


def _folded(layer: Any, statistics: list[Any], eps: float) -> Any:
    """Return a layer that does what it and the normalization behind it do."""
    weight, bias, mean, variance = statistics
    # In double precision: the layer's weights are rounded once.
    factor = np.asarray(weight, np.float64) / np.sqrt(np.asarray(variance, np.float64) + eps)
    before = 0 if layer.bias is None else layer.bias.array.astype(np.float64)
    scaled = layer.weight.array * factor.reshape(-1, *[1] * (layer.weight.ndim - 1))
    return with_weights(layer, scaled, (before - mean) * factor + bias)
