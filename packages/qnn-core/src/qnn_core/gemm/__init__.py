"""Products of quantized and float operands: their one definition, and the kernels that run them."""

from ..machine import cpu, get_num_threads, set_num_threads, threads
from .channel_sums import channel_sums
from .convolution import Convolution, convolve, prepacked_convolution
from .convolution_gradients import input_gradient, weight_gradient
from .float_gemm import affine_gradients, float_gemm
from .gemm import affine, product
from .mean import mean_of_codes, mean_operand
from .operand import (
    VALUES,
    GemmOperand,
    IntegerLevels,
    integer_sum,
    joint_scale,
    operand_of,
    quantized_operand,
)
from .prepack import Prepacked, prepack
from .sparse_gradients import is_large, sparse_gradients
from .window import Window

__all__ = [
    "VALUES",
    "Convolution",
    "GemmOperand",
    "IntegerLevels",
    "Prepacked",
    "Window",
    "affine",
    "affine_gradients",
    "channel_sums",
    "convolve",
    "cpu",
    "float_gemm",
    "get_num_threads",
    "input_gradient",
    "integer_sum",
    "is_large",
    "joint_scale",
    "mean_of_codes",
    "mean_operand",
    "operand_of",
    "prepack",
    "prepacked_convolution",
    "product",
    "quantized_operand",
    "set_num_threads",
    "sparse_gradients",
    "threads",
    "weight_gradient",
]
