"""Arrays as the engine wants them: aligned, padded to whole panels, transposed into panels."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._kernels import engine, memory
from ..machine import cpu, kernel_settings
from ..machine.threads import threads_for

Array = NDArray[Any]
PANEL = 64


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return an empty array that starts at a cache line: vectors do not straddle two."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    block: Any = memory.Block(size)  # a buffer, which NumPy's types do not name
    return np.ndarray(shape, dtype, block)


def padded(columns: int) -> int:
    """Return the number of columns of the whole panels that hold `columns`."""
    return -(-columns // PANEL) * PANEL


def per_column(values: Any, columns: int, dtype: DTypeLike, fill: float = 0) -> Array:
    """Return values, one or one for each column on the last axis, padded to whole panels.

    Integers wrap around, as the engine's sums do.
    """
    values = np.asarray(values)
    out = aligned((*values.shape[:-1], padded(columns)), dtype)
    out[..., columns:] = fill
    if values.dtype.kind == "i" and out.dtype.kind == "i":
        values = (values.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    out[..., :columns] = values
    return out


def row_bytes(form: str, columns: int, bits: int = 1) -> int:
    """Return the bytes of a row of elements of a format of the engine."""
    sizes = {"float": 4, "uint8": 1, "int16": 2}
    return bits * padded(columns) // 8 if form == "bits" else sizes[form] * padded(columns)


def laid_out(
    codes: NDArray[np.uint8], form: str, bits: int, elements: NDArray[np.int16] | None = None
) -> NDArray[np.uint32]:
    """Return codes as the engine's rows of elements, with their padding; see `words_of`."""
    n, k = codes.shape
    rows = aligned((n, row_bytes(form, k, bits) // 4), np.uint32)
    requantizer = engine.Requantizer(format=form, bits=bits, count=0, elements=elements)
    program = engine.Program(cpu.active_index(), [k, rows.shape[1] * 4], 1)
    program.layout(0, 1, k, requantizer)
    # A nanosecond takes some four codes.
    program.run(np.asarray(codes, order="C"), rows, 0, n, threads_for(n * k / 4))
    return rows


def words_of(
    codes: NDArray[np.uint8], form: str, bits: int, elements: NDArray[np.int16] | None
) -> Array:
    """Return codes as rows of words: uint32 of shape ``[n, planes * words]``.

    Args:
        codes: uint8 ``[n, k]``.
        form: ``"bits"``, ``"uint8"`` or ``"int16"``.
        bits: of a code, for planes.
        elements: int16, the element of each code; None if that is the code itself.
    """
    n, k = codes.shape
    rows = laid_out(codes, form, bits, elements)
    per_word = {"bits": 32, "uint8": 4, "int16": 2}[form]
    planes = bits if form == "bits" else 1
    words = -(-k // per_word)
    return rows.reshape(n, planes, rows.shape[1] // planes)[:, :, :words].reshape(n, planes * words)


def prepack_weights(
    codes: NDArray[np.uint8], form: str, planes: int, elements: NDArray[np.int16] | None
) -> tuple[Array, NDArray[np.int32]]:
    """Return codes as panels, see `panels_of`, and sums of each row, int32 ``[n, planes]``.

    The sums are the number of ones in each plane of bits, or the sum of the signed bytes.

    Args:
        codes: uint8 ``[n, k]``.
        form: ``"bits"`` or ``"uint8"``.
        planes: of bits; 1 for bytes.
        elements: as in `words_of`.
    """
    n, k = codes.shape
    per_word = {"bits": 32, "uint8": 4}[form]
    words, stride = -(-k // per_word), row_bytes(form, k, planes)
    panels = aligned((padded(n) // PANEL, planes * words, PANEL), np.uint32)
    sums = np.zeros((n, planes), np.int32)
    bits = planes if form == "bits" else 8
    requantizer = engine.Requantizer(format=form, bits=bits, count=0, elements=elements)
    where = kernel_settings()
    codes = np.ascontiguousarray(codes)
    engine.prepack_weights(*where, codes, requantizer, planes, words, stride, panels, sums)
    return panels, sums


def nibbles_of(codes: NDArray[np.uint8]) -> Array:
    """Return codes of up to 4 bits, eight to a word: uint32 of shape ``[n, words]``."""
    n, k = codes.shape
    eights = np.zeros((n, -(-k // 8) * 8), np.uint8)
    eights[:, :k] = codes
    packed: Array = eights[:, 0::2] | (eights[:, 1::2] << 4)
    return np.asarray(packed, order="C").view("<u4").astype(np.uint32, copy=False)


def panels_of(words: Array) -> Array:
    """Return rows of words as panels of 64 columns, ``[panel, word, 64]``."""
    n, count = words.shape
    out = aligned((padded(n) // PANEL, count, PANEL), np.uint32)
    engine.panels(np.asarray(words, np.uint32, order="C"), out)
    return out
