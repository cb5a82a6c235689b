"""Gradients of convolutions by the gradients that are not zero: the bits of all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.gemm import Window, cpu, input_gradient, weight_gradient
from qnn_core.gemm.sparse_windows import (
    is_sparse,
    sparse_input_gradient,
    sparse_weight_gradient,
)
from qnn_core.machine import limited_threads
from qnn_core.qtensor import QuantizedTensor, decoded
from qnn_core.quantizer import codebook
from qnn_core.registry import get_quantizer

# Around a vector of each path, and around the vectors that are taken at a time.
CHANNELS = st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 32, 45])
OUTPUTS = st.sampled_from([1, 3, 4, 8, 15, 16, 17, 33])
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))
WINDOWS = st.one_of(
    st.builds(Window, PAIR, PAIR, st.just((0, 0)), st.sampled_from([(1, 1), (1, 2), (2, 1)])),
    st.sampled_from(
        [
            Window((3, 3), padding=(1, 1)),
            Window((2, 3), (2, 1), (1, 2)),
            Window((3, 2), (1, 2), (2, 1), (2, 2)),
        ]
    ),
)
SHAPES = st.tuples(st.sampled_from([0, 1, 2, 9]), OUTPUTS, CHANNELS)


def some_zero(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> np.ndarray:
    g = rng.normal(size=shape) * (rng.random(shape) < share)
    return g.astype(np.float32)


@given(window=WINDOWS, shape=SHAPES, share=st.sampled_from([0, 0.02, 0.2, 1]))
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("path", cpu.paths())
def test_they_are_the_bits_of_all(
    path: str, count: int, window: Window, shape: tuple[int, int, int], share: float
) -> None:
    batch, n, channels = shape
    rng = np.random.default_rng(n)
    image = (6, 5)
    g = some_zero((batch, *window.output(*image), n), share, rng)
    w = rng.normal(size=(n, *window.kernel, channels)).astype(np.float32)
    x = rng.normal(size=(batch, *image, channels)).astype(np.float32)
    with cpu.using(path), limited_threads(count):
        ours = sparse_input_gradient(g, w, window, image), sparse_weight_gradient(g, x, window)
        all_of_them = input_gradient(g, w, window, image), weight_gradient(g, x, window)
    for made, expected in zip(ours, all_of_them, strict=True):
        assert made.shape == expected.shape
        assert made.tobytes() == expected.tobytes()


@pytest.mark.parametrize("path", cpu.paths())
def test_sums_over_many_pixels_are_of_the_same_parts(path: str) -> None:
    rng = np.random.default_rng(0)
    window = Window((2, 2))
    levels = codebook(get_quantizer("uniform:2")).levels
    codes = rng.integers(0, 4, (30, 21, 20, 2)).astype(np.uint8)
    x = QuantizedTensor(
        codes, 2, levels, np.array(0.3, np.float32), np.array(-0.3, np.float32), None
    )
    g = some_zero((30, 20, 19, 5), 0.1, rng)
    with cpu.using(path):
        made = sparse_weight_gradient(g, x, window)
        assert made.tobytes() == weight_gradient(g, decoded(x), window).tobytes()
        assert made.tobytes() == weight_gradient(g, x, window).tobytes()


def test_what_is_infinite_is_what_it_times_zero_is() -> None:
    rng = np.random.default_rng(0)
    window, g = Window((3, 3)), some_zero((8, 20, 20, 16), 0.1, rng)
    w = rng.normal(size=(16, 3, 3, 16)).astype(np.float32)
    assert is_sparse(g, w.shape)
    w[0, 0, 0, 0] = np.inf
    assert np.isnan(input_gradient(g, w, window, (22, 22))).any()
    x = rng.normal(size=(8, 22, 22, 16)).astype(np.float32)
    x[0, 9, 9, 0] = np.inf
    assert np.isnan(weight_gradient(g, x, window)).any()


def test_whether_it_pays_is_seen_on_some_pixels() -> None:
    rng = np.random.default_rng(0)
    weight = (16, 3, 3, 16)
    for share, expected in ((0.1, True), (0.5, False), (1, False)):
        assert is_sparse(some_zero((8, 20, 20, 16), share, rng), weight) is expected
    # Few products, or few for each gradient, are quick; and what checks derivatives is whole.
    assert not is_sparse(np.zeros((64, 24, 24, 32), np.float32), (32, 5, 5, 1))
    assert not is_sparse(np.zeros((1, 4, 4, 16), np.float32), weight)
    assert not is_sparse(np.zeros((8, 20, 20, 16)), weight)
