"""Bounds of latent weights in layers that rules quantize."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn

X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def bounds(model: nn.Module) -> list[Any]:
    return [layer.weight.bounds for layer in nn.surgery.layers(model).values()]


def test_bounds_of_a_builder_reach_the_layers_that_rules_quantize() -> None:
    model = qnn.MLP([6, 8, 8, 2], weight_bounds=(-0.2, 0.2), seed=0)
    assert bounds(model) == [None, None, None]  # float layers have none
    made = qnn.apply_rules(model, {"layers.[02]": "binary"})
    assert bounds(made) == [(-0.2, 0.2), (-0.2, 0.2), None]
    again = qnn.apply_rules(made, {"layers.4": "symmetric:4", "layers.0": "symmetric:8"})
    assert bounds(again) == [(-0.2, 0.2)] * 3
    # Rules that make a layer float first lose nothing.
    first = qnn.apply_rules(model, {"*": None})
    assert bounds(qnn.apply_rules(first, {"*": "binary"})) == [(-0.2, 0.2)] * 3
    for path, layer in nn.surgery.layers(model).items():
        ours = nn.surgery.layers(again)[path]
        assert np.array_equal(ours.weight.array, layer.weight.array)
        assert ours.bias is layer.bias
    optimizer = qnn.optim.SGD(made.parameters(), lr=1.0)
    qnn.fit(made, (X, Y), epochs=3, optimizer=optimizer)
    weights = [np.abs(layer.weight.array).max() for layer in nn.surgery.layers(made).values()]
    assert weights[0] == weights[1] == np.float32(0.2)
    assert weights[2] > 0.2


def test_a_quantized_layer_keeps_its_bounds() -> None:
    model = qnn.MLP([6, 8, 8, 2], weight="binary", weight_bounds=(-1, 1), seed=0)
    assert bounds(model) == [(-1, 1), (-1, 1), None]
    made = qnn.apply_rules(model, {"*": "symmetric:2"})
    assert bounds(made) == [(-1, 1)] * 3
    assert made.layers[0].weight is model.layers[0].weight


def test_bounds_may_be_given_with_the_rules() -> None:
    model = qnn.Sequential(qnn.Linear(6, 8, seed=0), qnn.ReLU(), qnn.Linear(8, 2, seed=1))
    made = qnn.apply_rules(model, {"layers.0": "binary"}, weight_bounds=(-1, 1))
    assert bounds(made) == [(-1, 1), None]
    assert bounds(model) == [None, None]
    assert np.array_equal(made.layers[0].weight.array, model.layers[0].weight.array)
    with pytest.raises(ValueError, match=r"bounds must be \(low, high\) with low < high"):
        qnn.apply_rules(model, {"layers.0": "binary"}, weight_bounds=(1, -1))
