"""Products of float32 matrices whose sums are taken in one order, whatever runs them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import sums as kernel
from ..machine import cpu, empty, get_num_threads

Array = NDArray[Any]


def matrix_product(a: Array, b: Array) -> NDArray[np.float32]:
    """Return ``a @ b`` of float32 matrices.

    Each element is ``sum = fma(a[m, t], b[t, n], sum)`` for t ascending, from 0: the same bits on
    every kernel path and for every number of threads, and a row does not depend on the others.

    Args:
        a: ``[m, k]``; a transposed view is read as it lies.
        b: ``[k, n]``.
    """
    (m, k), n = a.shape, b.shape[1]
    if a.flags.c_contiguous:
        row, term = k, 1
    elif a.flags.f_contiguous:
        a, row, term = a.T, 1, m
    else:
        a, row, term = np.ascontiguousarray(a), k, 1
    out = empty((m, n), np.float32)
    kernel.matrix(
        cpu.active_index(), get_num_threads(), a, row, term, np.ascontiguousarray(b), out, m, k, n
    )
    return out


def affine(x: Array, w: Array, scale: Array, bias: Array) -> NDArray[np.float32]:
    """Return ``(x @ w.T) * scale + bias`` with the sums of `matrix_product`.

    Args:
        x: float32 ``[m, k]``.
        w: float32 ``[n, k]``, read as it lies if it is the larger side.
        scale: float32 ``[n]``.
        bias: float32 ``[n]``.
    """
    (m, k), n = x.shape, w.shape[0]
    where = cpu.active_index(), get_num_threads()
    x, out = np.ascontiguousarray(x), empty((m, n), np.float32)
    # One side has to be turned; the smaller one.
    if n <= m:
        turned = np.ascontiguousarray(w.T)
        kernel.matrix(*where, x, k, 1, turned, out, m, k, n, scale, bias)
    else:
        kernel.affine(*where, x, np.ascontiguousarray(w), scale, bias, out, m, n, k)
    return out
