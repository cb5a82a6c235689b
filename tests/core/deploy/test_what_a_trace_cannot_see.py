"""Models that a trace cannot hold are refused, and packing changes no model."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, ops
from qnn_core.errors import PackError, StateError

X = np.random.default_rng(0).normal(size=(30, 20)).astype(np.float32)


def trained(**options: Any) -> qnn.MLP:
    model = qnn.MLP(
        [20, 32, 5], weight="binary", input="symmetric:3", batch_norm=True, seed=0, **options
    )
    for _ in range(3):
        model(X)
    return model


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_function_of_a_module_in_training_mode(dropout: float) -> None:
    model = trained(dropout=dropout)
    before = model.state_dict()
    packed = qnn.pack(lambda x: model(x), X * 3)  # noqa: PLW0108 (not the module itself)
    assert model.training
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    np.testing.assert_array_equal(packed(X), model.eval()(X).data)


@pytest.mark.parametrize(
    "decide",
    [
        lambda m, x: m(x) if x.shape[0] > 3 else m(x) * 2,
        lambda m, x: m(x) * float(x.data[: len(x.data)].max()),
        lambda m, x: m(x) - m(x).mean(axis=0, keepdims=True),
        lambda m, x: ops.softmax(m(x), axis=0),
    ],
    ids=["size", "number", "centred", "softmax"],
)
def test_answers_that_depend_on_the_batch(decide: Callable[..., Tensor]) -> None:
    model = trained().eval()
    with pytest.raises((PackError, qnn.QnnError)):
        qnn.pack(lambda x: decide(model, x), X)


def test_a_quantizer_without_a_scale_inside_a_function() -> None:
    layer = qnn.QuantLinear(20, 3, weight="binary", input="uniform:2", seed=0)
    with pytest.raises(StateError, match="never fitted"):
        qnn.pack(lambda x: layer(x) + 1, X)


def test_a_copy_by_pickle() -> None:
    packed = qnn.pack(trained().eval(), X)
    copy = pickle.loads(pickle.dumps(packed))
    np.testing.assert_array_equal(copy(X), packed(X))
    assert copy.nbytes == packed.nbytes
