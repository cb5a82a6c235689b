"""The functions of `ops`: their values against NumPy, their derivatives, their kinks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from op_examples import SURROGATES
from qnn_core import Parameter, Tensor, ops
from qnn_core.autodiff import OPS, Op
from qnn_core.testing import check_op

RNG = np.random.default_rng(4)
X = RNG.uniform(0.2, 0.9, (3, 4))
Y = RNG.uniform(1.2, 2.0, (3, 4))
W = RNG.normal(size=(2, 4))
LABELS = np.array([1, 3, 0])
IMAGES = RNG.normal(size=(2, 4, 5, 3))
ANSWERS = RNG.integers(0, 2, (3, 4))
SIGNS = np.where(np.arange(4) == LABELS[:, None], 1, -1)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pixel by pixel: stride 2, padding 1."""
    framed = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = (n + 2 - k for n, k in zip(x.shape[1:3], w.shape[1:3], strict=True))
    rows = [
        [
            np.einsum("bhwc,nhwc->bn", framed[:, i : i + w.shape[1], j : j + w.shape[2]], w) + b
            for j in range(0, width + 1, 2)
        ]
        for i in range(0, height + 1, 2)
    ]
    return np.array(rows).transpose(2, 0, 1, 3)


# name: (function of tensors, the same in NumPy, inputs)
FUNCTIONS: dict[str, tuple[Callable[..., Tensor], Callable[..., Any], tuple[Any, ...]]] = {
    "absolute": (ops.absolute, np.abs, (-X,)),
    "add": (ops.add, np.add, (X, Y)),
    "avg_pool2d": (
        lambda x: ops.avg_pool2d(x, 2, stride=1),
        lambda x: (x[:, :-1, :-1] + x[:, :-1, 1:] + x[:, 1:, :-1] + x[:, 1:, 1:]) / 4,
        (IMAGES,),
    ),
    "batch_norm": (
        lambda x, w, b, m, v: ops.batch_norm(x, w, b, m, v, eps=0.5),
        lambda x, w, b, m, v: (x - m) / np.sqrt(v + 0.5) * w + b,
        (X, *RNG.uniform(1, 2, (4, 4))),
    ),
    "binary_cross_entropy_with_logits": (
        lambda z: ops.binary_cross_entropy_with_logits(z, ANSWERS),
        lambda z: -np.log(np.where(ANSWERS, 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)))).mean(),
        (X,),
    ),
    "broadcast_to": (
        lambda x: ops.broadcast_to(x, [2, 3, 4]),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        (X,),
    ),
    "clip": (lambda x: ops.clip(x, 0.4, 0.7), lambda x: np.clip(x, 0.4, 0.7), (X,)),
    "concatenate": (
        lambda x, y: ops.concatenate([x, y, x], axis=1),
        lambda x, y: np.concatenate([x, y, x], axis=1),
        (X, Y),
    ),
    "conv2d": (
        lambda x, w, b: ops.conv2d(x, w, b, stride=2, padding=1),
        convolved,
        (IMAGES, RNG.normal(size=(2, 3, 2, 3)), W[:, 0]),
    ),
    "cos": (ops.cos, np.cos, (X,)),
    "divide": (ops.divide, np.divide, (X, Y)),
    "dropout": (
        lambda x: ops.dropout(x, 0.25, np.random.default_rng(1)),
        lambda x: x * (np.random.default_rng(1).random(x.shape, dtype=np.float32) >= 0.25) / 0.75,
        (X,),
    ),
    "exp": (ops.exp, np.exp, (X,)),
    "getitem": (lambda x: ops.getitem(x, index=(1, [0, 0])), lambda x: x[1, [0, 0]], (X,)),
    "global_avg_pool2d": (ops.global_avg_pool2d, lambda x: x.mean((1, 2)), (IMAGES,)),
    "hardtanh": (ops.hardtanh, lambda x: np.clip(x, -1, 1), (3 * X - 2,)),
    "huber": (
        lambda p, t: ops.huber(p, t, delta=0.3),
        lambda p, t: np.where(abs(p - t) < 0.3, (p - t) ** 2 / 2, 0.3 * (abs(p - t) - 0.15)).mean(),
        (X, Y),
    ),
    "linear": (ops.linear, lambda x, w, b: x @ w.T + b, (X, W, W[:, 0])),
    "log": (ops.log, np.log, (X,)),
    "log_softmax": (
        lambda x: ops.log_softmax(x, axis=0),
        lambda x: np.log(softmax(x, axis=0)),
        (X,),
    ),
    "matmul": (ops.matmul, np.matmul, (X, Y.T)),
    "max": (lambda x: ops.max(x, axis=1), lambda x: x.max(axis=1), (X,)),
    "max_pool2d": (
        lambda x: ops.max_pool2d(x, 2, stride=1),
        lambda x: np.max([x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]], axis=0),
        (IMAGES,),
    ),
    "maximum": (ops.maximum, np.maximum, (X, Y)),
    "mean": (lambda x: ops.mean(x, 1, True), lambda x: x.mean(1, keepdims=True), (X,)),
    "mean_absolute_error": (
        ops.mean_absolute_error,
        lambda p, t: abs(p - t).mean(),
        (X, Y),
    ),
    "mean_squared_error": (
        ops.mean_squared_error,
        lambda p, t: ((p - t) ** 2).mean(),
        (X, Y),
    ),
    "min": (lambda x: ops.min(x, axis=(0, 1)), lambda x: x.min(), (X,)),
    "minimum": (ops.minimum, np.minimum, (X, Y)),
    "multiply": (ops.multiply, np.multiply, (X, Y)),
    "negative": (ops.negative, np.negative, (X,)),
    "norm": (lambda x: ops.norm(x, axis=1), lambda x: np.linalg.norm(x, axis=1), (X,)),
    "normalize_batch": (
        lambda x, w, b: ops.normalize_batch(x, w, b, eps=0.5),
        lambda x, w, b: (x - x.mean(0)) / np.sqrt(x.var(0) + 0.5) * w + b,
        (X, *RNG.uniform(1, 2, (2, 4))),
    ),
    "pad2d": (
        lambda x: ops.pad2d(x, 1, (0, 2), value=3),
        lambda x: np.pad(x, ((0, 0), (1, 0), (1, 2), (0, 0)), constant_values=3),
        (IMAGES,),
    ),
    "power": (ops.power, np.power, (X, Y)),
    "relu": (ops.relu, lambda x: np.maximum(x, 0), (X - 0.5,)),
    "reshape": (lambda x: ops.reshape(x, 12), lambda x: x.reshape(12), (X,)),
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + np.exp(-x)), (X,)),
    "sin": (ops.sin, np.sin, (X,)),
    "softmax": (ops.softmax, softmax, (X,)),
    "softmax_cross_entropy": (
        lambda x: ops.softmax_cross_entropy(x, LABELS),
        lambda x: -np.log(softmax(x)[np.arange(3), LABELS]).mean(),
        (X,),
    ),
    "softplus": (ops.softplus, lambda x: np.log(1 + np.exp(x)), (X,)),
    "sqrt": (ops.sqrt, np.sqrt, (X,)),
    "squared_hinge": (
        lambda x: ops.squared_hinge(x, LABELS),
        lambda x: (np.maximum(0, 1 - SIGNS * x) ** 2).mean(),
        (X,),
    ),
    "stack": (
        lambda x, y: ops.stack([x, y], axis=1),
        lambda x, y: np.stack([x, y], axis=1),
        (X, Y),
    ),
    "subtract": (ops.subtract, np.subtract, (X, Y)),
    "sum": (lambda x: ops.sum(x, axis=-1), lambda x: x.sum(axis=-1), (X,)),
    "tanh": (ops.tanh, np.tanh, (X,)),
    "transpose": (ops.transpose, np.transpose, (X,)),
    "where": (
        lambda x, y: ops.where(X > 0.5, x, y),
        lambda x, y: np.where(X > 0.5, x, y),
        (X, Y),
    ),
    "variance": (lambda x: ops.variance(x, axis=0), lambda x: x.var(axis=0), (X,)),
}


