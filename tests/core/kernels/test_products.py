"""Every kernel path gives the bits of the NumPy reference, for every pairing of schemes."""

import itertools
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import gemm
from qnn_core.gemm import VALUES, cpu, prepack, quantized_operand, reference, threads
from qnn_core.gemm.gemm import multiply
from qnn_core.gemm.operand import GemmOperand, integer_sum
from qnn_core.gemm.prepack import BUILDERS, kernel_kind
from qnn_core.quantizer import codebook

NF4 = np.float32([-1, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0, 0.0796, 0.1609])
# Float values, a codebook without a grid, and one spec for each kind of grid.
SIDES: list[Any] = [
    None,
    NF4,
    "binary",
    "symmetric:2",
    "symmetric:2,grid=even",
    "symmetric:2,grid=twos-complement",
    "symmetric:3",
    "symmetric:8,grid=twos-complement",
    "uniform:1",
    "uniform:2",
    "uniform:4",
    "uniform:8",
    "logarithmic:4",
    "logarithmic:5",
    "logarithmic:7",
]
# Around the widths of words and panels, and sums of nothing.
SHAPES = [(1, 0, 1), (3, 1, 2), (2, 63, 64), (5, 64, 65), (7, 65, 1), (4, 200, 130), (65, 9, 3)]


def product(
    x: Any, w: Any, bias: Any, x_operand: GemmOperand, w_operand: GemmOperand
) -> np.ndarray:
    """Return the product; small ones are computed on floats, which must equal the kernel's."""
    y = gemm.product(x, w, bias, x_operand, w_operand)
    kernels = multiply(x, prepack(w, bias, x_operand, w_operand), x_operand)
    np.testing.assert_array_equal(y, kernels)
    return y


def levels_of(side: Any) -> np.ndarray:
    return side if isinstance(side, np.ndarray) else codebook(qnn.get_quantizer(side)).levels


def operand(
    side: Any, rows: int, k: int, rng: np.random.Generator, channels: bool = False
) -> tuple[np.ndarray, GemmOperand]:
    if side is None:
        return rng.normal(size=(rows, k)).astype(np.float32), VALUES
    levels = levels_of(side)
    shape = (rows,) if channels else ()
    scale = rng.uniform(0.1, 1, shape).astype(np.float32)
    whole = isinstance(side, str) and side.startswith("uniform")
    zero = rng.integers(0, levels.size if whole else 1, shape).astype(np.float32)
    codes = rng.integers(0, levels.size, (rows, k)).astype(np.uint8)
    return codes, quantized_operand(levels, scale, -(scale * zero), along_reduction=False)


@pytest.fixture(params=cpu.paths())
def path(request: pytest.FixtureRequest) -> Any:
    with cpu.using(request.param):
        yield request.param


@pytest.mark.parametrize("x_side", SIDES, ids=str)
def test_kernels_equal_the_reference(path: str, x_side: Any) -> None:
    rng = np.random.default_rng(0)
    for w_side, (m, k, n), channels in itertools.product(SIDES, SHAPES, (False, True)):
        x, x_operand = operand(x_side, m, k, rng)
        w, w_operand = operand(w_side, n, k, rng, channels)
        bias = rng.normal(size=n).astype(np.float32) if channels else None
        y = product(x, w, bias, x_operand, w_operand)
        expected = reference.product(x, w, bias, x_operand, w_operand)
        assert y.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(y, expected, f"{w_side} {m}x{k}x{n} {channels=}")


def test_every_kernel_is_reached() -> None:
    rng = np.random.default_rng(0)
    kinds = set()
    for path in cpu.paths():
        with cpu.using(path):
            for x_side, w_side in itertools.product(SIDES, SIDES):
                _, x = operand(x_side, 2, 3, rng)
                _, w = operand(w_side, 2, 3, rng)
                kinds.add(kernel_kind(x, w, 3))
    optional = {"table"} if "avx512" in cpu.paths() else set()
    optional |= {"int8"} if "avx512vnni" in cpu.paths() else set()
    assert kinds == {"planes", "ternary", "int16", "float"} | optional


# Codebooks whose elements are of one sign and end 256 or more from zero, or just before that.
FAR = {
    "1..256": (np.arange(1, 257), 0),
    "300..303": (np.arange(300, 304), 0),
    "0..3 from 300 on": (np.arange(4), -300),
    "-256..-1": (np.arange(-256, 0), 0),
    "0..255": (np.arange(256), 0),
    "-128..127": (np.arange(-128, 128), 0),
    "-129..126": (np.arange(-129, 127), 0),
    "1, 257": (np.array([1, 257]), 0),
    "1000, 1255": (np.array([1000, 1255]), 0),
    "1001, 1257": (np.array([1001, 1257]), 0),
}


