"""Pooling of float images: every path and number of threads against plain NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.gemm import Window, cpu, threads
from qnn_core.gemm.pooling import (
    window_maximum,
    window_maximum_choice,
    window_maximum_gradient,
    window_mean,
    window_mean_gradient,
)

# Kernel, stride, padding: windows that tile the image, leave some of it out, and overlap.
WINDOWS = st.one_of(
    st.sampled_from([Window((2, 2), (2, 2)), Window((3, 3), (3, 3)), Window((2, 2), (3, 3))]),
    st.builds(
        Window,
        *[st.tuples(st.integers(1, 3), st.integers(1, 3))] * 2,
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ),
)


def rows(x: Any, window: Window, fill: float) -> Any:
    """What is under each window: ``[b, oh, ow, pixels, c]``."""
    found = window.patches(x, fill)
    return found.reshape(*found.shape[:3], int(np.prod(window.kernel)), found.shape[-1])


def folded(patches: Any, window: Window, shape: tuple[int, ...]) -> Any:
    return window.folded(
        patches.reshape(*patches.shape[:3], *window.kernel, shape[3]), shape[1], shape[2]
    )


@given(
    shape=st.tuples(
        st.integers(0, 3), *[st.integers(1, 9)] * 2, st.sampled_from([1, 3, 4, 16, 17, 35])
    ),
    window=WINDOWS,
    path=st.sampled_from(cpu.paths()),
    count=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_it_is_what_numpy_says(
    shape: tuple[int, ...], window: Window, path: str, count: int, seed: int
) -> None:
    out = window.output(shape[1], shape[2])
    if min(out) < 1 or any(p >= k for p, k in zip(window.padding, window.kernel, strict=True)):
        return
    rng = np.random.default_rng(seed)
    # Few different numbers, so that maxima are met more than once; whole ones, so that sums of
    # them are exact in any order.
    x = rng.integers(-2, 3, shape).astype(np.float32)
    g = rng.integers(-9, 10, (shape[0], *out, shape[3])).astype(np.float32)
    under = rows(x, window, -np.inf)
    first = under.argmax(axis=3)[..., None, :]
    share = np.zeros_like(under)
    np.put_along_axis(share, first, g[..., None, :], axis=3)
    size = np.float32(np.prod(window.kernel))
    equal = np.broadcast_to(g[..., None, :] * size, under.shape)
    before = threads.get_num_threads()
    threads.set_num_threads(count)
    try:
        with cpu.using(path):
            found = [
                window_maximum(x, window),
                window_maximum_choice(x * 2 + 1, x, window),
                window_maximum_gradient(g, x, window),
                window_mean(x * size, window),
                window_mean_gradient(g * size * size, window, shape),
            ]
    finally:
        threads.set_num_threads(before)
    expected = [
        under.max(axis=3),
        under.max(axis=3) * 2 + 1,
        folded(share, window, shape),
        rows(x, window, 0).sum(axis=3),
        folded(equal, window, shape),
    ]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("path", cpu.paths())
def test_nan_is_the_maximum_wherever_it_stands(path: str) -> None:
    for place in range(4):
        x = np.arange(4 * 35, dtype=np.float32).reshape(1, 2, 2, 35)
        x[0, place // 2, place % 2] = np.nan
        with cpu.using(path):
            assert np.isnan(window_maximum(x, Window((2, 2), (2, 2)))).all()
            assert np.isnan(window_maximum(x, Window((2, 2), (1, 1)))).all()


@pytest.mark.parametrize("path", cpu.paths())
def test_threads_change_nothing(path: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 40, 41, 20)).astype(np.float32)
    window = Window((3, 3), (2, 2), (1, 1))
    g = rng.normal(size=(9, *window.output(40, 41), 20)).astype(np.float32)
    before, results = threads.get_num_threads(), []
    try:
        with cpu.using(path):
            for count in (1, 2, 5):
                threads.set_num_threads(count)
                results.append(
                    (
                        window_maximum_gradient(g, x, window),
                        window_mean_gradient(g, window, x.shape),
                    )
                )
    finally:
        threads.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