def test_every_function_is_here() -> None:
    # Those that state a gradient of their own have files of their own.
    assert set(ops.__all__) - SURROGATES == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value(name: str) -> None:
    function, expected, inputs = FUNCTIONS[name]
    result = function(*(Tensor(x, np.float64) for x in inputs))
    np.testing.assert_allclose(result.data, expected(*inputs), rtol=1e-7)
    assert result.shape == np.shape(expected(*inputs))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name: str) -> None:
    function, _, inputs = FUNCTIONS[name]
    check_op(function, *inputs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_plain_arrays_give_float32(name: str) -> None:
    function, _, inputs = FUNCTIONS[name]
    assert function(*inputs).dtype == np.float32


def derivative(function: Callable[[Tensor], Tensor], at: Any) -> list[float]:
    x = Tensor(at, requires_grad=True)
    function(x).sum().backward()
    return x.grad.data.tolist()


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ops.relu, [-1, 0, -0.0, 1], [0, 0, 0, 1]),
        (ops.absolute, [-1, 0, -0.0, 1], [-1, 0, 0, 1]),
        (ops.hardtanh, [-1.5, -1, 0, 1, 1.5], [0, 1, 1, 1, 0]),
        (lambda x: ops.clip(x, 0, 0.5), [-0.1, 0, 0.5, 0.6], [0, 1, 1, 0]),
        (ops.max, [1, 3, 3, 2], [0, 0.5, 0.5, 0]),
        (ops.min, [1, 3, 1, 1.5], [0.5, 0, 0.5, 0]),
        (lambda x: x**0, [0, 2], [0, 0]),
        (lambda x: x**1, [0, 2], [1, 1]),
        (lambda x: x**2, [0, -3], [0, -6]),
        (lambda x: x**-1, [2, -0.5], [-0.25, -4]),
    ],
)
def test_kinks(function: Callable[[Tensor], Tensor], at: Any, expected: list[float]) -> None:
    assert derivative(function, at) == expected


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ops.sigmoid, [-1e4, 1e4], [0, 1]),
        (ops.tanh, [-1e4, 1e4], [-1, 1]),
        (ops.softmax, [-1e4, 1e4], [0, 1]),
        (ops.log_softmax, [-1e4, 1e4], [-2e4, 0]),
        (ops.softplus, [-1e4, 1e4], [0, 1e4]),
        (lambda x: ops.binary_cross_entropy_with_logits(x, [1, 0]), [-1e4, 1e4], 1e4),
        (lambda x: ops.softmax_cross_entropy(x.reshape(1, 2), [0]), [-1e4, 1e4], 2e4),
    ],
)
def test_great_inputs_do_not_overflow(function: Any, at: Any, expected: Any) -> None:
    x = Tensor(at, requires_grad=True)
    y = function(x)
    y.sum().backward()
    assert y.data.tolist() == expected
    assert np.all(np.isfinite(x.grad.data))


