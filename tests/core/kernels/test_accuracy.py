"""Sums over many numbers: as accurate as they can be, with the same bits on every path."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, ops
from qnn_core.gemm import cpu, threads
from qnn_core.qtensor import clip_gradients, quantized
from qnn_core.quantizer import codebook

TENTH = np.float32(0.1)


@pytest.mark.parametrize("size", [224, 1024])
@pytest.mark.parametrize("channels", [1, 3])
def test_means_of_a_plane_of_tenths(size: int, channels: int) -> None:
    x = Tensor(np.full((1, size, size, channels), TENTH))
    for y in (
        ops.global_avg_pool2d(x),
        ops.avg_pool2d(x, size),
        ops.mean(x, axis=(1, 2)),
        ops.mean(x),
        ops.sum(x, axis=(1, 2)) / float(size * size),
        ops.sum(x, axis=(0, 1, 2)) / float(size * size),
        ops.mean(x, axis=(0, 1, 2)),
    ):
        assert np.abs(y.data / np.float64(TENTH) - 1).max() <= 6.1e-7
    assert np.abs(ops.variance(x, axis=(1, 2)).data).max() < 1e-12


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (0, 2), (1, 2), (1, 3), (0, 3), None])
def test_sums_over_any_axes(axis: Any) -> None:
    x = np.random.default_rng(0).random((9, 70, 8, 65), np.float32)
    for keepdims in (False, True):
        wide = x.astype(np.float64)
        given = {"axis": axis, "keepdims": keepdims}
        np.testing.assert_allclose(ops.sum(x, **given).data, wide.sum(**given), rtol=1e-6)
        np.testing.assert_allclose(ops.mean(x, **given).data, wide.mean(**given), rtol=1e-6)
        np.testing.assert_allclose(ops.variance(x, **given).data, wide.var(**given), rtol=2e-6)


@pytest.mark.parametrize("shape", [(3, 9, 8, 5), (3, 20, 31, 17), (2, 64, 65, 1), (2, 8, 8, 40)])
def test_every_path_has_the_bits_of_blocks(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    pixels = x.reshape(shape[0], -1, shape[3])
    total = np.zeros((shape[0], shape[3]))
    for start in range(0, pixels.shape[1], 64):
        block = np.zeros(total.shape, np.float32)
        for n in range(start, min(start + 64, pixels.shape[1])):
            block += pixels[:, n]
        total += block
    expected = (total / pixels.shape[1]).astype(np.float32)
    before, means = threads.get_num_threads(), []
    for path in cpu.paths():
        for count in (1, 3):
            threads.set_num_threads(count)
            try:
                with cpu.using(path):
                    y = ops.global_avg_pool2d(x).data
                    means.append(ops.mean(x, axis=(1, 2)).data)
                    alone = ops.mean(x[:1], axis=(1, 2)).data
            finally:
                threads.set_num_threads(before)
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(means[-1][:1], alone)
            np.testing.assert_array_equal(means[-1], means[0])
    np.testing.assert_allclose(means[0], expected, atol=1e-6)


def test_what_is_packed_has_the_same_means() -> None:
    class Means(qnn.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (
                ops.global_avg_pool2d(x)
                + ops.mean(x, axis=(1, 2))
                + ops.avg_pool2d(x, (19, 17))[:, 0, 0]
            )

    x = np.random.default_rng(2).random((5, 19, 17, 3), np.float32)
    model = Means().eval()
    packed = qnn.pack(model, x)
    np.testing.assert_array_equal(packed(x), model(x).data)


@pytest.mark.parametrize("spec", ["symmetric:8", "symmetric:4", "uniform:8", "logarithmic:5"])
@pytest.mark.parametrize("related", [False, True])
def test_the_gradient_of_a_scale_where_its_sum_cancels(spec: str, related: bool) -> None:
    rng, quantizer = np.random.default_rng(3), qnn.get_quantizer(spec)
    levels = codebook(quantizer).levels.astype(np.float64)
    found: dict[str, list[bytes]] = {path: [] for path in cpu.paths()}
    for _ in range(10):
        x = np.abs(rng.normal(size=100_001)).astype(np.float32)
        g = rng.normal(size=x.size).astype(np.float32) * np.float32(0.1) + x * related
        scale = np.array(x.max() * rng.uniform(0.8, 1) / levels.max(), np.float32)
        shift = np.zeros((), np.float32)
        made = quantized(x, scale, shift, quantizer)
        u = x.astype(np.float64) / np.float64(scale)
        inside = (u.astype(np.float32) >= levels[0]) & (u.astype(np.float32) <= levels[-1])
        terms = g * (levels[made.codes] - u * inside)
        for path, slopes in found.items():
            with cpu.using(path):
                _, slope, _ = clip_gradients(g, x, made, quantizer, (False, True, False))
            # By u = x * (1 / scale) it was up to 8e-6.
            assert abs(float(slope) - terms.sum()) < 1e-7 * np.abs(terms).sum()
            slopes.append(slope.tobytes())
    assert len({tuple(bits) for bits in found.values()}) == 1
