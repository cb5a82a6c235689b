"""Arithmetic of the generated C beside NumPy's: sums to codes, scores, fused multiply-adds."""

import ctypes
import subprocess
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core.deploy.c.lower.expression import FORMS
from qnn_core.deploy.c.lower.moves import strided
from qnn_core.deploy.c.text.loops import _LINK
from qnn_core.deploy.c.text.source import library
from qnn_core.gemm.reference import fma

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def arithmetic(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The pieces that compute floats with integers, compiled with the way of no hardware."""
    folder = tmp_path_factory.mktemp("c")
    text = "#include <stdint.h>\n#undef __FP_FAST_FMAF\n"
    text += library("fused", frozenset()) + library("score", frozenset())
    text += (
        "float call_fused(float a, float b, float c) { return fused(a, b, c); }\n"
        "int32_t call_score(int32_t s, uint32_t m, int e, int32_t b, int f)\n"
        "{ return score(s, m, e, b, f); }\n"
    )
    source = folder / "pieces.c"
    source.write_text(text)
    made = folder / "pieces.so"
    flags = ["-std=c99", "-O1", "-shared", "-fPIC", "-fsanitize=undefined"]
    flags.append("-fsanitize-undefined-trap-on-error")
    subprocess.run(["gcc", *flags, str(source), "-o", str(made)], check=True)
    found = ctypes.CDLL(str(made))
    found.call_fused.restype = ctypes.c_float
    found.call_fused.argtypes = [ctypes.c_float] * 3
    found.call_score.restype = ctypes.c_int32
    found.call_score.argtypes = [
        ctypes.c_int32,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_int32,
        ctypes.c_int,
    ]
    return found


def check_fused(arithmetic: ctypes.CDLL, a: float, b: float, c: float) -> None:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        expected = fma(np.float32(a), np.float32(b), np.float32(c))
    found = np.float32(arithmetic.call_fused(a, b, c))
    assert found == expected, (a, b, c, found, expected)


@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(FLOATS, FLOATS, FLOATS)
def test_fused_rounds_once(arithmetic: ctypes.CDLL, a: float, b: float, c: float) -> None:
    check_fused(arithmetic, a, b, c)


def test_fused_of_numbers_alike(arithmetic: ctypes.CDLL) -> None:
    # Where two libraries of C round twice; then products that nearly cancel, and small numbers.
    check_fused(arithmetic, 1 + 2**-12, 1 + 2**-12, 2**-60)
    rng = np.random.default_rng(0)
    for _ in range(3000):
        a, b = rng.standard_normal(2).astype(np.float32)
        near = np.float32(-(a * b)) * np.float32(1 + rng.integers(-3, 4) * 2.0**-23)
        check_fused(arithmetic, float(a), float(b), float(near))
        tiny = np.float32(2.0 ** -rng.integers(60, 149))
        check_fused(arithmetic, float(a * tiny), float(b), float(tiny * rng.standard_normal()))


def whole(number: np.float32) -> tuple[int, int]:
    mantissa, exponent = np.frexp(np.float64(number))
    m = int(mantissa * 2**24)
    return (m, int(exponent) - 24) if m else (0, 0)


@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(
    st.integers(-(2**31) + 1, 2**31 - 1),
    st.floats(2.0**-60, 2.0**20, width=32),
    st.one_of(st.just(0.0), st.floats(2.0**-60, 2.0**40, width=32)),
    st.sampled_from([1, -1]),
)
def test_scores_are_float32_numbers(
    arithmetic: ctypes.CDLL, total: int, scale: float, bias: float, sign: int
) -> None:
    s, b = np.float32(scale), np.float32(bias * sign)
    expected = np.float32(np.float32(np.float32(total) * s) + b)
    bits = int(np.abs(expected).view(np.int32))
    expected_bits = -bits if expected < 0 else bits
    found = arithmetic.call_score(total, *whole(s), *whole(b))
    assert found == expected_bits, (total, scale, bias, sign)


def test_each_step_of_floats_that_is_allowed_has_a_form() -> None:
    assert set(_LINK) == set(FORMS)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_moves_are_strides(shape: list[int], random: Random) -> None:
    axes = list(range(len(shape)))
    random.shuffle(axes)
    indices = np.arange(int(np.prod(shape))).reshape(shape).transpose(axes)[::-1]
    found = strided(indices)
    assert found is not None
    lengths, strides, start = found
    grid = np.full(1, start)
    for length, stride in zip(lengths, strides, strict=True):
        grid = (grid[:, None] + np.arange(length) * stride).reshape(-1)
    np.testing.assert_array_equal(grid, indices.reshape(-1))
