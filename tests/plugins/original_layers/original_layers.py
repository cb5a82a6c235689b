"""The quantized layers of QNN-Framework, faults included, in the terms of qnn_core.

Its Q_Linear divides weights, and then products, by the greatest magnitude among them, and rounds.
Its B_Linear takes signs. The arithmetic is that of https://github.com/yoshi-ki/QNN-Framework.
"""

import numpy as np
from qnn_core import Parameter, ops
from qnn_core.autodiff import op
from qnn_core.nn import Module


def greatest_of(x):
    return np.max(np.abs(x))


def codes(x, bits):
    half = 2 ** (bits - 1)
    greatest = greatest_of(x)  # of this batch, whether in training or not
    return np.rint(x * half / greatest), half, greatest


def rounded(x, *, bits):
    code, half, _ = codes(x, bits)
    levels = np.clip(code, -half, half - 1)  # one bit: -1 and 0
    return levels.astype(x.dtype)


def rounded_gradient(g, y, x, *, bits):
    code, half, greatest = codes(x.data, bits)
    inside = ((code >= -half) & (code <= half - 1)).astype(code.dtype)
    return g * inside * greatest  # the forward divides by it


def product(x, quantized, weight):
    return x @ quantized.T


def product_gradient(g, y, x, quantized, weight):
    return ops.matmul(g, weight)  # not what was multiplied by


quantize = op("original_round", rounded, shape=lambda x, **_: x, vjps=[rounded_gradient])
multiply = op(
    "original_product",
    product,
    shape=lambda x, quantized, weight: (x[0], quantized[0]),
    vjps=[product_gradient, lambda g, y, x, q, w: ops.matmul(ops.transpose(g), x), None],
)
sign = op("original_sign", np.sign, shape=lambda x: x, vjps=[lambda g, y, x: g])  # sign(0) = 0


def initial(in_features, out_features, seed):
    spread = np.sqrt(1 / in_features)
    return Parameter(np.random.default_rng(seed).normal(0, spread, (out_features, in_features)))


class QLinear(Module):
    def __init__(self, in_features, out_features, bits=2, seed=None):
        self.bits = bits
        self.weight = initial(in_features, out_features, seed)

    def forward(self, x):
        quantized = quantize(self.weight, bits=self.bits)
        y = multiply(x, quantized, self.weight.detach())
        return quantize(y, bits=self.bits)


class BLinear(Module):
    def __init__(self, in_features, out_features, seed=None):
        self.weight = initial(in_features, out_features, seed)

    def forward(self, x):
        return sign(multiply(x, sign(self.weight), self.weight.detach()))
