"""Differentiable operations. Each takes tensors or arrays and returns a tensor."""

from typing import NoReturn

from ..autodiff.table import BUILT_IN, OPS, UFUNCS
from ..torch_names import OF_OPS, missing
from . import numpy_arrangements, numpy_functions  # noqa: F401 # what NumPy's functions are
from . import quantized_product as _quantized_product  # noqa: F401 # declares one more
from .activation import hardtanh, log_softmax, relu, sigmoid, softmax, softplus, tanh
from .arithmetic import (
    absolute,
    add,
    clip,
    cos,
    divide,
    exp,
    log,
    multiply,
    negative,
    power,
    sin,
    sqrt,
    subtract,
)
from .conv import conv2d
from .linear import linear, matmul
from .loss import (
    binary_cross_entropy_with_logits,
    huber,
    mean_absolute_error,
    mean_squared_error,
    softmax_cross_entropy,
    squared_hinge,
)
from .norm import batch_norm, dropout, normalize_batch
from .padding import pad2d
from .pool import avg_pool2d, global_avg_pool2d, max_pool2d
from .quantize import fake_quantize
from .reduction import max, mean, min, norm, sum, variance
from .scale_gradient import scale_gradient
from .selection import maximum, minimum, where
from .shape import broadcast_to, concatenate, getitem, reshape, stack, transpose

BUILT_IN.update(OPS)
UFUNCS.update({each.ufunc.__name__: each for each in OPS.values() if each.ufunc is not None})

__all__ = [
    "absolute",
    "add",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "broadcast_to",
    "clip",
    "concatenate",
    "conv2d",
    "cos",
    "divide",
    "dropout",
    "exp",
    "fake_quantize",
    "getitem",
    "global_avg_pool2d",
    "hardtanh",
    "huber",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max",
    "max_pool2d",
    "maximum",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "min",
    "minimum",
    "multiply",
    "negative",
    "norm",
    "normalize_batch",
    "pad2d",
    "power",
    "relu",
    "reshape",
    "scale_gradient",
    "sigmoid",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sqrt",
    "squared_hinge",
    "stack",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "variance",
    "where",
]


def __getattr__(name: str) -> NoReturn:
    missing(f"module {__name__!r}", name, OF_OPS)
