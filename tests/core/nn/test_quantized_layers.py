"""QParams in training and evaluation; codes and forward agree bit for bit."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import Tensor, nn
from qnn_core.errors import NonFiniteError, ShapeError, SpecError, StateError
from qnn_core.gemm import VALUES, operand_of, reference
from qnn_core.quantizer import codebook

SCALES = ["learned", "lsq", "pact", "calibrated", "fixed", "0.3"]
SPECS = [
    "uniform:3",
    "uniform:8",
    "symmetric:2",
    "symmetric:4,grid=even",
    "binary",
    "logarithmic:4",
]
X = np.random.default_rng(0).normal(size=(16, 5)).astype(np.float32)


def with_options(spec: str, **options: Any) -> str:
    name, _, rest = spec.partition(":")
    return f"{name}:" + ",".join(filter(None, [rest, *(f"{k}={v}" for k, v in options.items())]))


def train(layer: nn.Module, steps: int = 3) -> None:
    optimizer = qnn.optim.SGD(layer.parameters(), lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        (layer(X * (1 + step)) ** 2).mean().backward()
        optimizer.step()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("spec", SPECS)
def test_codes_are_what_forward_uses(spec: str, scale: str, axis: int | None, dtype: Any) -> None:
    layer = nn.QuantLinear(5, 3, weight=with_options(spec, scale=scale, axis=axis), seed=1)
    layer.astype(dtype)
    for _ in range(3):
        for mode in (True, False):
            layer.train(mode)
            used = layer.weight_quantizer(layer.weight).data
            coded = layer.coded()
            qparams = [
                f if f.ndim == 0 or axis != 0 else f[:, None] for f in (coded.scale, coded.shift)
            ]
            levels = codebook(layer.weight_quantizer.quantizer).levels.astype(dtype)
            np.testing.assert_array_equal(used, levels[layer.codes()] * qparams[0] + qparams[1])
            np.testing.assert_array_equal(used, coded.decode())
            np.testing.assert_array_equal(layer.scale, coded.scale)
            assert used.dtype == coded.decode().dtype == dtype
        train(layer.train(), steps=1)


def test_codes_of_a_float_weight() -> None:
    with pytest.raises(StateError, match="float, it has no codes"):
        nn.QuantLinear(3, 2, input="uniform:2").codes()


@pytest.mark.parametrize("axis", [None, 1, -1])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("spec", SPECS)
def test_evaluation_is_frozen(spec: str, scale: str, axis: int | None) -> None:
    layer = nn.Quantize(with_options(spec, scale=scale, axis=axis), channels=5)
    layer(X)
    layer.eval()
    before = layer.state_dict()
    whole = layer(X).data
    layer(X * 1000)
    alone = np.concatenate([layer(row[None]).data for row in X])
    np.testing.assert_array_equal(alone, whole)
    assert all(np.array_equal(before[n], a) for n, a in layer.state_dict().items())


@given(order=st.permutations(range(16)), size=st.integers(1, 16))
def test_a_prediction_does_not_depend_on_its_neighbours(order: list[int], size: int) -> None:
    layer = nn.Quantize("uniform:4,axis=1,scale=calibrated", channels=5)
    layer(X)
    layer.eval()
    chosen = order[:size]
    np.testing.assert_array_equal(layer(X[chosen]).data, layer(X).data[chosen])


@pytest.mark.parametrize("axis", [0, -2])
def test_a_qparams_per_sample_is_refused(axis: int) -> None:
    with pytest.raises(SpecError, match="is the batch"):
        nn.Quantize(f"uniform:2,axis={axis}", channels=3)(np.ones((3, 3)))


def test_channels_are_needed_and_must_fit() -> None:
    with pytest.raises(SpecError, match="channels= is needed"):
        nn.Quantize("uniform:2,axis=1")
    with pytest.raises(ShapeError, match=r"\(5,\) was fitted, \(4,\) is needed"):
        nn.Quantize("uniform:2,axis=1", channels=4)(X)


@pytest.mark.parametrize("scale", SCALES)
def test_evaluation_before_calibration(scale: str) -> None:
    if scale == "0.3":  # around zero, a given scale needs no data
        assert nn.Quantize("symmetric:2,scale=0.3").eval()([0.4]).item() == np.float32(0.3)
    layer = nn.Quantize(f"uniform:2,scale={scale}").eval()
    with pytest.raises(StateError, match="never fitted to data"):
        layer(X)


def test_a_given_scale_of_an_affine_grid_has_its_zero_point_fitted() -> None:
    layer = nn.QuantLinear(8, 2, weight="uniform:2,scale=0.3", seed=0)
    assert layer.scale == np.float32(0.3)
    assert layer.weight.data.min() < 0 < layer.weight.data.max()
    values = layer.coded().decode()
    assert values.min() < 0 < values.max()


def test_a_learned_scale_is_fitted_to_the_first_batch_and_then_trained() -> None:
    layer = nn.Quantize("symmetric:4,calibration=absmax")
    layer(X)
    np.testing.assert_allclose(layer.qparams().scale, np.abs(X).max() / 7, rtol=1e-6)
    layer(X * 100)
    np.testing.assert_allclose(layer.qparams().scale, np.abs(X).max() / 7, rtol=1e-6)
    before = layer.qparams().scale.copy()
    train(layer)
    assert layer.qparams().scale != before
    assert layer.qparams().scale > 0


def test_the_gradient_of_a_learned_scale_is_lsqs_times_the_scale() -> None:
    # It is the logarithm that is trained: d/dlog(s) = s * d/ds.
    layer = nn.Quantize("symmetric:3")
    layer(X)
    layer(X).sum().backward()
    scale = layer.qparams().scale
    u = X / scale
    codes = np.clip(np.rint(u), -3, 3)
    expected = scale * np.sum(codes - u * (np.abs(u) <= 3))
    np.testing.assert_allclose(layer.log_scale.grad.data, expected, rtol=1e-3)


def test_a_calibrated_qparams_is_a_running_average_of_the_range() -> None:
    layer = nn.Quantize("symmetric:4,scale=calibrated,calibration=absmax", momentum=0.25)
    layer([7.0])
    assert layer.qparams().scale == 1
    layer([-15.0])
    np.testing.assert_allclose(layer.qparams().scale, 0.75 * 1 + 0.25 * 15 / 7, rtol=1e-6)


def test_a_fixed_qparams_never_changes() -> None:
    for spec in ("uniform:4,scale=fixed", "uniform:4,scale=0.5"):
        layer = nn.Quantize(spec)
        layer(X)
        before = layer.state_dict()
        layer(X * 9)
        assert all(np.array_equal(before[n], a) for n, a in layer.state_dict().items())
        assert not list(layer.parameters())


def test_a_calibrated_weight_follows_the_weight() -> None:
    layer = nn.QuantLinear(4, 2, weight="binary:scale=calibrated", seed=0)
    layer.weight.data *= 3
    np.testing.assert_allclose(layer.scale, np.abs(layer.weight.data).mean(), rtol=1e-6)
    layer.eval()(np.ones((1, 4)))
    np.testing.assert_allclose(
        layer.weight_quantizer.qparams().scale, np.abs(layer.weight.data).mean(), rtol=1e-6
    )


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_inputs_are_refused(mode: bool, bad: float) -> None:
    layer = nn.QuantLinear(2, 2, weight="binary", input="uniform:2", seed=0)
    layer(np.ones((2, 2)))
    with pytest.raises(NonFiniteError, match=r"at index \(1, 0\)"):
        layer.train(mode)(np.array([[0, 0], [bad, 0]]))


def test_a_fixed_scale_that_float32_cannot_hold_is_refused_at_once() -> None:
    for scale in (1e-60, 1e60):
        with pytest.raises((SpecError, NonFiniteError)):
            nn.Quantize(f"uniform:2,scale={scale}")


def test_the_forward_of_a_quantized_layer() -> None:
    layer = nn.QuantLinear(5, 3, weight="symmetric:3", input="uniform:4", seed=0)
    layer(X)
    layer.eval()
    x, w = layer.input_quantizer(Tensor(X)).data, layer.coded().decode()
    np.testing.assert_allclose(layer(X).data, x @ w.T + layer.bias.data, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "hardtanh", "tanh", "sigmoid"])
@pytest.mark.parametrize("spec", [None, *SPECS, "logarithmic:8"])
def test_a_prediction_does_not_depend_on_the_batch(spec: str | None, activation: str) -> None:
    model = qnn.MLP(
        [70, 33, 5], weight=spec, input=spec, activation=activation, batch_norm=True, seed=0
    )
    x = np.random.default_rng(0).normal(size=(41, 70)).astype(np.float32)
    model(x)
    model.eval()
    whole = model(x).data
    alone = np.concatenate([model(row[None]).data for row in x])
    np.testing.assert_array_equal(alone, whole)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("spec", [None, *SPECS, "logarithmic:8"])
def test_evaluation_is_the_product_of_the_reference(spec: str | None, axis: int | None) -> None:
    weight = None if spec is None else with_options(spec, axis=axis)
    layer = nn.QuantLinear(70, 9, weight=weight, input="uniform:4", seed=0)
    x = np.random.default_rng(0).normal(size=(6, 70)).astype(np.float32)
    layer(x)
    layer.eval()
    inputs = layer.input_quantizer(x).quantized
    if layer.weight_quantizer is None:
        w, w_operand = layer.weight.data, VALUES
    else:
        quantized = layer.weight_quantizer(layer.weight).quantized
        w, w_operand = quantized.codes, operand_of(quantized, 0)
    expected = reference.product(
        inputs.codes, w, layer.bias.data, operand_of(inputs, None), w_operand
    )
    np.testing.assert_array_equal(layer(x).data, expected)
