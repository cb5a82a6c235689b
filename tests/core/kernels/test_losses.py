"""The loss kernels against float64 NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core._kernels import loss

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-13}


def reference(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    x = logits.astype(np.float64)
    x = x - x.max(axis=1, keepdims=True)
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    one_hot = np.zeros_like(x)
    one_hot[rows, labels] = 1
    return -log_p[rows, labels].sum(), np.exp(log_p) - one_hot


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-3, 1, 50, 1000])
@pytest.mark.parametrize("shape", [(1, 1), (1, 10), (7, 3), (64, 10), (3, 1000)])
def test_cross_entropy(shape: tuple[int, int], size: float, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=shape) * size).astype(dtype)
    labels = rng.integers(0, shape[1], shape[0])
    total, gradient = reference(logits, labels)
    found = loss.cross_entropy(logits, labels)
    np.testing.assert_allclose(found, total, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * size)
    out = np.empty_like(logits)
    loss.softmax_minus_one_hot(logits, labels, 0.5, out)
    np.testing.assert_allclose(out, 0.5 * gradient, atol=TOLERANCE[dtype])


@given(shift=st.floats(-1e4, 1e4), spread=st.floats(0, 1e4))
def test_rows_of_the_gradient_add_up_to_zero(shift: float, spread: float) -> None:
    logits = np.linspace(shift, shift + spread, 12).reshape(3, 4)
    out = np.empty_like(logits)
    loss.softmax_minus_one_hot(logits, np.array([0, 3, 1]), 1.0, out)
    np.testing.assert_allclose(out.sum(axis=1), 0, atol=1e-12)


def test_no_rows() -> None:
    assert loss.cross_entropy(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 0


def test_nan_is_not_hidden() -> None:
    assert np.isnan(loss.cross_entropy(np.array([[0.0, np.nan]]), np.array([0])))
