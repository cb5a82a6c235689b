"""Products of quantized and float operands: their one definition, and the kernels that run them."""

from ..machine import cpu, get_num_threads, set_num_threads, threads
from .factor import VALUES, Factor, Grid, factor, integer_sum, joint_scale
from .operand import operand
from .product import product
from .sums import matrix_product
from .weights import Prepared, prepare

__all__ = [
    "VALUES",
    "Factor",
    "Grid",
    "Prepared",
    "cpu",
    "factor",
    "get_num_threads",
    "integer_sum",
    "joint_scale",
    "matrix_product",
    "operand",
    "prepare",
    "product",
    "set_num_threads",
    "threads",
]
