"""Bias correction: means come back, layer by layer, and nothing else changes."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn
from qnn_core.errors import SpecError

RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(300, 6))).astype(np.float32)
IMAGES = RNG.random((12, 28, 28, 1)).astype(np.float32)


def means(model: nn.Module, x: Any) -> list[Any]:
    """Return the mean outputs of the layers, by channel."""
    found: list[Any] = []

    class Seen(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            self.layer = layer

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            y: qnn.Tensor = self.layer(x)
            found.append(y.array.reshape(-1, y.shape[-1]).mean(axis=0, dtype=np.float64))
            return y

    layers = nn.surgery.layers(model)
    nn.surgery.exchange(model, {path: Seen(layer) for path, layer in layers.items()}).eval()(x)
    return found


@pytest.mark.parametrize("build", [lambda: qnn.MLP([6, 24, 24, 3], seed=0), qnn.LeNet])
def test_every_mean_comes_back(build: Any) -> None:
    trained = build()
    x = IMAGES if isinstance(trained, qnn.LeNet) else X
    model = qnn.quantize(trained, weight="symmetric:2", input="uniform:3", calibration=x)
    before = model.state_dict()
    wanted, shifted = means(trained, x), means(model, x)
    changed = qnn.correct_biases(model, trained, x)
    quantized = [path for path, layer in nn.surgery.layers(model).items() if path in changed]
    assert quantized == changed
    assert changed
    for path, want, had, got in zip(
        nn.surgery.layers(model), wanted, shifted, means(model, x), strict=True
    ):
        if path in changed:
            assert np.allclose(got, want, atol=1e-4)
            assert np.abs(had - want).max() > 1e-3
    after = model.state_dict()
    others = [name for name in after if name.removesuffix(".bias") not in changed]
    assert all(np.array_equal(before[name], after[name]) for name in others)


def test_layers_without_a_bias_and_float_ones_stay() -> None:
    trained = qnn.MLP([6, 8, 3], bias=False, seed=0)
    model = qnn.quantize(trained, weight="symmetric:2")
    assert qnn.correct_biases(model, trained, X) == []
    assert qnn.correct_biases(trained, trained, X) == []


def test_another_net_is_refused() -> None:
    model = qnn.quantize(qnn.MLP([6, 8, 8, 3], seed=0), weight="symmetric:2")
    with pytest.raises(SpecError, match=r"the trained net has no layer 'layers\.2'"):
        qnn.correct_biases(model, qnn.Sequential(qnn.Linear(6, 8, seed=0)), X)
