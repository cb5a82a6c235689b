"""The quantization kernels against NumPy, for few and many, even and uneven thresholds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qnn_core import get_quantizer
from qnn_core._kernels import quantize as kernel
from qnn_core._kernels.search import Search
from qnn_core.qtensor import clip_surrogate, codes_of, units, values_of
from qnn_core.quantizer import codebook

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
TOP = np.finfo(np.float32).max

# Few (up to 16) thresholds, many even ones, many uneven ones: three ways through the kernel.
TABLES = {
    "one": np.float32([0.0]),
    "few": np.float32([-1.5, -0.5, 0.5, 1.5]),
    "sixteen": np.arange(16, dtype=np.float32),
    "seventeen": np.arange(17, dtype=np.float32) - 8.5,
    "many even": np.arange(255, dtype=np.float32) + 0.5,
    "even, far away": np.arange(40, dtype=np.float32) + 1e6,
    "even, tiny": (np.arange(40, dtype=np.float32) + 0.5) * np.float32(1e-30),
    "many uneven": np.sort(np.random.default_rng(0).normal(size=200).astype(np.float32)),
    "powers": np.exp2(np.arange(-100, 100)).astype(np.float32),
}


def count(thresholds: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.searchsorted(thresholds, x, side="right")


def kernel_codes(thresholds: np.ndarray, per_step: float, x: np.ndarray) -> np.ndarray:
    x_rn = np.asarray(x, order="C").reshape(1, -1)
    one, zero = (np.broadcast_to(x.dtype.type(n), x_rn.shape) for n in (1, 0))
    codes = np.empty(x_rn.shape, np.uint8)
    bad = kernel.encode(x_rn, one, zero, thresholds, per_step, Search(thresholds), codes)
    assert bad == 0
    return codes[0]


def per_step(thresholds: np.ndarray) -> float:
    return 0.0 if thresholds.size < 2 else float(1 / np.diff(thresholds.astype(float)).mean())


def adversarial(thresholds: np.ndarray) -> np.ndarray:
    around = [np.nextafter(thresholds, np.float32(side)) for side in (-np.inf, np.inf)]
    extremes = np.float32([-TOP, -1e20, -1e-45, -0.0, 0.0, 1e-45, 1e20, TOP])
    return np.concatenate([thresholds, *around, extremes, -thresholds, thresholds * 2])


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("guided", [False, True])
def test_encode_counts_thresholds(name: str, guided: bool) -> None:
    table = TABLES[name]
    # Any guess must do: a wrong one costs time, never a code.
    for guess in [per_step(table), 1e-3, 1e30] if guided else [0.0]:
        x = adversarial(table)
        np.testing.assert_array_equal(kernel_codes(table, guess, x), count(table, x))


@settings(max_examples=200)
@given(
    name=st.sampled_from(sorted(TABLES)), x=arrays(np.float32, st.integers(1, 300), elements=FLOATS)
)
def test_encode_of_any_floats(name: str, x: np.ndarray) -> None:
    table = TABLES[name]
    np.testing.assert_array_equal(kernel_codes(table, per_step(table), x), count(table, x))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 513, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_encode_of_every_block_length(size: int, dtype: Any) -> None:
    table = TABLES["few"]
    x = np.random.default_rng(size).normal(size=size).astype(dtype)
    np.testing.assert_array_equal(kernel_codes(table, 1.0, x), count(table, x.astype(np.float32)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLES)
def test_encode_counts_what_is_not_finite(name: str, dtype: Any, bad: float) -> None:
    x = np.zeros((2, 300), dtype)
    x[0, [0, 299]] = x[1, 256] = bad
    codes = np.empty(x.shape, np.uint8)
    qparams = np.broadcast_to(dtype(1), x.shape), np.broadcast_to(dtype(0), x.shape)
    table = TABLES[name]
    assert kernel.encode(x, *qparams, table, per_step(table), Search(table), codes) == 3


@pytest.mark.parametrize(
    "spec",
    [
        "binary",
        "uniform:2",
        "uniform:4",
        "uniform:5",
        "uniform:8",
        "symmetric:5",
        "symmetric:8,grid=even",
        "logarithmic:3",
        "logarithmic:8",
    ],
)
def test_encode_equals_the_quantizers(spec: str) -> None:
    quantizer = get_quantizer(spec)
    book = codebook(quantizer)
    spread = float(np.abs(book.levels).max()) * 1.5
    x = np.random.default_rng(0).uniform(-spread, spread, 20_000).astype(np.float32)
    probes = np.concatenate([x, adversarial(book.thresholds), adversarial(book.levels)])
    u = probes[np.isfinite(probes)]
    codes = codes_of(u, np.ones((), np.float32), np.zeros((), np.float32), quantizer)
    np.testing.assert_array_equal(codes, quantizer.encode(u))


# QParams

QParams = Callable[[np.ndarray], np.ndarray]
SHAPES = [(7,), (4, 6), (3, 5, 2), (2, 3, 4, 5), (3, 1), (1, 3), (2, 300)]
CASES = [(shape, axis) for shape in SHAPES for axis in (None, *range(len(shape)), -1)]


def qparams(shape: tuple[int, ...], axis: int | None, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    size = () if axis is None else (shape[axis],)
    return rng.uniform(0.5, 2, size).astype(dtype), rng.normal(size=size).astype(dtype)


def spread(values: np.ndarray, shape: tuple[int, ...], axis: int | None) -> np.ndarray:
    return (
        values
        if axis is None
        else np.moveaxis(values.reshape((-1,) + (1,) * (len(shape) - 1)), 0, axis)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_all_qparams_along_every_axis(shape: tuple[int, ...], axis: int | None, dtype: Any) -> None:
    quantizer = get_quantizer(f"uniform:bits=3,axis={axis}")
    x = (np.random.default_rng(1).normal(size=shape) * 4).astype(dtype)
    scale, shift = qparams(shape, axis, dtype)
    wide_scale, wide_shift = spread(scale, shape, axis), spread(shift, shape, axis)
    u = ((x - wide_shift) / wide_scale).astype(np.float32)

    codes = codes_of(x, scale, shift, quantizer)
    np.testing.assert_array_equal(codes, quantizer.encode(u))
    np.testing.assert_array_equal(units(x, scale, shift, axis), u.astype(dtype))

    values = values_of(codes, codebook(quantizer).levels, scale, shift, axis)
    levels = codebook(quantizer).levels.astype(dtype)
    assert values.dtype == dtype
    # Bit for bit: the product is rounded before the sum, on every machine.
    np.testing.assert_array_equal(values, wide_scale * levels[codes] + wide_shift)

    surrogate, scale_gradient = clip_surrogate(x, codes, scale, shift, quantizer)
    inside = ((u >= 0) & (u <= 7)).astype(dtype)
    np.testing.assert_array_equal(surrogate, inside)
    np.testing.assert_array_equal(scale_gradient, levels[codes] - u.astype(dtype) * inside)
