"""The product of two arrays on the engine's kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine, training
from ..machine import cpu, empty, get_num_threads
from ..machine.threads import threads_for
from .float_gemm import affine
from .layouts import row_bytes
from .operand import FLOAT_LIMIT, VALUES, Factor, Grid, integer_sum, joint_scale
from .prepack import Prepared, prepare

Array = NDArray[Any]

# From so many rows on, samples fill the lanes of a vector, and weights need no layout of their own.
MANY_ROWS = 16

# Up to so many products, laying weights out for an integer kernel takes longer than they do.
FEW_PRODUCTS = 2**19

# Multiply-accumulates per nanosecond, about, on the fastest path: only to decide about threads.
RATES = {"planes": 2300, "ternary": 1900, "int8": 450, "int16": 220, "table": 110, "float": 110}


def product(
    x: Array, w: Array, bias: Array | None, x_factor: Factor, w_factor: Factor
) -> NDArray[np.float32]:
    """Return the product that `operand.py` defines, on the kernel that fits the levels.

    Args:
        x: uint8 codes, or float32 values, ``[m, k]``.
        w: likewise, ``[n, k]``.
        bias: float32 ``[n]``, or None.
        x_factor: what `x` is.
        w_factor: what `w` is.

    Returns:
        float32 ``[m, n]``, the same bits on every path and for every number of threads.
    """
    (m, k), n = x.shape, w.shape[0]
    if m >= MANY_ROWS and x_factor is w_factor is VALUES:
        return affine(x, w, None, bias)
    if m * n * k <= FEW_PRODUCTS and floats_suffice(x_factor, w_factor, k):
        assert x_factor.grid is not None
        assert w_factor.grid is not None
        scale = each_column(joint_scale(x_factor, w_factor, k), n)
        return affine(looked_up(x_factor.grid, x), looked_up(w_factor.grid, w), scale, bias)
    if m >= MANY_ROWS and not integer_sum(x_factor, w_factor, k):
        scale = each_column(joint_scale(x_factor, w_factor, k), n)
        return affine(values_of(x, x_factor), values_of(w, w_factor), scale, bias)
    return multiply(x, prepare(w, bias, x_factor, w_factor), x_factor)


def floats_suffice(x: Factor, w: Factor, k: int) -> bool:
    """Whether float32 sums of the elements are exact: what an integer sum gives."""
    return (
        x.grid is not None
        and w.grid is not None
        and x.grid.zero.ndim == w.grid.zero.ndim == 0
        and max(k, 1) * x.grid.reach * w.grid.reach < FLOAT_LIMIT
    )


def looked_up(grid: Grid, codes: Array) -> NDArray[np.float32]:
    """Return the elements of codes, in units, of a grid with one zero point."""
    out = empty(codes.shape, np.float32)
    codes = np.asarray(codes, order="C")
    training.lookup(cpu.active_index(), get_num_threads(), codes, grid.floats, out)
    return out


def values_of(data: Array, factor: Factor) -> Array:
    """Return the elements of one side of a product as floats."""
    return data if factor.levels is None else factor.elements(data)


def each_column(frame: Array, columns: int) -> NDArray[np.float32]:
    """Return a frame, of one number or one for each column, as one for each column."""
    out = np.empty(columns, np.float32)
    out[...] = frame
    return out


def multiply(x: Array, prepared: Prepared, x_factor: Factor) -> NDArray[np.float32]:
    """Return the product of rows with prepared weights; see `product`."""
    (m, k), n = x.shape, prepared.n
    if prepared.form == "float":
        x = x if x_factor.levels is None else x_factor.elements(x)
        x = np.asarray(x, np.float32, order="C")
        program = engine.Program(cpu.active_index(), [4 * k, 4 * n], 1)
        program.product(0, 1, prepared.weights, "float")
    else:
        x = np.asarray(x, np.uint8, order="C")
        decision = engine.Decision(
            format=prepared.form, bits=prepared.bits, count=0, elements=prepared.elements
        )
        rows = row_bytes(prepared.form, k, prepared.bits)
        program = engine.Program(cpu.active_index(), [k, 4 * n, rows], 2)
        program.layout(0, 2, k, decision)
        program.product(2, 1, prepared.weights, "float")
    y = empty((m, n), np.float32)
    work = nanoseconds(prepared, m, k)
    program.run(x, y, 0, m, threads_for(work))
    return y


def nanoseconds(prepared: Prepared, m: int, k: int) -> float:
    """Return about how long a product takes on one thread."""
    pairs = prepared.bits if prepared.kind == "planes" else 1
    return m * prepared.n * k * pairs / RATES[prepared.kind]
