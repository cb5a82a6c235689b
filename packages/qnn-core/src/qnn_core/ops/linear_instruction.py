"""The instructions of layers that are a matrix product: what programs are made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import dense
from .._kernels import instruction as kernel
from ..autodiff import Shape
from ..gemm import GemmOperand, integer_sum, quantized_operand
from ..gemm.channel_sums import few_rows, pieces_of
from ..gemm.gemm import FEW_PRODUCTS, MANY_ROWS, elements_by_code, floats_suffice
from ..gemm.multiplier import multiplier
from ..gemm.sparse_gradients import may_be_sparse, table_of
from ..quantizer import Quantizer, codebook

Prepared = tuple[float, Any, NDArray[np.float32] | None, NDArray[np.float32] | None]


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
    """Return the instruction of `quantized_product`, of matrices with one scale on each side."""
    x, weight, quantizers = shapes[0], shapes[3], attributes["quantizers"]
    if not attributes["product"].of_matrices or len(x) != 2 or any(shapes[n] for n in (1, 2, 4, 5)):
        return None
    (m, k), n = x, weight[0]

    def prepare(x_zero: float, w_zero: float) -> Prepared | None:
        of_x, of_w = (_operand(q, z) for q, z in zip(quantizers, (x_zero, w_zero), strict=True))
        if not integer_sum(of_x, of_w, k):
            few = m < MANY_ROWS or of_x.levels is None or of_w.levels is None
            return None if few else (1.0, None, elements_by_code(of_x), elements_by_code(of_w))
        assert of_x.integer_levels is not None
        assert of_w.integer_levels is not None
        unit = of_x.integer_levels.unit * of_w.integer_levels.unit
        # As `gemm.product` chooses.
        if m * n * k <= FEW_PRODUCTS and floats_suffice(of_x, of_w, k):
            return unit, None, of_x.integer_levels.floats, of_w.integer_levels.floats
        found = multiplier(of_x, of_w, m, n, k)
        return None if found is None else (unit, found, None, None)

    data, columns = _factor(quantizers[0], m * k), _factor(quantizers[1], n * k)
    levels = codebook(quantizers[1]).levels
    sparse = table_of(levels) if may_be_sparse(m, n, k, levels) else None
    return dense.QuantizedLinear(m, n, k, data, columns, _sums(m, n), prepare, sparse)


def _sums(rows: int, columns: int) -> dense.ChannelSums:
    return dense.ChannelSums(few_rows((rows, columns)), *pieces_of((rows, columns)))


def _factor(quantizer: Quantizer, size: int) -> dense.Factor:
    found = codebook(quantizer)
    return dense.Factor(found.book, found.levels, size)


def _operand(quantizer: Quantizer, zero: float) -> GemmOperand:
    """Return what codes with this zero point are, for any scale."""
    shift = np.array(-zero if zero else 0.0, np.float32)
    one = np.ones((), np.float32)
    return quantized_operand(codebook(quantizer).levels, one, shift, along_reduction=False)
