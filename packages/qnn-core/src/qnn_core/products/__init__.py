"""Products of quantized and float operands: their one definition, and the kernels that run them."""

from .factor import VALUES, Factor, Grid, factor, integer_sum, joint_scale
from .operand import operand
from .product import product
from .threads import get_num_threads, set_num_threads
from .weights import Prepared, prepare

__all__ = [
    "VALUES",
    "Factor",
    "Grid",
    "Prepared",
    "factor",
    "get_num_threads",
    "integer_sum",
    "joint_scale",
    "operand",
    "prepare",
    "product",
    "set_num_threads",
]
