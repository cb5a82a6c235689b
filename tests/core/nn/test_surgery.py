"""Modules by name, and models with others in their places."""

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn
from qnn_core.errors import SpecError
from qnn_core.nn.surgery import Float, exchange, layers, modules, quantizers

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


class Holder(nn.Module):
    """Layers in a list, a tuple, a dictionary, a submodule and twice: all the ways to hold one."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.listed = [nn.Linear(4, 4, seed=rng)]
        self.tupled = (nn.ReLU(), nn.Linear(4, 4, seed=rng))
        self.named = {"a": nn.Linear(4, 4, seed=rng)}
        self.inner = nn.Sequential(nn.Sequential(nn.Linear(4, 4, seed=rng)))
        self.again = self.listed[0]
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        for layer in (*self.listed, *self.tupled, *self.named.values(), self.inner, self.again):
            x = layer(x)
        return x


PATHS = ["listed.0", "tupled.1", "named.a", "inner.layers.0.layers.0"]


def test_layers_are_found_once_each_wherever_they_are() -> None:
    assert list(layers(Holder())) == PATHS
    assert set(PATHS) < set(modules(Holder()))


@pytest.mark.parametrize("path", PATHS)
def test_a_layer_is_exchanged_wherever_it_stands(path: str) -> None:
    model = Holder()
    changed = exchange(model, {path: Float()})
    assert path not in layers(changed)
    assert len(layers(changed)) == len(PATHS) - 1
    assert isinstance(modules(changed)[path], Float)
    if path == "listed.0":
        assert changed.again is changed.listed[0]


def test_the_model_stays_and_its_tensors_are_shared() -> None:
    model = Holder()
    before = model(X).data
    changed = exchange(model, dict.fromkeys(PATHS, Float()))
    np.testing.assert_array_equal(changed(X).data, np.maximum(X, 0))
    np.testing.assert_array_equal(model(X).data, before)
    same = exchange(model, {})
    assert same is not model
    assert [id(p) for p in same.parameters()] == [id(p) for p in model.parameters()]


def test_the_model_itself_may_be_exchanged() -> None:
    layer = nn.Linear(2, 2)
    assert exchange(nn.Sequential(layer), {"": layer}) is layer


def test_a_quantizer_that_becomes_none_leaves_the_layer_float() -> None:
    model = qnn.MLP([4, 3, 2], weight="binary", input="binary:1,scale=1", seed=0).eval()
    assert list(quantizers(model)) == ["layers.0.weight_quantizer", "layers.0.input_quantizer"]
    as_float = exchange(model, dict.fromkeys(quantizers(model)))
    np.testing.assert_array_equal(as_float(X).data, qnn.MLP([4, 3, 2], seed=0)(X).data)


def test_an_unknown_place_is_named_beside_the_known_ones() -> None:
    with pytest.raises(
        SpecError, match=r"no 'layers\.00'; did you mean 'layers\.0'\?.*'layers\.1'"
    ):
        exchange(qnn.MLP([2, 2, 2]), {"layers.00": None})
