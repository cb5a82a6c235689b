"""Sums and normalization of channels: every path and number of threads against plain NumPy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.gemm import cpu, threads
from qnn_core.gemm.average import average
from qnn_core.gemm.channel_sums import (
    channel_moments,
    channel_sums,
    normalization_gradient,
    normalization_sums,
    normalized,
)

CHANNELS = [1, 2, 3, 15, 16, 17, 32, 100, 257, 1000]


@contextmanager
def on(path: str, count: int) -> Iterator[None]:
    before = threads.get_num_threads()
    threads.set_num_threads(count)
    try:
        with cpu.using(path):
            yield
    finally:
        threads.set_num_threads(before)


def everything(x: Any, g: Any, constants: Any) -> list[Any]:
    mean, factor, slope, offset = constants
    rest = {"factor": factor, "slope": slope, "offset": offset}
    return [
        channel_sums(x),
        *channel_moments(x),
        normalized(x, mean, factor, offset),
        *normalization_sums(g, x, mean),
        normalization_gradient(g, x, mean=mean, **rest),
    ]


@given(
    lead=st.sampled_from([(1,), (2,), (3, 5), (7, 1, 3), (300,), (2, 9, 70)]),
    c=st.sampled_from(CHANNELS),
    path=st.sampled_from(cpu.paths()),
    count=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_it_is_what_numpy_says(
    lead: tuple[int, ...], c: int, path: str, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, g = (rng.normal(3, 2, (*lead, c)).astype(np.float32) for _ in range(2))
    constants = rng.normal(size=(4, c)).astype(np.float32)
    with on(path, count):
        found = everything(x, g, constants)
    wide_x, wide_g = (a.astype(np.float64).reshape(-1, c) for a in (x, g))
    mean, factor, slope, offset = constants
    expected = [
        wide_x.sum(axis=0),
        wide_x.mean(axis=0),
        wide_x.var(axis=0),
        (x - mean) * factor + offset,
        wide_g.sum(axis=0),
        (wide_g * (wide_x - mean)).sum(axis=0),
        factor * g + (slope * (x - mean) + offset),
    ]
    rows = len(wide_x)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        if theirs.dtype == np.float32:
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * rows)
    with on("base", 1):
        for ours, theirs in zip(found, everything(x, g, constants), strict=True):
            np.testing.assert_array_equal(ours, theirs)


# One block of float32, and what is not: the kernel's numbers are NumPy's.
@pytest.mark.parametrize("path", cpu.paths())
@pytest.mark.parametrize("c", [1, 7, 16, 33, 5000])
def test_a_running_average(path: str, c: int) -> None:
    rng = np.random.default_rng(0)
    kept, batch = (rng.normal(size=(2, c)).astype(np.float32) for _ in range(2))
    expected = kept * np.float32(0.9) + np.float32(0.1 * 1.25) * batch
    apart = np.zeros((2, 2 * c), np.float32)[:, ::2]
    apart[...] = kept
    with on(path, 1):
        average(kept, batch, 0.9, 0.1 * 1.25)
        average(apart, batch, 0.9, 0.1 * 1.25)
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_array_equal(apart, expected)


@pytest.mark.parametrize("c", [1, 20, 64])
def test_neither_threads_nor_paths_change_anything(c: int) -> None:
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(400_000 // c, c)).astype(np.float32) for _ in range(2))
    constants = rng.normal(size=(4, c)).astype(np.float32)
    results = []
    for path in cpu.paths():
        for count in (1, 2, 5):
            with on(path, count):
                results.append(everything(x, g, constants))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_the_variance_of_numbers_far_from_zero() -> None:
    x = np.float32(1000) + np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    wide = x.astype(np.float64)
    mean, variance = channel_moments(x)
    np.testing.assert_allclose(mean, wide.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(variance, wide.var(axis=0), rtol=1e-5)
    assert np.all(channel_moments(np.full((999, 2), 0.1, np.float32))[1] < 1e-15)


def test_no_rows_and_no_channels() -> None:
    np.testing.assert_array_equal(channel_sums(np.zeros((0, 3), np.float32)), np.zeros(3))
    assert channel_sums(np.zeros((3, 0), np.float32)).shape == (0,)
    none = np.zeros(0, np.float32)
    assert normalized(np.zeros((3, 0), np.float32), none, none, none).shape == (3, 0)