def far_operand(name: str, shape: tuple[int, ...], rng: Any, zeros: int = 0) -> Any:
    """Return codes, both ends among them, and their factor; with `zeros` for so many channels."""
    levels, zero = FAR[name]
    codes = rng.integers(0, levels.size, shape).astype(np.uint8)
    codes.flat[:2] = 0, levels.size - 1
    zero_n = np.float32(zero) + (np.arange(zeros, dtype=np.float32) % 3 if zeros else 0)
    scale = np.full(zero_n.shape, 0.5, np.float32)
    return codes, quantized_operand(
        levels.astype(np.float32), scale, -(scale * zero_n), along_reduction=False
    )


@pytest.mark.parametrize("w_side", FAR)
def test_elements_far_from_zero(path: str, w_side: str) -> None:
    rng = np.random.default_rng(0)
    for x_side, zeros, (m, k, n) in itertools.product(FAR, (0, 1), [(1, 65, 3), (70, 33, 66)]):
        x, x_operand = far_operand(x_side, (m, k), rng)
        w, w_operand = far_operand(w_side, (n, k), rng, zeros and n)
        y = product(x, w, None, x_operand, w_operand)
        expected = reference.product(x, w, None, x_operand, w_operand)
        np.testing.assert_array_equal(y, expected, f"{x_side} times {w_side}, {m}x{k}x{n}")
    window = gemm.Window((2, 3), padding=(1, 2))
    for x_side, groups in itertools.product(FAR, (1, 2)):
        x, x_operand = far_operand(x_side, (2, 4, 5, 4), rng)
        w, w_operand = far_operand(w_side, (6, 2, 3, 4 // groups), rng)
        given_to = (None, x_operand, w_operand)
        expected = reference.convolve(x, w, *given_to, window=window, groups=groups)
        for convolve in (gemm.convolve, prepacked_and_run):
            y = convolve(x, w, *given_to, window=window, groups=groups)
            np.testing.assert_array_equal(y, expected, f"images of {x_side} under {w_side}")


def prepacked_and_run(x: Any, *given: Any, **geometry: Any) -> np.ndarray:
    return gemm.prepacked_convolution(*given, **geometry)(x)


@pytest.mark.parametrize("w_side", FAR)
def test_bytes_never_wrap(w_side: str) -> None:
    """What fits bytes, multiplied as bytes in plain C, whatever this processor has."""
    rng = np.random.default_rng(0)
    levels = FAR[w_side][0]
    fits = levels[-1] - levels[0] < 256
    w, w_operand = far_operand(w_side, (66, 37), rng)
    for x_side in ("0..255", "-128..127"):
        x, x_operand = far_operand(x_side, (70, 37), rng)
        ends = {name: np.ones(128, np.float32) for name in ("scale", "bias")}
        with cpu.using("base"):
            if not fits:
                with pytest.raises(AssertionError):
                    BUILDERS["int8"](w, x_operand, w_operand, ends)
                continue
            prepacked = BUILDERS["int8"](w, x_operand, w_operand, ends)
            found = multiply(x, prepacked, x_operand)
        sums = reference.sums(x, w, x_operand, w_operand).astype(np.float32)
        np.testing.assert_array_equal(found, sums + np.float32(1))


@given(
    shape=st.tuples(st.integers(0, 9), st.integers(0, 140), st.integers(1, 140)),
    sides=st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES)),
    path=st.sampled_from(cpu.paths()),
    seed=st.integers(0, 99),
)
def test_any_shape(
    shape: tuple[int, int, int], sides: tuple[Any, Any], path: str, seed: int
) -> None:
    m, k, n = shape
    rng = np.random.default_rng(seed)
    x, x_operand = operand(sides[0], m, k, rng)
    w, w_operand = operand(sides[1], n, k, rng)
    with cpu.using(path):
        y = product(x, w, None, x_operand, w_operand)
    np.testing.assert_array_equal(y, reference.product(x, w, None, x_operand, w_operand))


@pytest.mark.parametrize("sides", [("uniform:8", "symmetric:8"), ("symmetric:8", "uniform:8")])
def test_sums_beyond_float32(path: str, sides: tuple[str, str]) -> None:
    """Elements all at the end of the grid: sums pass 2**24, where float32 skips integers."""
    rng = np.random.default_rng(0)
    k = 33_000
    x, x_operand = operand(sides[0], 2, k, rng)
    w, w_operand = operand(sides[1], 3, k, rng)
    x[:], w[:] = levels_of(sides[0]).size - 1, levels_of(sides[1]).size - 1
    x[0, 0] -= 1
    sums = reference.sums(x, w, x_operand, w_operand)
    assert integer_sum(x_operand, w_operand, k)
    assert np.abs(sums).max() > 2**24
    y = product(x, w, None, x_operand, w_operand)
    np.testing.assert_array_equal(y, reference.product(x, w, None, x_operand, w_operand))


