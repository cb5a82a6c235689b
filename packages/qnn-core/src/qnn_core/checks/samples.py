"""What quantizers are tried on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QnnError, SpecError
from ..quantizer import Quantizer, codebook

Array = NDArray[Any]

ONE = np.ones((), np.float32)
ZERO = np.zeros((), np.float32)


def levels_of(q: Quantizer) -> Array:
    """Return the levels as float32; they need not be sound."""
    return np.asarray(q.levels, np.float32)


def units_around(q: Quantizer) -> Array:
    """Return ascending float32 numbers: around every threshold and level, extreme, and random."""
    levels = levels_of(q)
    thresholds: Array
    try:
        thresholds = codebook(q).thresholds
    except QnnError:
        thresholds = (levels[1:] + levels[:-1]) / 2
    edges = np.concatenate([levels, thresholds])
    around = [np.nextafter(edges, np.float32(side)) for side in (-np.inf, np.inf)]
    top = np.finfo(np.float32).max
    tiny = np.finfo(np.float32).smallest_subnormal
    extremes = np.array([-top, -1e20, -tiny, -0.0, 0.0, tiny, 1e20, top], np.float32)
    spread = np.abs(levels).max() * 1.5
    drawn = np.random.default_rng(0).uniform(-spread, spread, 200).astype(np.float32)
    return np.sort(np.concatenate([edges, *around, extremes, drawn]))


def normal(*shape: int, dtype: Any = np.float32, seed: int = 1) -> Array:
    """Return normal random numbers, the same each time."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def ranges() -> dict[str, Array]:
    """Return float32 data of both signs, of one sign, and with an outlier, by what they are."""
    signed = normal(6, 40)
    outlier = signed.copy()
    outlier[0, 0] = 50
    return {
        "normal data": signed,
        "data from 0 to 1": np.random.default_rng(2).random((6, 40)).astype(np.float32),
        "data with an outlier": outlier,
    }


def variants(q: Quantizer, option: str, values: Any) -> Iterator[Quantizer]:
    """Yield the quantizer with each value of an option that it does not refuse."""
    for value in values:
        try:
            yield replace(q, **{option: value})
        except SpecError:
            continue


def axes(q: Quantizer) -> Iterator[Quantizer]:
    """Yield the quantizer for a whole tensor, and with qparams for each channel."""
    return variants(q, "axis", dict.fromkeys([q.axis, None, 0, 1]))


def whole(q: Quantizer) -> Quantizer:
    """Return the quantizer with one scale and zero point for the whole tensor."""
    return replace(q, axis=None)


def of_input(q: Quantizer) -> Quantizer:
    """Return the quantizer as an input can have it: transforms are for weights."""
    return replace(q, transform="none")


def spread(qparams: Array, x: Array, axis: int | None) -> Array:
    """Return the entries of qparams where they belong in an array of the shape of `x`."""
    if axis is None or not qparams.ndim:
        return qparams
    shape = [1] * x.ndim
    shape[axis] = -1
    return qparams.reshape(shape)


def first(wrong: Array) -> tuple[int, ...]:
    """Return where the first True is."""
    return tuple(int(n) for n in np.argwhere(wrong)[0])
