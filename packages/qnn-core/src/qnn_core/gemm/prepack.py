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
# Of windows on images, whose planes are gathered one by one: as bytes they are in one piece.
PLANE_PAIRS_OF_WINDOWS = {"avx512vnni": 2}


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
    windows: bool = False,
) -> Prepacked:
    """Return weights ready for products.

    Args:
        w: uint8 codes, or float32 values, ``[n, k]``.
        bias: float32 ``[n]``, or None.
        x_operand: what it will be multiplied by.
        w_operand: what `w` is.
        padded: whether there are elements of value 0 among those it is multiplied by, even if no
            code means that.
        windows: whether the rows that it is multiplied by are gathered from images.
    """
    n, k = w.shape
    kind = kernel_kind(x_operand, w_operand, k, padded=padded, windows=windows)
    ends: dict[str, Any] = {
        "scale": per_column(joint_scale(x_operand, w_operand, k), n, np.float32),
        "bias": per_column(0.0 if bias is None else bias, n, np.float32),
    }
    form = None
    if x_operand.integer_levels is not None and w_operand.integer_levels is not None:
        form = integer_form(kind, x_operand.integer_levels, w_operand.integer_levels, k)
    if form is not None:
        made = _of_form(w, form, ends)
    else:
        made = BUILDERS[kind](w, x_operand, w_operand, ends)
    return replace(made, zero=_zero(made, x_operand)) if padded and made.form != "float" else made


def kernel_kind(
    x: GemmOperand, w: GemmOperand, k: int, *, padded: bool = False, windows: bool = False
) -> str:
    """Return the kernel for a product over `k` elements on the active path; see `prepack`."""
    path = cpu.active()
    if not integer_sum(x, w, k):
        few = w.levels is not None and w.levels.size <= 16 and w.zero.ndim == 0
        return "table" if few and path.startswith("avx512") else "float"
    assert x.integer_levels is not None
    assert w.integer_levels is not None
    return _integer_kind(path, x.integer_levels, w.integer_levels, padded, windows)


@lru_cache(maxsize=1024)
def _integer_kind(
    path: str, x: IntegerLevels, w: IntegerLevels, padded: bool, windows: bool
) -> str:
    # Bits are codes: without a code for the value 0 they cannot say it.
    bits = not padded or bool(np.any(x.centred == 0))
    if bits and _is_sign(x) and _is_ternary(w):
        return "ternary"
    even = x.step and w.step and w.zero.ndim == 0
    most = MOST_PLANE_PAIRS.get(path, PLANE_PAIRS)
    if windows:
        most = PLANE_PAIRS_OF_WINDOWS.get(path, most)
    if bits and even and x.bits * w.bits <= most:
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


@dataclass(frozen=True, eq=False)
class IntegerForm:
    """How codes of both sides are laid out for a kernel of integers, and what its sums lack.

    Attributes:
        kind: of the kernel.
        form: of the elements of both sides: bits or uint8.
        x_bits: planes of the input; 8 for bytes.
        w_bits: likewise of the weight.
        x_elements: int16, the element of each code; None if that is the code itself.
        w_elements: likewise.
        alpha: factor of the kernel's sum.
        row_factor: factor of the sum of a row's elements.
        by_plane: factors of the sums of a column's elements, one for each plane.
        constant: what is added to each sum.
    """

    kind: str
    form: str
    x_bits: int
    w_bits: int
    x_elements: NDArray[np.int16] | None
    w_elements: NDArray[np.int16] | None
    alpha: int
    row_factor: int
    by_plane: tuple[int, ...]
    constant: int

    def weights(
        self, k: int, n: int, *, panels: Array, offset: Array, scale: Array, bias: Array
    ) -> engine.Weights:
        """Return weights that are laid out so; each of the arrays is for whole panels."""
        return engine.Weights(
            kind=self.kind,
            x_bits=self.x_bits,
            w_bits=self.w_bits,
            k=k,
            n=n,
            panels=panels,
            alpha=self.alpha,
            row_factor=self.row_factor,
            offset=offset,
            scale=scale,
            bias=bias,
        )


