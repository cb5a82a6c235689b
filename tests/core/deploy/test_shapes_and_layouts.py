"""Models whose columns follow the batch, or whose arrays lie in another order than C's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor, ops
from qnn_core.deploy.graph.from_trace import build, samples
from qnn_core.errors import PackError
from qnn_core.gemm import product, quantized_operand, reference

Model = Callable[..., Any]
RNG = np.random.default_rng(0)
W = Parameter(RNG.normal(size=(64, 100)))


def quantized_between(x: Tensor) -> Tensor:
    turned = ops.fake_quantize(ops.transpose(x), 0.5, quantizer="symmetric:3")
    return ops.transpose(turned)


@pytest.mark.parametrize("example", [1, 3])
@pytest.mark.parametrize(
    "model",
    [lambda x: ops.transpose(ops.relu(ops.transpose(x))), quantized_between],
    ids=["relu", "quantized"],
)
def test_columns_that_follow_the_batch(model: Model, example: int) -> None:
    packed = qnn.pack(model, np.ones((example, 4)))
    for batch in (1, 2, 5):
        x = RNG.normal(size=(batch, 4)).astype(np.float32)
        np.testing.assert_array_equal(packed(x), model(Tensor(x)).data)
    assert packed(np.ones((0, 4))).shape == (0, 4)


def shorter(x: Tensor) -> Tensor:
    return ops.relu(x[:, : -len(x.data)])


def test_columns_that_shrink_with_the_batch() -> None:
    # No model to deploy: what it says of a sample depends on how many others there are.
    with pytest.raises(PackError, match="depends on the other samples"):
        qnn.pack(shorter, np.ones((1, 9)))
    packed = qnn.PackedModel(build(shorter, samples(shorter, np.ones((1, 9))))[0])
    for batch in (1, 2, 3):
        x = RNG.normal(size=(batch, 9)).astype(np.float32)
        np.testing.assert_array_equal(packed(x), shorter(Tensor(x)).data)


@pytest.mark.parametrize(
    "model",
    [
        lambda x: ops.sum(ops.relu(ops.transpose(x, (0, 2, 1))), axis=2),
        lambda x: ops.mean(ops.relu(ops.transpose(x, (0, 2, 1))), axis=2),
        lambda x: ops.softmax(ops.relu(ops.transpose(x, (0, 2, 1)))),
        lambda x: ops.log_softmax(ops.tanh(ops.transpose(x, (0, 2, 1)))),
        lambda x: ops.variance(ops.relu(x), axis=1),
    ],
    ids=["sum", "mean", "softmax", "log_softmax", "variance"],
)
def test_sums_over_any_layout(model: Model) -> None:
    x = RNG.normal(size=(2, 500, 7)).astype(np.float32)
    packed = qnn.pack(model, x)
    for given in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2]):
        np.testing.assert_array_equal(packed(given), model(Tensor(given)).data)


@pytest.mark.parametrize(
    "model",
    [lambda x: x @ ops.relu(ops.transpose(W)), lambda x: x @ W.T, lambda x: x @ (W * 2).T],
    ids=["relu", "bare", "product"],
)
def test_products_with_a_transposed_parameter(model: Model) -> None:
    x = RNG.normal(size=(50, 100)).astype(np.float32)
    packed = qnn.pack(model, x[:3])
    for batch in (1, 2, 3, 50):
        np.testing.assert_array_equal(packed(x[:batch]), model(Tensor(x[:batch])).data)


def test_no_columns_at_all() -> None:
    packed = qnn.pack(ops.relu, np.zeros((2, 3, 0)))
    assert packed(np.zeros((5, 3, 0))).shape == (5, 3, 0)
    layer = qnn.Parameter(np.zeros((4, 0)))
    packed = qnn.pack(lambda x: ops.linear(x, layer), np.zeros((2, 3, 0)))
    np.testing.assert_array_equal(packed(np.zeros((5, 3, 0))), np.zeros((5, 3, 4)))


@pytest.mark.parametrize(("end", "k"), [(32767, 1), (24001, 3), (16383, 7)])
def test_factors_beyond_32_bits(end: int, k: int) -> None:
    side = quantized_operand(
        np.float32([-end, end]), np.float32(1), np.float32(0), along_reduction=False
    )
    x = RNG.integers(0, 2, (5, k)).astype(np.uint8)
    w = RNG.integers(0, 2, (3, k)).astype(np.uint8)
    expected = reference.product(x, w, None, side, side)
    np.testing.assert_array_equal(product(x, w, None, side, side), expected)


def test_minus_zero_through_relu() -> None:
    def model(x: Tensor) -> Tensor:
        return 1.0 / (ops.relu(x * 1.0) + 1.0) + ops.relu(x)

    x = np.float32([[-0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(qnn.pack(model, x)(x), model(Tensor(x)).data)


@pytest.mark.parametrize("example", ["abc", [[1.0], [1.0, 2.0]], np.ones((1, 4)) * 1j])
def test_an_example_that_is_no_array_of_numbers(example: Any) -> None:
    with pytest.raises(qnn.QnnError):
        qnn.pack(ops.relu, example)
