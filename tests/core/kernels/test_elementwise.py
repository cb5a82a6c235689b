"""tanh and sigmoid of float32: accurate, monotone, and the same bits on every path."""

from collections.abc import Callable

import numpy as np
import pytest
from qnn_core.gemm import cpu
from qnn_core.gemm.elementwise import sigmoid, tanh

Function = Callable[[np.ndarray], np.ndarray]
TRUE: dict[Function, Function] = {tanh: np.tanh, sigmoid: lambda x: 1 / (1 + np.exp(-x))}
FUNCTIONS = pytest.mark.parametrize("function", [tanh, sigmoid], ids=["tanh", "sigmoid"])
INFINITY = 0x7F800000


def floats(patterns: np.ndarray) -> np.ndarray:
    return patterns.astype(np.uint32).view(np.float32)


@FUNCTIONS
@pytest.mark.parametrize("path", cpu.paths())
def test_accurate_on_every_path(function: Function, path: str) -> None:
    size = floats(np.arange(0, INFINITY, 1009))
    x = np.concatenate([-size[::-1], size])
    with cpu.using(path):
        y = function(x)
    with np.errstate(over="ignore", under="ignore"):
        true = TRUE[function](x.astype(np.float64))
        ulps = np.abs(y - true) / np.spacing(np.abs(true).astype(np.float32)).astype(np.float64)
    assert ulps.max() < 0.50001
    with cpu.using("base"):
        np.testing.assert_array_equal(y, function(x))


@FUNCTIONS
@pytest.mark.parametrize("start", [1e-45, 1e-38, 1e-4, 0.25, 0.5, 1, 3, 9, 17.3, 87.5, 103.9])
def test_monotone_over_neighbours(function: Function, start: float) -> None:
    """Runs of neighbouring numbers; all of float32 were tried once, and had no step down."""
    first = int(np.float32(start).view(np.uint32))
    x = floats(np.arange(first, first + 1_000_000))
    assert np.all(np.diff(function(x)) >= 0)
    assert np.all(np.diff(function(-x)) <= 0)


@FUNCTIONS
def test_monotone_over_everything(function: Function) -> None:
    size = floats(np.arange(0, INFINITY, 331))
    assert np.all(np.diff(function(np.concatenate([-size[::-1], size]))) >= 0)


def test_tanh_is_odd_and_exact_near_zero() -> None:
    size = floats(np.arange(0, INFINITY, 4099))
    np.testing.assert_array_equal(tanh(-size), -tanh(size))
    tiny = np.float32([0, 1e-45, 1e-38, 1e-20, 1e-5])
    np.testing.assert_array_equal(tanh(tiny), tiny)


def test_ends() -> None:
    ends = np.float32([-np.inf, -1e38, 1e38, np.inf, np.nan])
    np.testing.assert_array_equal(tanh(ends), np.float32([-1, -1, 1, 1, np.nan]))
    np.testing.assert_array_equal(sigmoid(ends), np.float32([0, 0, 1, 1, np.nan]))


@FUNCTIONS
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3)])
def test_any_shape(function: Function, shape: tuple[int, ...]) -> None:
    y = function(np.ones(shape, np.float32))
    assert y.shape == shape
    assert np.all(y == function(np.ones(1, np.float32))[0])


@FUNCTIONS
def test_strides(function: Function) -> None:
    x = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    np.testing.assert_array_equal(function(x.T[::2]), function(x).T[::2])
