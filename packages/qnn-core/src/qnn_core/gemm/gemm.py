"""The product of two arrays on the engine's kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine, float_gemm, training
from ..machine import cpu, empty, kernel_settings
from ..machine.threads import threads_for
from .layouts import row_bytes
from .operand import FLOAT_LIMIT, VALUES, GemmOperand, integer_sum, joint_scale
from .prepack import Prepacked, prepack

Array = NDArray[Any]

# From so many rows on, samples fill the lanes of a vector, and weights need no layout of their own.
MANY_ROWS = 16

# Up to so many products, laying weights out for an integer kernel takes longer than they do.
FEW_PRODUCTS = 2**19

# Multiply-accumulates per nanosecond, about, on the fastest path: only to decide about threads.
RATES = {
    "planes": 2300,
    "ternary": 1900,
    "int8": 450,
    "int16": 220,
    "depthwise": 30,
    "table": 110,
    "float": 110,
}


def product(
    x: Array, w: Array, bias: Array | None, x_operand: GemmOperand, w_operand: GemmOperand
) -> NDArray[np.float32]:
    """Return the product that `operand.py` defines, on the kernel that fits the levels.

    Args:
        x: uint8 codes, or float32 values, ``[m, k]``.
        w: likewise, ``[n, k]``.
        bias: float32 ``[n]``, or None.
        x_operand: what `x` is.
        w_operand: what `w` is.

    Returns:
        float32 ``[m, n]``, the same bits on every path and for every number of threads.
    """
    (m, k), n = x.shape, w.shape[0]
    if m >= MANY_ROWS and x_operand is w_operand is VALUES:
        return affine(x, w, None, bias)
    if m * n * k <= FEW_PRODUCTS and floats_suffice(x_operand, w_operand, k):
        assert x_operand.integer_levels is not None
        assert w_operand.integer_levels is not None
        scale = each_column(joint_scale(x_operand, w_operand, k), n)
        return affine(
            looked_up(x_operand.integer_levels.floats, x),
            looked_up(w_operand.integer_levels.floats, w),
            scale,
            bias,
        )
    if m >= MANY_ROWS and not integer_sum(x_operand, w_operand, k):
        scale = each_column(joint_scale(x_operand, w_operand, k), n)
        return affine(values_of(x, x_operand), values_of(w, w_operand), scale, bias)
    return multiply(x, prepack(w, bias, x_operand, w_operand), x_operand)


def affine(
    x: Array, w: Array, scale: Array | None = None, bias: Array | None = None
) -> NDArray[np.float32]:
    """Return ``(x @ w.T) * scale + bias`` with the sums of `float_gemm.float_gemm`.

    Args:
        x: float32 ``[m, k]``.
        w: float32 ``[n, k]``.
        scale: float32 ``[n]``; None for 1.
        bias: float32 ``[n]``; None for 0.
    """
    (m, k), n = x.shape, w.shape[0]
    x, w = np.asarray(x, order="C"), np.asarray(w, order="C")
    out = empty((m, n), np.float32)
    float_gemm.affine(*kernel_settings(), x, w, scale, bias, out, m, n, k)
    return out


def floats_suffice(x: GemmOperand, w: GemmOperand, k: int) -> bool:
    """Whether float32 sums of the elements are exact: what an integer sum gives."""
    return (
        x.integer_levels is not None
        and w.integer_levels is not None
        and x.integer_levels.zero.ndim == w.integer_levels.zero.ndim == 0
        and max(k, 1) * x.integer_levels.reach * w.integer_levels.reach < FLOAT_LIMIT
    )


def looked_up(table: NDArray[np.float32], codes: Array) -> NDArray[np.float32]:
    """Return ``table[codes]``."""
    out = empty(codes.shape, np.float32)
    training.lookup(*kernel_settings(), np.asarray(codes, order="C"), table, out)
    return out


def values_of(data: Array, operand: GemmOperand) -> Array:
    """Return the elements of one side of a product as floats."""
    if operand.levels is None:
        return data
    if operand.zero.ndim:
        return operand.elements(data)
    return looked_up(elements_by_code(operand), data)


def elements_by_code(operand: GemmOperand) -> NDArray[np.float32]:
    """Return the element that each code of an operand with one zero point stands for."""
    assert operand.levels is not None
    elements: NDArray[np.float32] = operand.levels - operand.zero
    return elements


def each_column(qparams: Array, columns: int) -> NDArray[np.float32]:
    """Return qparams, of one number or one for each column, as one for each column."""
    out = np.empty(columns, np.float32)
    out[...] = qparams
    return out


def multiply(x: Array, prepacked: Prepacked, x_operand: GemmOperand) -> NDArray[np.float32]:
    """Return the product of rows with prepacked weights; see `product`."""
    (m, k), n = x.shape, prepacked.n
    if prepacked.form == "float":
        x = x if x_operand.levels is None else x_operand.elements(x)
        x = np.asarray(x, np.float32, order="C")
        program = engine.Program(cpu.active_index(), [4 * k, 4 * n], 1)
        program.product(0, 1, prepacked.weights, "float")
    else:
        x = np.asarray(x, np.uint8, order="C")
        requantizer = engine.Requantizer(
            format=prepacked.form, bits=prepacked.bits, count=0, elements=prepacked.elements
        )
        rows = row_bytes(prepacked.form, k, prepacked.bits)
        program = engine.Program(cpu.active_index(), [k, 4 * n, rows], 2)
        program.layout(0, 2, k, requantizer)
        program.product(2, 1, prepacked.weights, "float")
    y = empty((m, n), np.float32)
    work = nanoseconds(prepacked, m, k)
    program.run(x, y, 0, m, threads_for(work))
    return y


def nanoseconds(prepacked: Prepacked, m: int, k: int) -> float:
    """Return about how long a product takes on one thread."""
    pairs = prepacked.bits if prepacked.kind == "planes" else 1
    return m * prepacked.n * k * pairs / RATES[prepacked.kind]
