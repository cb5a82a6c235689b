"""Answers that depend on other samples, or on the example, are refused; honest nets are not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import Tensor, nn, ops
from qnn_core.errors import GraphError, NonFiniteError, PackError

X = np.random.default_rng(0).normal(size=(10, 6)).astype(np.float32)
LAYER = nn.Linear(6, 4, seed=0)
REFUSED = (GraphError, PackError)


def rows(y: Tensor, index: Any) -> Tensor:
    return y[index]


def sorted_(y: Tensor) -> Tensor:
    return y[np.argsort(y.data[:, 0])]


def running(y: Tensor) -> Tensor:
    """Each sample with the one before it."""
    return y + ops.concatenate([y[:1], y[:-1]], axis=0)


def branch(y: Tensor) -> Tensor:
    return y * 2 if float(y.data.max()) > 1.0 else y


ON_OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "the first": lambda y: y - y[:1],
    "the last": lambda y: y - y[-1:],
    "the one before": running,
    "the greatest": lambda y: y / ops.max(ops.absolute(y)),
    "the greatest of each column": lambda y: y / ops.max(ops.absolute(y), axis=0, keepdims=True),
    "the mean": lambda y: y - y.mean(axis=0, keepdims=True),
    "the variance": lambda y: y / ops.sqrt(ops.variance(y, axis=0, keepdims=True) + 1),
    "batch statistics": lambda y: ops.batch_norm(
        y, np.ones(4), np.zeros(4), ops.mean(y, axis=0), ops.variance(y, axis=0), eps=1e-5
    ),
    "a softmax over the batch": lambda y: ops.softmax(y, axis=0),
    "products of samples": lambda y: ops.matmul(ops.matmul(y, ops.transpose(y)), y),
    "the order": lambda y: y[::-1],
    "sorting": sorted_,
    "a thousandth of the mean": lambda y: y + y.mean(axis=0, keepdims=True) / 1000,
    "a millionth of the first": lambda y: y + y[:1] / 1e6,
}

ON_THE_EXAMPLE: dict[str, Callable[[Tensor], Tensor]] = {
    "its maximum": lambda y: y / float(y.data.max()),
    "its minimum": lambda y: y - float(y.data.min()),
    "its greatest magnitude": lambda y: y * (1 / float(np.abs(y.data).max())),
    "its mean": lambda y: y - float(y.data.mean()),
    "a mean by NumPy": lambda y: y - np.mean(y.data, axis=0, keepdims=True),
    "its first value": lambda y: y + float(y.data.flat[0]),
    "a branch": branch,
    "its size": lambda y: y / len(y.data),
    "a branch on its size": lambda y: y if len(y.data) > 3 else y * 2,
    "a rounded maximum": lambda y: y * round(float(y.data.max())),
    "a mask": lambda y: y * (y.data[:1] > 0),
}


@pytest.mark.parametrize("samples", [1, 2, 10])
@pytest.mark.parametrize("name", ON_OTHERS)
def test_what_depends_on_other_samples(name: str, samples: int) -> None:
    with pytest.raises(REFUSED, match="pack: "):
        qnn.pack(lambda x: ON_OTHERS[name](LAYER(x)), X[:samples])


@pytest.mark.parametrize("samples", [1, 2, 10])
@pytest.mark.parametrize("name", ON_THE_EXAMPLE)
def test_what_depends_on_the_example(name: str, samples: int) -> None:
    with pytest.raises(REFUSED, match="pack: "):
        qnn.pack(lambda x: ON_THE_EXAMPLE[name](LAYER(x)), X[:samples])


def test_of_codes() -> None:
    """Where a code has few values a neighbour shows rarely, but it shows."""
    layer = nn.QuantLinear(6, 40, weight="symmetric:2", input="uniform:2", seed=0)
    layer(X)
    layer.eval()
    with pytest.raises(PackError, match="depends on the other samples of its batch"):
        qnn.pack(lambda x: ops.relu(layer(x) - layer(x)[:1]), X)


def test_one_of_several_outputs() -> None:
    with pytest.raises(PackError, match="output 1 for a sample depends on the other samples"):
        qnn.pack(lambda x: (LAYER(x), LAYER(x) - LAYER(x)[:1]), X)


def test_one_of_several_inputs() -> None:
    with pytest.raises(PackError, match="depends on the other samples"):
        qnn.pack(lambda a, b: LAYER(a) + LAYER(b[:1]), (X, X))


# Honest nets

HONEST: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda x: ops.softmax(LAYER(x)),
    "log softmax": lambda x: ops.log_softmax(LAYER(x)),
    "mean of columns": lambda x: x - x.mean(axis=1, keepdims=True),
    "maximum of columns": lambda x: x / ops.max(ops.absolute(x), axis=1, keepdims=True),
    "variance of columns": lambda x: x / ops.sqrt(ops.variance(x, axis=1, keepdims=True) + 1e-5),
    "matmul": lambda x: ops.matmul(x, LAYER.weight.data.T),
    "products of columns": lambda x: ops.matmul(
        ops.reshape(x, (x.shape[0], 6, 1)), ops.reshape(x, (x.shape[0], 1, 6))
    ),
    "root": lambda x: ops.sqrt(ops.absolute(x)),
    "logarithm of what is negative elsewhere": lambda x: ops.log(x + 10),
    "sine": lambda x: ops.sin(ops.exp(x)[:, ::-1]),
    "a constant": lambda x: x * 0 + 3,
}


@pytest.mark.parametrize("samples", [1, 3, 10])
@pytest.mark.parametrize("name", HONEST)
def test_honest_nets_are_packed(name: str, samples: int) -> None:
    packed = qnn.pack(HONEST[name], X[:samples])
    np.testing.assert_array_equal(packed(X), HONEST[name](Tensor(X)).data)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_an_example_of_one_value(value: float) -> None:
    example = np.full((1, 6), value, np.float32)
    np.testing.assert_array_equal(qnn.pack(LAYER, example)(X), LAYER(X).data)
    with pytest.raises(REFUSED):
        qnn.pack(lambda x: LAYER(x) - float(x.data.mean()), example)


def test_a_model_that_refuses_other_values() -> None:
    def model(x: Tensor) -> Tensor:
        if not np.all(np.isin(x.data, (0, 1))):
            raise ValueError("zeros and ones are needed")
        return LAYER(x)

    example = (X > 0).astype(np.float32)
    np.testing.assert_array_equal(qnn.pack(model, example)(example), LAYER(example).data)


def test_samples_without_elements() -> None:
    packed = qnn.pack(lambda x: ops.sum(x, axis=1), np.zeros((2, 0), np.float32))
    assert packed(np.zeros((3, 0))).tolist() == [0, 0, 0]


@given(
    seed=st.integers(0, 99),
    weight=st.sampled_from([None, "binary", "symmetric:4", "uniform:2"]),
    input=st.sampled_from([None, "symmetric:2", "uniform:8"]),
    batch_norm=st.booleans(),
    samples=st.integers(1, 12),
)
def test_nets_of_any_kind_are_packed(
    seed: int, weight: str | None, input: str | None, batch_norm: bool, samples: int
) -> None:
    model = qnn.MLP([6, 9, 3], weight=weight, input=input, batch_norm=batch_norm, seed=seed)
    model(X)
    model.eval()
    np.testing.assert_array_equal(qnn.pack(model, X[:samples])(X), model(X).data)


# Numbers that are none


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_model_that_is_not_finite(value: float) -> None:
    def made() -> qnn.Module:
        model = qnn.MLP([6, 5, 3], weight="symmetric:4", input="uniform:4", batch_norm=True, seed=0)
        model(X)
        return model.eval()

    states = [*made().named_parameters(), *made().named_buffers()]
    assert len(states) > 8
    for name, _ in states:
        model = made()
        named = dict([*model.named_parameters(), *model.named_buffers()])
        named[name].data.reshape(-1)[-1] = value
        with pytest.raises(NonFiniteError, match=rf"pack: {name} holds -?(nan|inf) at "):
            qnn.pack(model, X)


def test_constants_that_are_not_finite() -> None:
    mask = np.array([0, 0, -np.inf, 0], np.float32)
    with pytest.raises(NonFiniteError, match=r"pack: constant, which add_1 .* holds -inf at \(2,"):
        qnn.pack(lambda x: LAYER(x) + mask, X)


def test_a_variance_below_zero() -> None:
    zeros, ones = np.zeros(4), np.ones(4)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(NonFiniteError, match=r"batch_norm_1.*: weight / sqrt\(variance \+ eps\)"),
    ):
        qnn.pack(lambda x: ops.batch_norm(LAYER(x), ones, zeros, zeros, -ones, eps=1e-5), X)


def test_a_row_without_a_class() -> None:
    great = nn.Linear(6, 3, seed=0)
    great.weight.data[...] = 3e38 * np.sign(great.weight.data)
    packed = qnn.pack(great, np.zeros((1, 6), np.float32))
    x = np.zeros((20, 6), np.float32)
    assert packed.predict(x).shape == (20,)
    x[3] = x[7] = [3, 2, 1, 1, 2, 3]
    with pytest.raises(
        NonFiniteError, match=r"2 of 20 samples have no class, .* not finite: 3, 7$"
    ):
        packed.predict(x)
    x[:] = x[3]
    with pytest.raises(NonFiniteError, match=r"20 of 20 samples .*: 0, 1, 2, 3, 4, \.\.\.$"):
        packed.predict(x)


def test_a_probability_of_zero_is_one() -> None:
    packed = qnn.pack(lambda x: ops.log(ops.relu(x)), np.ones((1, 3), np.float32))
    with np.errstate(divide="ignore"):
        assert packed.predict([[0, 2, 1], [3, 0, 0]]).tolist() == [1, 0]
        with pytest.raises(NonFiniteError, match="1 of 1 samples"):
            packed.predict([[0, 0, 0]])


def test_the_class_of_one_logit_is_its_sign() -> None:
    packed = qnn.pack(lambda x: x[:, :1], X)
    assert packed.predict([[3.0] * 6, [-2.0] * 6, [0.0] * 6], task="binary").tolist() == [1, 0, 0]


def test_one_sample_is_no_batch() -> None:
    packed = qnn.pack(LAYER, X)
    with pytest.raises(qnn.errors.ShapeError, match=r"one sample is a batch of one, x\[None\]$"):
        packed(X[0])
    assert packed(X[0][None]).shape == (1, 4)
