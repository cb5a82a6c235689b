"""Gradients by data that are mostly one number, beside NumPy's in double precision."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.gemm import cpu
from qnn_core.gemm.sparse_gradients import sparse_gradients
from qnn_core.qtensor import decoded, quantized

Array = np.ndarray
# Around lanes, panels of 64 inputs and chunks of 128 outputs.
SHAPES = [(100, 64, 784), (65, 520, 130), (300, 257, 70), (41, 1000, 100)]


def arrays(shape: tuple[int, int, int], share: float, grounds: tuple[float, ...]) -> list[Array]:
    """Return g, and arrays ``[m, k]`` of which about `share` is at each of the grounds."""
    m, n, k = shape
    rng = np.random.default_rng(m + n + k)
    some = rng.random((m, k)) < share
    made = [np.where(some, ground, rng.normal(size=(m, k))) for ground in grounds]
    return [a.astype(np.float32) for a in (rng.normal(size=(m, n)), *made)]


def weights(shape: tuple[int, int, int], scale: Any) -> Any:
    """Return a quantized weight ``[n, k]``."""
    _, n, k = shape
    values = np.random.default_rng(1).normal(size=(n, k)).astype(np.float32)
    spec = "symmetric:3" if np.ndim(scale) == 0 else "symmetric:3,axis=0"
    return quantized(values, scale, np.zeros_like(scale), qnn.get_quantizer(spec))


@pytest.mark.parametrize("grounds", [(0, 0, 0), (-0.5, 0, 1), (0, 0.25, 0), (1, -1, 1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_those_of_double_precision(
    shape: tuple[int, int, int], grounds: tuple[float, ...]
) -> None:
    g, x, slope, shift_slope = arrays(shape, 0.85, grounds)
    weight = weights(shape, np.array(0.3, np.float32))
    wide = [a.astype(np.float64) for a in (g, x, slope, shift_slope)]
    by_data = wide[0] @ decoded(weight).astype(np.float64)
    expected = [(by_data * wide[2]).sum(), (by_data * wide[3]).sum()]
    results = []
    for path in cpu.paths():
        for threads in (1, 2):
            with cpu.using(path), qnn.threads(threads):
                found = sparse_gradients(g, x, slope, shift_slope, weight)
            assert found is not None
            results.append(found)
    totals, dw = results[0]
    size = np.abs(by_data).sum()
    np.testing.assert_allclose(totals, expected, rtol=1e-4, atol=1e-6 * size)
    np.testing.assert_allclose(dw, wide[0].T @ wide[1], rtol=1e-3, atol=1e-4)
    for others, dw_too in results[1:]:
        assert others == totals
        np.testing.assert_array_equal(dw, dw_too)


def test_one_sum_alone() -> None:
    shape = SHAPES[0]
    g, x, slope = arrays(shape, 0.85, (0.5, 0))
    weight = weights(shape, np.full(64, 0.3, np.float32))
    alone, two = (sparse_gradients(g, x, slope, s, weight) for s in (None, slope))
    assert alone is not None
    assert two is not None
    assert alone[0] == (two[0][0], 0.0)
    np.testing.assert_array_equal(alone[1], two[1])


# x differs everywhere; the slopes of scale or shift do; there are too few products.
@pytest.mark.parametrize(
    ("shape", "which"), [(SHAPES[0], 1), (SHAPES[0], 2), (SHAPES[0], 3), ((20, 20, 20), None)]
)
def test_data_that_differ_are_left_to_others(
    shape: tuple[int, int, int], which: int | None
) -> None:
    given = arrays(shape, 0.85, (0.5, 0, 0))
    if which is not None:
        given[which] = arrays(shape, 0, (0,))[1]
    assert sparse_gradients(*given, weights(shape, np.array(0.3, np.float32))) is None
