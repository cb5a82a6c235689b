"""The choice of a kernel by the levels, and the weights in the layout that it wants."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from ..machine import cpu
from .layouts import nibbles_of, panels_of, per_column, prepack_weights, words_of
from .operand import GemmOperand, IntegerLevels, integer_sum, joint_scale

Array = NDArray[Any]

# Up to this many pairs of planes, counting bits beats multiplying integers. Plain C has no
# instruction that multiplies many small integers.
MOST_PLANE_PAIRS = {"base": 16}
PLANE_PAIRS = 4


# Of ternary weights: which are not zero, and which are positive.
TERNARY = np.array([1, 0, 3], np.int16)


@dataclass(frozen=True, eq=False)
class Prepacked:
    """The weights of a product, and what the engine must be given to multiply them by.

    Attributes:
        kind: of the kernel: planes, ternary, int8, int16, table or float.
        n: columns of the product.
        k: length of the sum.
        weights: for a step of a program.
        form: of the other side's elements: bits, uint8, int16 or float.
        bits: planes of the other side.
        elements: int16, the element of each code of the other side; None if that is the code
            itself, or its elements are float.
        nbytes: of the weights in memory.
        zero: what stands for the value 0 on the other side: its code for bits, else its element. Of
            meaning only if it was asked for.
    """

    kind: str
    n: int
    k: int
    weights: engine.Weights
    form: str
    bits: int
    elements: NDArray[np.int16] | None
    nbytes: int
    zero: int = 0


def prepack(
    w: Array,
    bias: Array | None,
    x_operand: GemmOperand,
    w_operand: GemmOperand,
    *,
    padded: bool = False,
) -> Prepacked:
    """Return weights ready for products.

    Args:
        w: uint8 codes, or float32 values, ``[n, k]``.
        bias: float32 ``[n]``, or None.
        x_operand: what it will be multiplied by.
        w_operand: what `w` is.
        padded: whether there are elements of value 0 among those it is multiplied by, even if no
            code means that.
    """
    n, k = w.shape
    kind = kernel_kind(x_operand, w_operand, k, padded=padded)
    ends: dict[str, Any] = {
        "scale": per_column(joint_scale(x_operand, w_operand, k), n, np.float32),
        "bias": per_column(0.0 if bias is None else bias, n, np.float32),
    }
    made = BUILDERS[kind](w, x_operand, w_operand, ends)
    return replace(made, zero=_zero(made, x_operand)) if padded and made.form != "float" else made


def kernel_kind(x: GemmOperand, w: GemmOperand, k: int, *, padded: bool = False) -> str:
    """Return the kernel for a product over `k` elements on the active path; see `prepack`."""
    path = cpu.active()
    if not integer_sum(x, w, k):
        few = w.levels is not None and w.levels.size <= 16 and w.zero.ndim == 0
        return "table" if few and path.startswith("avx512") else "float"
    assert x.integer_levels is not None
    assert w.integer_levels is not None
    return _integer_kind(path, x.integer_levels, w.integer_levels, padded)


@lru_cache(maxsize=1024)
def _integer_kind(path: str, x: IntegerLevels, w: IntegerLevels, padded: bool) -> str:
    # Bits are codes: without a code for the value 0 they cannot say it.
    bits = not padded or bool(np.any(x.centred == 0))
    if bits and _is_sign(x) and _is_ternary(w):
        return "ternary"
    even = x.step and w.step and w.zero.ndim == 0
    if bits and even and x.bits * w.bits <= MOST_PLANE_PAIRS.get(path, PLANE_PAIRS):
        return "planes"
    low, high = _ends(w)
    bytes_fit = elements_above(x) is not None and high - low < 256
    return "int8" if bytes_fit and engine.multiplies_bytes(cpu.paths().index(path)) else "int16"


def _ends(grid: IntegerLevels) -> tuple[int, int]:
    """Return the least and the greatest element of any channel; 0 need not be between them."""
    return (int(grid.centred.min()), int(grid.centred.max())) if grid.centred.size else (0, 0)


def _wrapped(factor: int) -> int:
    """Return a factor in 32 bits: sums wrap around too, and are right in the end."""
    return (factor + 2**31) % 2**32 - 2**31


def _is_sign(grid: IntegerLevels) -> bool:
    return grid.integers.size == 2 and int(grid.integers.sum()) == 2 * int(grid.zero)


def _is_ternary(grid: IntegerLevels) -> bool:
    if grid.integers.size != 3 or grid.zero.ndim:
        return False
    low, middle, high = grid.integers - grid.zero
    return bool(middle == 0 and low == -high)


def _reached(grid: IntegerLevels) -> Array:
    """Return the elements and 0, which padding may be, for a grid with one zero point.

    An element is written as what it is above the least of these.
    """
    return np.append(grid.centred, 0)


def _zero(prepacked: Prepacked, x: GemmOperand) -> int:
    assert x.integer_levels is not None
    if prepacked.form == "bits":
        return int(np.flatnonzero(x.integer_levels.centred == 0)[0])
    return -lowest(x.integer_levels) if prepacked.form == "uint8" else 0


def lowest(grid: IntegerLevels) -> int:
    """Return what an element that is written as 0 means."""
    return int(_reached(grid).min())


def elements_above(grid: IntegerLevels) -> NDArray[np.int16] | None:
    """Return what the element of each code is above `lowest`, or None if a byte cannot say it.

    For a grid with one zero point.
    """
    reached = _reached(grid)
    above = (grid.centred - int(reached.min())).astype(np.int16)
    return above if np.ptp(reached) < 256 else None


def _planes(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    assert x.integer_levels is not None
    assert wf.integer_levels is not None
    (n, k), x_step, w_step = w.shape, x.integer_levels.step, wf.integer_levels.step
    # An element is step * code + first.
    x_first, w_first = int(x.integer_levels.centred[0]), int(wf.integer_levels.centred[0])
    bits = wf.integer_levels.bits
    panels, ones = prepack_weights(w, "bits", bits, None)
    codes = sum(ones[:, b].astype(np.int64) << b for b in range(bits))
    offset = x_first * w_step * codes + k * x_first * w_first
    weights = engine.Weights(
        kind="planes",
        x_bits=x.integer_levels.bits,
        w_bits=bits,
        k=k,
        n=n,
        panels=panels,
        alpha=_wrapped(x_step * w_step),
        row_factor=_wrapped(x_step * w_first),
        offset=per_column(offset, n, np.int32),
        **ends,
    )
    return Prepacked("planes", n, k, weights, "bits", x.integer_levels.bits, None, panels.nbytes)


def _ternary(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    assert x.integer_levels is not None
    assert wf.integer_levels is not None
    n, k = w.shape
    panels, ones = prepack_weights(w, "bits", 2, TERNARY)
    size = int(x.integer_levels.centred[1]) * int(wf.integer_levels.centred[2])
    weights = engine.Weights(
        kind="ternary",
        x_bits=1,
        w_bits=2,
        k=k,
        n=n,
        panels=panels,
        alpha=_wrapped(-2 * size),
        offset=per_column(size * ones[:, 0], n, np.int32),
        **ends,
    )
    return Prepacked("ternary", n, k, weights, "bits", 1, None, panels.nbytes)


def _int8(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    assert x.integer_levels is not None
    assert wf.integer_levels is not None
    n, k = w.shape
    x_first = lowest(x.integer_levels)
    centred = wf.integer_levels.centred
    low, high = _ends(wf.integer_levels)
    middle = 0 if low >= -128 and high <= 127 else low + 128
    assert high - middle <= 127  # what `_integer_kind` chose bytes for
    if centred.ndim == 1:
        panels, totals = prepack_weights(w, "uint8", 1, (centred - middle).astype(np.int16))
        sums = totals[:, 0].astype(np.int64)
    else:
        words = element_words(w, centred - middle, "uint8")
        sums = words.view(np.int8).reshape(n, -1).sum(axis=1, dtype=np.int64)
        panels = panels_of(words)
    offset = x_first * sums + k * x_first * middle
    weights = engine.Weights(
        kind="int8",
        x_bits=8,
        w_bits=8,
        k=k,
        n=n,
        panels=panels,
        row_factor=middle,
        offset=per_column(offset, n, np.int32),
        **ends,
    )
    above = elements_above(x.integer_levels)
    assert above is not None
    elements = None if np.array_equal(above, np.arange(above.size)) else above
    return Prepacked("int8", n, k, weights, "uint8", 8, elements, panels.nbytes)


def _int16(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    assert x.integer_levels is not None
    assert wf.integer_levels is not None
    n, k = w.shape
    panels = panels_of(element_words(w, wf.integer_levels.centred, "int16"))
    weights = engine.Weights(
        kind="int16",
        x_bits=16,
        w_bits=16,
        k=k,
        n=n,
        panels=panels,
        offset=per_column(0, n, np.int32),
        **ends,
    )
    return Prepacked(
        "int16",
        n,
        k,
        weights,
        "int16",
        16,
        x.integer_levels.centred.astype(np.int16),
        panels.nbytes,
    )


def _table(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    n, k = w.shape
    levels = np.zeros(16, np.float32)
    assert wf.levels is not None
    levels[: wf.levels.size] = wf.elements(np.arange(wf.levels.size, dtype=np.uint8))
    panels = panels_of(nibbles_of(w))
    weights = engine.Weights(
        kind="table", x_bits=32, w_bits=4, k=k, n=n, panels=panels, levels=levels, **ends
    )
    return Prepacked("table", n, k, weights, "float", 32, None, panels.nbytes)


def _float(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    n, k = w.shape
    values = np.asarray(w if wf.levels is None else wf.elements(w), np.float32, order="C")
    panels = panels_of(values.view(np.uint32))
    weights = engine.Weights(kind="float", x_bits=32, w_bits=32, k=k, n=n, panels=panels, **ends)
    return Prepacked("float", n, k, weights, "float", 32, None, panels.nbytes)


def element_words(codes: Array, elements: Array, form: str) -> Array:
    """Return the elements of codes as rows of 32-bit words; elements may differ by channel."""
    if elements.ndim == 1:
        return words_of(codes, form, 8, elements.astype(np.int16))
    dtype = np.dtype(np.int8 if form == "uint8" else np.int16)
    (n, k), per_word = codes.shape, 4 // dtype.itemsize
    whole = np.zeros((n, -(-k // per_word) * per_word), dtype)
    whole[:, :k] = np.take_along_axis(elements, codes.astype(np.int64), axis=1)
    return whole.view(np.uint32).reshape(n, -1)


BUILDERS = {
    "planes": _planes,
    "ternary": _ternary,
    "int8": _int8,
    "int16": _int16,
    "table": _table,
    "float": _float,
}
