"""Products of float32 matrices whose sums are taken in one order, whatever runs them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import float_gemm as kernel
from ..machine import empty, kernel_settings
from .channel_sums import channel_sums

Array = NDArray[Any]


def float_gemm(a: Array, b: Array) -> NDArray[np.float32]:
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
    kernel.matrix(*kernel_settings(), a, row, term, np.ascontiguousarray(b), out, m, k, n)
    return out


def affine_gradients(
    g: Array, x: Array, w: Array, needs: tuple[bool, ...]
) -> list[NDArray[np.float32] | None]:
    """Return ``g @ w``, ``g.T @ x`` and the sums of g's columns: the gradients of `gemm.affine`.

    Args:
        g: float32 ``[m, n]``.
        x: float32 ``[m, k]``.
        w: float32 ``[n, k]``.
        needs: of each, whether it is wanted; None stands for it if not.
    """
    (m, n), k = g.shape, w.shape[1]
    g, x, w = np.asarray(g, order="C"), np.asarray(x, order="C"), np.asarray(w, order="C")
    for_x, for_w, *for_bias = needs
    dx = empty((m, k), np.float32) if for_x else None
    dw = empty((n, k), np.float32) if for_w else None
    if for_x or for_w:
        kernel.affine_gradients(*kernel_settings(), g, x, w, dx, dw, m, n, k)
    return [dx, dw, *[channel_sums(g) if need else None for need in for_bias]]
