"""The instructions of layers that are a matrix product: what programs are made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import dense
from .._kernels import instruction as kernel
from ..autodiff import Shape
from ..gemm import quantized_operand
from ..gemm.channel_sums import few_rows, pieces_of
from ..gemm.gemm import FEW_PRODUCTS, MANY_ROWS
from ..gemm.operand import FLOAT_LIMIT
from ..quantizer import Quantizer, codebook


def linear_instruction(
    shapes: tuple[Shape, ...], attributes: dict[str, Any]
) -> kernel.Instruction | None:
    """Return the instruction of `linear`, of matrices with as many rows as kernels want."""
    x, weight = shapes[:2]
    if len(x) != 2 or x[0] < MANY_ROWS:
        return None
    m, (n, k) = x[0], weight
    return dense.Linear(m, n, k, _sums(m, n))


def quantized_instruction(
    shapes: tuple[Shape, ...], attributes: dict[str, Any]
) -> kernel.Instruction | None:
    """Return the instruction of `quantized_product`, of matrices of few elements.

    Others have kernels of integers, or leave zeros out: what is called for these takes longer than
    the call.
    """
    x, weight, quantizers = shapes[0], shapes[3], attributes["quantizers"]
    if not attributes["product"].of_matrices or len(x) != 2 or any(shapes[n] for n in (1, 2, 4, 5)):
        return None
    (m, k), n = x, weight[0]
    if m * n * k > FEW_PRODUCTS:
        return None
    data, columns = _factor(quantizers[0], m * k), _factor(quantizers[1], n * k)
    return dense.QuantizedLinear(m, n, k, data, columns, _sums(m, n), FLOAT_LIMIT)


def _sums(rows: int, columns: int) -> dense.ChannelSums:
    return dense.ChannelSums(few_rows((rows, columns)), *pieces_of((rows, columns)))


def _factor(quantizer: Quantizer, size: int) -> dense.Factor:
    found = codebook(quantizer)

    def grid(zero: float) -> tuple[NDArray[np.float32], float, int] | None:
        one, shift = np.ones((), np.float32), np.array(-zero, np.float32)
        operand = quantized_operand(found.levels, one, shift, along_reduction=False)
        whole = operand.integer_levels
        return None if whole is None else (whole.floats, whole.unit, whole.reach)

    return dense.Factor(found.book, max(abs(end) for end in found.ends), grid, size)
