"""Which translator each operator of a file has."""

from collections.abc import Callable, Mapping
from typing import Any

from ..call import Call
from . import (
    activations,
    arithmetic,
    machine_learning,
    norm,
    pooling,
    products,
    qonnx,
    quantizing,
    shapes,
)

Translator = Callable[[Call], Any]

QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")

TRANSLATORS: Mapping[str, Translator] = {
    "Add": arithmetic.add,
    "AveragePool": pooling.average_pool,
    "BatchNormalization": norm.batch_normalization,
    "Cast": shapes.cast,
    "CastLike": shapes.cast,
    "Clip": activations.clip,
    "Concat": arithmetic.concat,
    "Conv": products.convolution,
    "DequantizeLinear": quantizing.dequantize_linear,
    "Div": arithmetic.divide,
    "Dropout": shapes.dropout,
    "Flatten": shapes.flatten,
    "Gemm": products.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "HardSigmoid": activations.hard_sigmoid,
    "HardSwish": activations.hard_swish,
    "Identity": shapes.identity,
    "LeakyRelu": activations.leaky_relu,
    "MatMul": products.matmul,
    "MaxPool": pooling.max_pool,
    "Mul": arithmetic.multiply,
    "Pad": shapes.pad,
    "QuantizeLinear": quantizing.quantize_linear,
    "ReduceMean": arithmetic.reduce_mean,
    "Relu": activations.relu,
    "Reshape": shapes.reshape,
    "Sigmoid": activations.sigmoid,
    "Softmax": activations.softmax,
    "Squeeze": shapes.squeeze,
    "Sub": arithmetic.subtract,
    "Tanh": activations.tanh,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
    "ai.onnx.ml:LinearClassifier": machine_learning.linear_classifier,
    "ai.onnx.ml:LinearRegressor": machine_learning.linear_regressor,
    "ai.onnx.ml:Normalizer": machine_learning.normalizer,
    "ai.onnx.ml:Scaler": machine_learning.scaler,
    "ai.onnx.ml:ZipMap": machine_learning.zip_map,
    **{f"{domain}:Quant": qonnx.quant for domain in QONNX},
    **{f"{domain}:BipolarQuant": qonnx.bipolar_quant for domain in QONNX},
}

# They have no reference among ONNX's own, and are translated for constants too.
WITH_CONSTANTS = frozenset(
    name
    for name in TRANSLATORS
    if name.rpartition(":")[2] in ("BipolarQuant", "DequantizeLinear", "Quant", "QuantizeLinear")
)