@pytest.mark.parametrize(
    "index",
    [
        (0, 1),
        [0, 0, 1],
        ([0, 0], [1, 1]),
        ((0, 0), 1),
        (range(2), 1),
        np.array([[True, False], [True, True]]),
        (slice(None), np.array([1, 1])),
        (np.int64(1), None, ...),
        np.array([1, 1], np.uint8),
    ],
    ids=repr,
)
def test_the_gradient_of_indexing_counts_every_use(index: Any) -> None:
    x = Parameter(np.arange(4).reshape(2, 2))
    x[index].sum().backward()
    count = np.zeros((2, 2))
    np.add.at(count, index, 1)
    assert x.grad.data.tolist() == count.tolist()


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate: float) -> None:
    y = ops.dropout(np.ones(200_000), rate, np.random.default_rng(0)).data
    assert set(np.unique(y)) <= {0, np.float32(1 / (1 - rate))}
    assert abs(y.mean() - 1) < 0.02


def test_public_operations_are_the_ones_in_the_table() -> None:
    for name in ops.__all__:
        function = getattr(ops, name)
        assert not isinstance(function, Op) or OPS[name] is function


def test_what_becomes_of_the_callers_labels_does_not_matter() -> None:
    logits = Parameter(np.zeros((2, 2)))
    labels = np.array([0, 1])
    loss = ops.softmax_cross_entropy(logits, labels)
    labels[:] = 100_000_000
    loss.backward()
    assert logits.grad.data.tolist() == [[-0.25, 0.25], [0.25, -0.25]]


