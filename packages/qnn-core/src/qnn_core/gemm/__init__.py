"""Products of quantized and float operands: their one definition, and the kernels that run them."""

from ..machine import cpu, get_num_threads, set_num_threads, threads
from .channel_sums import channel_sums
from .convolution import Convolution, convolve, prepared_convolution
from .convolution_gradients import input_gradient, weight_gradient
from .float_gemm import affine_gradients, matrix_product
from .gemm import product
from .operand import VALUES, Factor, Grid, factor, integer_sum, joint_scale
from .operand_of_tensor import operand
from .prepack import Prepared, prepare
from .sparse_gradients import data_gradients, is_large
from .window import Window

__all__ = [
    "VALUES",
    "Convolution",
    "Factor",
    "Grid",
    "Prepared",
    "Window",
    "affine_gradients",
    "channel_sums",
    "convolve",
    "cpu",
    "data_gradients",
    "factor",
    "get_num_threads",
    "input_gradient",
    "integer_sum",
    "is_large",
    "joint_scale",
    "matrix_product",
    "operand",
    "prepare",
    "prepared_convolution",
    "product",
    "set_num_threads",
    "threads",
    "weight_gradient",
]
