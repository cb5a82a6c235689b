"""The gradients of a product by data that are mostly one number: see ``_kernels/sparse.h``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import sparse as kernel
from ..machine import empty, kernel_settings
from ..qtensor import QuantizedTensor
from .gemm import each_column

Array = NDArray[Any]
MOST_LEVELS = 16


def is_large(g: Array, x: Array) -> bool:
    """Whether it may pay to look for such a number in ``g.T @ x``."""
    return bool(g.size * x.shape[1] >= kernel.LEAST)


def may_be_sparse(m: int, n: int, k: int, levels: Array) -> bool:
    """Whether `sparse_gradients` takes weights of these levels, and may pay."""
    return m * n * k >= kernel.LEAST and levels.size <= MOST_LEVELS


def table_of(levels: Array) -> NDArray[np.float32]:
    """Return the levels of a weight as the kernel takes them."""
    table = np.zeros(MOST_LEVELS, np.float32)
    table[: levels.size] = levels
    return table


def sparse_gradients(
    g: Array, x: Array, slope: Array, shift_slope: Array | None, weight: QuantizedTensor
) -> tuple[tuple[float, float], NDArray[np.float32]] | None:
    """Return the sums over ``(g @ w) * slope``, of both slopes, and ``g.T @ x``.

    Only where x and slope are not what they mostly are is anything computed. None where that is
    nearly everywhere, or for weights of more than 16 levels.

    Args:
        g: float32 ``[m, n]``.
        x: float32 ``[m, k]``.
        slope: likewise.
        shift_slope: likewise; None for a sum of 0.
        weight: w as codes ``[n, k]``, with one scale or one for each row.
    """
    (m, n), k = g.shape, x.shape[1]
    if not may_be_sparse(m, n, k, weight.levels):
        return None
    levels = table_of(weight.levels)
    dw = empty((n, k), np.float32)
    g, x, slope, codes = (np.asarray(a, order="C") for a in (g, x, slope, weight.codes))
    totals = kernel.sparse_gradients(
        *kernel_settings(),
        g,
        x,
        slope,
        None if shift_slope is None else np.asarray(shift_slope, order="C"),
        codes,
        levels,
        each_column(weight.scale, n),
        each_column(weight.shift, n),
        dw,
        m,
        n,
        k,
    )
    return None if totals is None else (totals, dw)
