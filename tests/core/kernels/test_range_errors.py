"""Sums of squared errors of several qparams: those of NumPy, with the same bits on every path."""

import numpy as np
import pytest
from qnn_core import get_quantizer
from qnn_core._kernels import training
from qnn_core.machine import cpu
from qnn_core.qtensor import quantized
from qnn_core.quantizer import codebook

SPECS = [
    "binary", "symmetric:2", "symmetric:2,grid=even", "symmetric:4,grid=twos-complement",
    "symmetric:5", "symmetric:8", "uniform:1", "uniform:4", "uniform:5", "uniform:8",
    "logarithmic:2", "logarithmic:4", "logarithmic:5", "logarithmic:8", "apot:4", "apot:8", "nf4",
]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (3, 17), (2, 4096), (1, 9001), (40, 63)])
def test_errors_are_those_of_numpy(spec: str, rows: int, length: int) -> None:
    rng = np.random.default_rng(0)
    quantizer, candidates = get_quantizer(spec), 3
    book = codebook(quantizer)
    x = rng.normal(size=(rows, length)).astype(np.float32)
    reach = np.abs(book.levels).max()
    scale = rng.uniform(0.3, 3, (rows, candidates)).astype(np.float32) / np.float32(reach)
    shift = (rng.integers(-3, 1, (rows, candidates)) * scale).astype(np.float32)
    weights = [None, rng.random(length).astype(np.float32), rng.random(x.shape).astype(np.float32)]
    for weight in weights:
        stride = 0 if weight is None or weight.ndim == 1 else length
        found = []
        for path in range(len(cpu.paths())):
            for threads in (1, 2):
                error = np.full((rows, candidates), np.nan)
                training.fake_error(
                    path, threads, book.book, x, scale, shift, rows, length, candidates,
                    even=book.rounds, weight=weight, weight_stride=stride, error=error,
                )  # fmt: skip
                found.append(error)
        assert all(error.tobytes() == found[0].tobytes() for error in found)
        for r in range(rows):
            for k in range(candidates):
                value = np.empty_like(x[r])
                quantized(x[r], scale[r, k], shift[r, k], quantizer, value)
                term = (value.astype(np.float64) - x[r]) ** 2
                if weight is not None:
                    term *= weight if weight.ndim == 1 else weight[r]
                np.testing.assert_allclose(found[0][r, k], term.sum(), rtol=1e-4, atol=1e-9)


def test_only_levels_that_are_even_and_nearest_are_rounded() -> None:
    rounded = [spec for spec in SPECS if codebook(get_quantizer(spec)).rounds]
    even = ("binary", "symmetric", "uniform")
    assert rounded == [spec for spec in SPECS if spec.startswith(even)]
