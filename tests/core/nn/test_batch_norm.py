"""Batch normalization in float32: the passes that are fused say what the operations say."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn, ops
from qnn_core.gemm import cpu
from qnn_core.ops.norm import normalize_batch_with_moments

SHAPES = [(2, 1), (5, 3), (100, 17), (3, 4, 5, 16), (300, 100), (40, 9, 9, 33)]


def gradients(shape: tuple[int, ...], *, create_graph: bool) -> list[Any]:
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(3, 2, shape).astype(np.float32), requires_grad=True)
    weight, bias = (
        Tensor(rng.normal(size=shape[-1:]).astype(np.float32), requires_grad=True) for _ in range(2)
    )
    y = ops.normalize_batch(x, weight, bias)
    g = rng.normal(size=shape).astype(np.float32)
    return [y.data, *(t.data for t in qnn.grad(y, [x, weight, bias], g, create_graph=create_graph))]


@pytest.mark.parametrize("path", cpu.paths())
@pytest.mark.parametrize("shape", SHAPES)
def test_fused_gradients_are_those_of_the_operations(path: str, shape: tuple[int, ...]) -> None:
    with cpu.using(path):
        fused = gradients(shape, create_graph=False)
        composed = gradients(shape, create_graph=True)
    rows = np.prod(shape[:-1])
    for ours, theirs in zip(fused, composed, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-5 * rows**0.5)
    with cpu.using("base"):
        for ours, same in zip(fused, gradients(shape, create_graph=False), strict=True):
            np.testing.assert_array_equal(ours, same)


@pytest.mark.parametrize("path", cpu.paths())
def test_evaluation_is_the_expression_that_is_packed(path: str) -> None:
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm(33)
    x = rng.normal(1, 3, (7, 5, 33)).astype(np.float32)
    with cpu.using(path):
        layer(x)
        y = layer.eval()(x).data
    mean, variance = layer.running_mean.data, layer.running_variance.data
    factor = layer.weight.data / np.sqrt(variance + np.float32(layer.eps))
    np.testing.assert_array_equal(y, (x - mean) * factor + layer.bias.data)


def test_only_what_is_needed_has_a_gradient() -> None:
    weight = Tensor(np.ones(3, np.float32), requires_grad=True)
    y = ops.normalize_batch(np.arange(12.0).reshape(4, 3), weight, np.zeros(3))
    y.sum().backward()
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.data, 0, atol=1e-5)


def test_the_gradient_of_a_constant_channel_is_zero() -> None:
    x = Tensor(np.full((8, 2), 3, np.float32), requires_grad=True)
    (ops.normalize_batch(x, np.ones(2), np.zeros(2)) ** 2).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data, 0)


def test_moments_are_those_of_their_call() -> None:
    rng = np.random.default_rng(0)
    first, second = (Tensor(rng.normal(size=(6, 3)), requires_grad=True) for _ in range(2))
    one, zero = np.ones(3), np.zeros(3)
    y, moments = normalize_batch_with_moments(first, one, zero)
    normalize_batch_with_moments(10 * second, one, zero)
    np.testing.assert_allclose(moments.mean, first.data.mean(0), rtol=1e-5)
    np.testing.assert_allclose(moments.variance, first.data.var(0), rtol=1e-5)
    (shared,) = qnn.grad((y * y * y).sum(), first)
    y = ops.normalize_batch(first, one, zero)
    (alone,) = qnn.grad((y * y * y).sum(), first)
    np.testing.assert_array_equal(shared.data, alone.data)
