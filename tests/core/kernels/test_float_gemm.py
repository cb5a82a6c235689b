"""Float sums: one order of fused multiply-adds on every path, for any layout and threads."""

import os
import threading
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core._kernels import float_gemm as kernel
from qnn_core.gemm import affine, cpu, float_gemm, reference

# (m, k, n) around lanes of 4, 8, 16, tiles of 6 rows, panels of 64, blocks of 128 terms, 60 rows.
SHAPES = [
    (1, 0, 1),
    (0, 3, 2),
    (3, 2, 0),
    (1, 1, 1),
    (7, 3, 15),
    (6, 5, 17),
    (13, 127, 33),
    (61, 129, 49),
    (5, 300, 64),
    (125, 9, 130),
]


@pytest.fixture(params=cpu.paths())
def path(request: pytest.FixtureRequest) -> Any:
    with cpu.using(request.param):
        yield request.param


def oracle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for t in range(a.shape[1]):
        total = reference.fma(a[:, t, None], b[None, t, :], total)
    return total


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turned", [False, True])
def test_matrix_product(path: str, shape: tuple[int, int, int], turned: bool) -> None:
    m, k, n = shape
    a = numbers(k, m).T if turned else numbers(m, k)
    b = numbers(k, n)
    np.testing.assert_array_equal(float_gemm(a, b), oracle(a, b))


def test_views_of_any_layout(path: str) -> None:
    a, b = numbers(20, 30)[::2, ::3], numbers(40, 10).T[:, ::4]
    np.testing.assert_array_equal(float_gemm(a, b), oracle(a, b))


@pytest.mark.parametrize("shape", SHAPES)
def test_affine(path: str, shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    x, w, scale, bias = numbers(m, k), numbers(n, k), numbers(n), numbers(n) + 1
    np.testing.assert_array_equal(affine(x, w, scale, bias), oracle(x, w.T) * scale + bias)


@pytest.mark.parametrize("columns", [1, 20, 64, 70])
def test_offsets_name_the_elements(path: str, columns: int) -> None:
    image, b = numbers(200), numbers(9, columns)
    rows = np.random.default_rng(0).integers(0, 150, 130)
    terms = np.array([0, 1, 2, 10, 11, 12, 40, 45, 49])
    right = oracle(image[rows[:, None] + terms], b)
    out = np.full((130, columns), 7, np.float32)
    where, sizes = (cpu.active_index(), 1), (130, 9, columns)
    kernel.sums(*where, image, rows, terms, b, out, *sizes)
    np.testing.assert_array_equal(out, right)
    scale, bias = numbers(columns), numbers(columns) + 1
    kernel.sums(*where, image, rows, terms, b, out, *sizes, scale, bias)
    np.testing.assert_array_equal(out, right * scale + bias)
    parts = np.full((3, 130, columns), 7, np.float32)
    kernel.sums_in_parts(*where, image, rows, terms, b, parts, *sizes, 3)
    for n, part in enumerate(parts):
        some = slice(3 * n, 3 * n + 3)
        np.testing.assert_array_equal(part, oracle(image[rows[:, None] + terms[some]], b[some]))


def test_nan_and_infinity_go_where_they_belong(path: str) -> None:
    a, b = numbers(9, 20), numbers(20, 70)
    a[2, 3], b[4, 69] = np.nan, np.inf
    out = float_gemm(a, b)
    assert np.all(np.isnan(out[2]))
    assert np.all(~np.isfinite(out[:, 69]))
    rest = np.delete(out, 2, axis=0)[:, :69]
    np.testing.assert_array_equal(rest, oracle(np.delete(a, 2, axis=0), b[:, :69]))


def test_threads_do_not_matter() -> None:
    a, b, w = numbers(130, 700), numbers(700, 300), numbers(300, 700)
    scale, bias = np.ones(300, np.float32), np.zeros(300, np.float32)
    before, found = qnn.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            qnn.set_num_threads(count)
            found.append((float_gemm(a, b), affine(a, w, scale, bias)))
    finally:
        qnn.set_num_threads(before)
    for product, layer in found[1:]:
        np.testing.assert_array_equal(product, found[0][0])
        np.testing.assert_array_equal(layer, found[0][1])


def test_callers_from_several_threads_at_once() -> None:
    a, b = numbers(130, 700), numbers(700, 300)
    expected, wrong = float_gemm(a, b), []

    def call() -> None:
        for _ in range(30):
            if not np.array_equal(float_gemm(a, b), expected):
                wrong.append(1)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # what is tested here
def test_a_forked_child_has_threads_of_its_own() -> None:
    a, b = numbers(130, 700), numbers(700, 300)
    expected = float_gemm(a, b)
    child = os.fork()
    if child == 0:
        os._exit(0 if all(np.array_equal(float_gemm(a, b), expected) for _ in range(5)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(float_gemm(a, b), expected)