def test_what_becomes_of_the_callers_index_does_not_matter() -> None:
    x, index = Parameter(np.zeros(3)), np.array([0, 1])
    total = x[index].sum() + x[index, ...].sum() + x[[0],].sum()
    index[:] = 2
    total.backward()
    assert x.grad.data.tolist() == [3, 2, 0]


LOSSES: list[tuple[Any, Any, Any]] = [
    (ops.softmax_cross_entropy, X, LABELS),
    (ops.squared_hinge, X, LABELS),
    (ops.mean_squared_error, X, Y),
    (ops.mean_absolute_error, X, Y),
    (ops.huber, X, Y),
    (ops.binary_cross_entropy_with_logits, X, ANSWERS),
]


@pytest.mark.parametrize(("loss", "x", "y"), LOSSES)
def test_a_weight_counts_as_so_many_samples(loss: Any, x: Any, y: Any) -> None:
    weights = np.array([2, 0, 1])
    repeated = [0, 0, 2]
    weighted = loss(Tensor(x, np.float64), y, sample_weight=weights).item()
    assert weighted == pytest.approx(loss(Tensor(x[repeated], np.float64), y[repeated]).item())
    check_op(lambda t: loss(t, y, sample_weight=weights), x)


@pytest.mark.parametrize(("loss", "x", "y"), LOSSES)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], "a number for each sample"),
        ([[1.0], [1.0], [1.0]], "a number for each sample"),
        ([1.0, -1.0, 1.0], "0 or more"),
        ([0.0, 0.0, 0.0], "not all 0"),
        ([1.0, np.nan, 1.0], "finite"),
    ],
)
def test_weights_that_are_none(loss: Any, x: Any, y: Any, weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"{loss.__name__}: .*{message}"):
        loss(x, y, sample_weight=weights)


@pytest.mark.parametrize(("loss", "x", "y"), LOSSES[2:])
def test_one_column_may_be_given_without_its_axis(loss: Any, x: Any, y: Any) -> None:
    expected = loss(x[:, :1], y[:, :1])
    assert loss(x[:, :1], y[:, 0]).item() == expected.item()
    assert loss(x[:, 0], y[:, :1]).item() == expected.item()
    assert loss(x[:, :1], Tensor(y[:, 0])).item() == expected.item()
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(3,\)"):
        loss(x, y[:, 0])


@pytest.mark.parametrize("target", [-0.1, 1.5, np.nan])
def test_targets_of_binary_cross_entropy_are_shares(target: float) -> None:
    with pytest.raises(ValueError, match=r"target .* at \(1,\) is not in 0..1"):
        ops.binary_cross_entropy_with_logits([0.0, 0.0], [1.0, target])


def test_huber_needs_a_positive_delta() -> None:
    with pytest.raises(ValueError, match="delta must be above 0"):
        ops.huber([0.0], [1.0], delta=0)


@pytest.mark.parametrize("size", [1, 2, 7, 16, 4801])
def test_of_zeros_of_both_signs_one_is_taken_whatever_the_size(size: int) -> None:
    x = np.resize(np.float32([-0.0, 0.0]), (size, 1))
    assert not np.signbit(ops.clip(x, 0, 1).data).any()
    assert not np.signbit(ops.clip(x, -1, -0.0).data).any()
    assert np.signbit(ops.clip(x, -1, 1).data[0])  # between the limits nothing changes
    # The packed engine's links take the limit too.
    packed = qnn.pack(lambda x: ops.clip(x, 0, 1), np.ones((2, 1), np.float32))
    assert not np.signbit(packed(x)).any()
    for extreme in (ops.max, ops.min):
        assert not np.signbit(extreme(x).data)