def integer_form(kind: str, x: IntegerLevels, w: IntegerLevels, k: int) -> IntegerForm | None:
    """Return the form for a kernel and elements with one zero point; None if it is another one."""
    if w.zero.ndim or kind not in FORMS:
        return None
    return FORMS[kind](x, w, k)


def _planes(x: IntegerLevels, w: IntegerLevels, k: int) -> IntegerForm:
    # An element is step * code + first.
    x_first, w_first = int(x.centred[0]), int(w.centred[0])
    return IntegerForm(
        kind="planes",
        form="bits",
        x_bits=x.bits,
        w_bits=w.bits,
        x_elements=None,
        w_elements=None,
        alpha=_wrapped(x.step * w.step),
        row_factor=_wrapped(x.step * w_first),
        by_plane=tuple([(x_first * w.step) << b for b in range(w.bits)]),
        constant=k * x_first * w_first,
    )


def _ternary(x: IntegerLevels, w: IntegerLevels, k: int) -> IntegerForm:
    size = int(x.centred[1]) * int(w.centred[2])
    return IntegerForm(
        kind="ternary",
        form="bits",
        x_bits=1,
        w_bits=2,
        x_elements=None,
        w_elements=TERNARY,
        alpha=_wrapped(-2 * size),
        row_factor=0,
        by_plane=(size, 0),
        constant=0,
    )


def _int8(x: IntegerLevels, w: IntegerLevels, k: int) -> IntegerForm:
    middle, first, above = _middle(w), lowest(x), elements_above(x)
    assert above is not None
    return IntegerForm(
        kind="int8",
        form="uint8",
        x_bits=8,
        w_bits=8,
        x_elements=None if np.array_equal(above, np.arange(above.size)) else above,
        w_elements=(w.centred - middle).astype(np.int16),
        alpha=1,
        row_factor=middle,
        by_plane=(first,),
        constant=k * first * middle,
    )


FORMS = {"planes": _planes, "ternary": _ternary, "int8": _int8}


def _middle(w: IntegerLevels) -> int:
    """Return what is taken from elements so that signed bytes hold them."""
    low, high = _ends(w)
    middle = 0 if low >= -128 and high <= 127 else low + 128
    assert high - middle <= 127  # what `_integer_kind` chose bytes for
    return middle


def _of_form(w: Array, form: IntegerForm, ends: dict[str, Any]) -> Prepacked:
    """Return codes as weights of a form."""
    n, k = w.shape
    planes = len(form.by_plane)
    panels, sums = prepack_weights(w, form.form, planes, form.w_elements)
    offset = sums.astype(np.int64) @ np.array(form.by_plane, np.int64) + form.constant
    weights = form.weights(k, n, panels=panels, offset=per_column(offset, n, np.int32), **ends)
    return Prepacked(
        form.kind, n, k, weights, form.form, form.x_bits, form.x_elements, panels.nbytes
    )


def _int8_of_channels(w: Array, x: GemmOperand, wf: GemmOperand, ends: dict[str, Any]) -> Prepacked:
    """Return bytes of codes whose zero points differ by channel."""
    assert x.integer_levels is not None
    assert wf.integer_levels is not None
    (n, k), first, middle = w.shape, lowest(x.integer_levels), _middle(wf.integer_levels)
    words = element_words(w, wf.integer_levels.centred - middle, "uint8")
    sums = words.view(np.int8).reshape(n, -1).sum(axis=1, dtype=np.int64)
    panels = panels_of(words)
    weights = engine.Weights(
        kind="int8",
        x_bits=8,
        w_bits=8,
        k=k,
        n=n,
        panels=panels,
        row_factor=middle,
        offset=per_column(first * sums + k * first * middle, n, np.int32),
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
    "int8": _int8_of_channels,
    "int16": _int16,
    "table": _table,
    "float": _float,
}