def test_long_sums_leave_the_integers(path: str) -> None:
    rng = np.random.default_rng(0)
    x, x_operand = operand("logarithmic:5", 1, 40, rng)
    w, w_operand = operand("logarithmic:5", 2, 40, rng)
    assert not integer_sum(x_operand, w_operand, 40)
    y = product(x, w, None, x_operand, w_operand)
    np.testing.assert_array_equal(y, reference.product(x, w, None, x_operand, w_operand))


def test_threads_change_nothing(path: str) -> None:
    rng = np.random.default_rng(0)
    x, x_operand = operand("uniform:4", 301, 800, rng)
    w, w_operand = operand("symmetric:4", 700, 800, rng)
    before = threads.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            threads.set_num_threads(count)
            results.append(product(x, w, None, x_operand, w_operand))
    finally:
        threads.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_row_does_not_depend_on_the_others(path: str) -> None:
    rng = np.random.default_rng(0)
    for sides in itertools.product((None, "uniform:2", "symmetric:8", "logarithmic:7"), repeat=2):
        x, x_operand = operand(sides[0], 70, 90, rng)
        w, w_operand = operand(sides[1], 33, 90, rng)
        whole = product(x, w, None, x_operand, w_operand)
        alone = [product(row[None], w, None, x_operand, w_operand)[0] for row in x]
        np.testing.assert_array_equal(whole, alone)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_bad_thread_counts(count: Any) -> None:
    with pytest.raises(qnn.QnnError, match="count must be a whole number >= 1"):
        threads.set_num_threads(count)


def test_unknown_path() -> None:
    with pytest.raises(qnn.QnnError, match="no kernel path 'axv2'"), cpu.using("axv2"):
        pass


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("cap", cpu.KNOWN)
def test_the_environment_caps_the_path(cap: str) -> None:
    done = run("from qnn_core.gemm import cpu; print(cpu.active())", QNN_CPU=cap)
    known = [name for name in cpu.KNOWN[: cpu.KNOWN.index(cap) + 1] if name in cpu.paths()]
    assert done.stdout.strip() == known[-1]


def test_a_wrong_cap_is_an_error() -> None:
    done = run("from qnn_core.gemm import cpu; cpu.active()", QNN_CPU="avx3")
    assert done.returncode != 0
    assert "QNN_CPU='avx3' is not one of base, avx2" in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_threads_survive_a_fork() -> None:
    code = """
import os, sys, numpy as np
from qnn_core.gemm import VALUES, product, threads
threads.set_num_threads(2)
x = np.ones((200, 500), np.float32); w = np.ones((700, 500), np.float32)
before = product(x, w, None, VALUES, VALUES)
child = os.fork()
if child == 0:
    same = np.array_equal(product(x, w, None, VALUES, VALUES), before)
    os._exit(0 if same else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(code).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_other_threads_run_kernels() -> None:
    """The child has neither the pool's threads nor those that were in the midst of a job."""
    code = """
import os, sys, threading, warnings, numpy as np
from qnn_core.gemm import VALUES, product, threads
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork with threads
threads.set_num_threads(3)
x = np.ones((200, 500), np.float32); w = np.ones((700, 500), np.float32)
before, over = product(x, w, None, VALUES, VALUES), threading.Event()
def work():
    while not over.is_set():
        product(x, w, None, VALUES, VALUES)
busy = [threading.Thread(target=work, daemon=True) for _ in range(2)]
for thread in busy:
    thread.start()
statuses = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        same = all(np.array_equal(product(x, w, None, VALUES, VALUES), before) for _ in range(3))
        os._exit(0 if same else 1)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
for thread in busy:
    thread.join()
sys.exit(any(statuses))
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_fused_multiply_add_rounds_once() -> None:
    rng = np.random.default_rng(0)
    scales = 2.0 ** rng.integers(-30, 30, (3, 5000))
    a, b, c = (rng.normal(size=(3, 5000)) * scales).astype(np.float32)
    c[:2500] = -(a[:2500] * b[:2500])  # what is left is the rounding of the product
    exact = [
        float(np.float32(rounded(x, y, z)))
        for x, y, z in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(reference.fma(a, b, c), np.float32(exact))


def rounded(x: float, y: float, z: float) -> float:
    """Return x * y + z rounded once, to the 24 bits of float32, by exact fractions."""
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        return 0.0
    exponent = max(exact.__abs__().numerator.bit_length() - exact.denominator.bit_length(), -140)
    step = Fraction(2) ** (exponent - 23)
    while abs(exact) / step >= 2**24:
        step *= 2
    while abs(exact) / step < 2**23 and step > Fraction(2) ** -149:
        step /= 2
    return float(round(exact / step) * step)
