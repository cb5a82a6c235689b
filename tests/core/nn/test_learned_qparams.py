"""Scales and shifts that are trained: LSQ, LSQ+ and PACT, by hand."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn, ops
from qnn_core.errors import SpecError

RNG = np.random.default_rng(0)


def layer_with(spec: str, scale: float, *, channels: int | None = None) -> nn.Quantize:
    """A layer with a scale that is known, and the zero point 0."""
    layer = nn.Quantize(spec, channels=channels)
    for parameter in (layer.log_scale, layer.step, layer.clip):
        if parameter is not None:
            top = layer.quantizer.levels[-1] if parameter is layer.clip else 1
            value = np.float32(scale * top)
            parameter.data[...] = np.log(value) if parameter is layer.log_scale else value
    layer.zero_point.data[...] = 0
    layer.calibrated.data[...] = 1
    return layer


def gradient(layer: nn.Quantize, x: Any, g: Any) -> None:
    layer(Tensor(x)).backward(np.float32(g))


def test_the_gradient_of_lsqs_step() -> None:
    # Levels -4..3, scale 0.5: u = -6, -0.8, 0.3 and 1.6, 3.2, 0; Q = 3, three elements a sample.
    layer = layer_with("symmetric:3,grid=twos-complement,scale=lsq", 0.5)
    x, g = [[-3, -0.4, 0.15], [0.8, 1.6, 0]], [[1, 2, 3], [4, 5, 6]]
    gradient(layer, x, g)
    scale_gradient = np.array([[-4, -1 + 0.8, 0 - 0.3], [2 - 1.6, 3, 0]])
    expected = np.sum(scale_gradient * g) / np.sqrt(3 * 3)
    np.testing.assert_allclose(layer.step.grad.data, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        ("scale=lsq", 1 / np.sqrt(6)),
        ("scale=lsq,gradient_scale=lsq", 1 / np.sqrt(6)),
        ("scale=lsq,gradient_scale=1", 1),
        ("scale=lsq,gradient_scale=0.25", 0.25),
        ("scale=learned", 0.5),
        ("scale=learned,gradient_scale=lsq", 0.5 / np.sqrt(6)),
    ],
)
def test_the_factor_on_the_gradient_is_an_argument(options: str, factor: float) -> None:
    # Of a logarithm the gradient is the scale's, times the scale 0.5. N * Q = 2 * 3.
    layer = layer_with(f"symmetric:3,{options}", 0.5)
    gradient(layer, [[5, 0.1]], [[1, 1]])
    parameter = layer.step if layer.log_scale is None else layer.log_scale
    np.testing.assert_allclose(parameter.grad.data, factor * (3 - 0.2), rtol=1e-5)


def test_the_elements_of_a_weight_count_and_those_of_a_channel() -> None:
    weight = qnn.Parameter(np.full((4, 5, 2), 9.0))
    for axis, elements in ((None, 40), (0, 10), (1, 8)):
        spec = f"symmetric:2,scale=lsq,axis={axis}"
        quantizer = nn.QuantizeWeight(spec, weight)
        quantizer.step.data[...] = 1
        quantizer(weight).sum().backward()
        expected = elements / np.sqrt(elements * 1)
        np.testing.assert_allclose(quantizer.step.grad.data, expected, rtol=1e-5)


def test_the_first_step_of_lsq() -> None:
    layer = nn.Quantize("uniform:2,scale=lsq,calibration=lsq")
    layer([[1.0, 3.0]])
    np.testing.assert_allclose(layer.step.data, 2 * 2 / np.sqrt(3), rtol=1e-6)


def test_the_gradient_of_pacts_clip() -> None:
    # Levels 0..3, clipped at 3 * 0.5: only 1.6 and 9 lie beyond.
    layer = layer_with("uniform:2,scale=pact", 0.5)
    x = Tensor([[-1, 0.2, 1.4, 1.6, 9]], requires_grad=True)
    layer(x).backward(np.float32([[1, 2, 4, 8, 16]]))
    np.testing.assert_allclose(layer.clip.grad.data, 8 + 16, rtol=1e-6)
    assert x.grad.data.tolist() == [[0, 2, 4, 0, 0]]


def test_pact_on_both_sides() -> None:
    layer = layer_with("symmetric:2,scale=pact", 0.5)
    gradient(layer, [[-7, -0.6, 0.3, 0.7]], [[1, 2, 4, 8]])
    assert layer.clip.grad.data == -1 - 2 + 8


def test_pact_with_a_zero_point() -> None:
    # Values -0.5, 0, 0.5, 1: both ends move with the clipping value, 3 scales.
    layer = layer_with("uniform:2,scale=pact", 0.5)
    layer.zero_point.data[...] = 1
    gradient(layer, [[-7, -0.2, 0.9, 3]], [[1, 2, 4, 8]])
    np.testing.assert_allclose(layer.clip.grad.data, (1 * -1 + 8 * 2) / 3, rtol=1e-6)


def test_weight_decay_is_on_pacts_clip_and_on_no_other() -> None:
    for spec, decay in (("scale=pact", True), ("scale=lsq", False), ("scale=learned", False)):
        (parameter,) = nn.Quantize(f"uniform:2,{spec}").parameters()
        assert parameter.decay is decay


def test_the_gradients_of_lsq_plus() -> None:
    # Levels 0..3, scale 0.5, shift -0.75: u = -0.5, 1.5, 2.3, 7 and codes 0, 2, 2, 3.
    layer = layer_with("uniform:2,scale=lsq,shift=learned", 0.5)
    layer.shift.data[...] = -0.75
    x, g = Tensor([[-1, 0, 0.4, 2.75]], requires_grad=True), np.float32([[1, 2, 4, 8]])
    y = layer(x)
    assert y.data.tolist() == [[-0.75, 0.25, 0.25, 0.75]]
    y.backward(g)
    factor = 1 / np.sqrt(4 * 3)
    np.testing.assert_allclose(layer.shift.grad.data, (1 + 8) * factor, rtol=1e-6)
    scale_gradient = 0 * 1 + (2 - 1.5) * 2 + (2 - 2.3) * 4 + 3 * 8
    np.testing.assert_allclose(layer.step.grad.data, scale_gradient * factor, rtol=1e-5)
    assert x.grad.data.tolist() == [[0, 2, 4, 0]]


def test_a_learned_shift_begins_where_the_zero_point_is() -> None:
    layer = nn.Quantize("uniform:2,scale=learned,shift=learned,calibration=absmax")
    layer([[-1.0, 2.0]])
    assert layer.qparams().scale == 1
    assert layer.shift.data == -1


def trained(model: nn.Module, x: np.ndarray, lr: float = 0.05, steps: int = 5) -> nn.Module:
    optimizer = qnn.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()
    return model


KINDS = ["scale=lsq", "scale=pact", "scale=lsq,shift=learned", "scale=learned,shift=learned"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_training_and_evaluation_give_the_same_bits(kind: str, dtype: Any) -> None:
    x = RNG.normal(size=(8, 6)).astype(dtype)
    layer = nn.Quantize(f"uniform:3,{kind}").astype(dtype)
    layer(Tensor(x, dtype))
    trained(layer, x)
    used = layer(Tensor(x, dtype)).data
    np.testing.assert_array_equal(layer.encode(x).decode(), used)
    np.testing.assert_array_equal(layer.eval()(Tensor(x, dtype)).data, used)
    assert used.dtype == dtype


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_packed_with_its_bits_and_its_state_saved(kind: str) -> None:
    x = RNG.normal(size=(12, 6)).astype(np.float32)

    def make() -> qnn.MLP:
        spec = {"weight": f"symmetric:3,{kind}", "input": f"uniform:3,{kind}"}
        return qnn.MLP([6, 9, 9, 4], **spec, batch_norm=True, seed=0)

    model = trained(make(), x)
    expected = model.eval()(Tensor(x)).data
    np.testing.assert_array_equal(qnn.pack(model, x[:3])(x), expected)
    other = make()
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.eval()(Tensor(x)).data, expected)


@pytest.mark.parametrize("kind", ["scale=lsq", "scale=pact"])
def test_a_scale_stays_above_zero_whatever_the_learning_rate(kind: str) -> None:
    x = RNG.normal(size=(8, 6)).astype(np.float32)
    layer = nn.Quantize(f"symmetric:3,{kind}")
    trained(layer, x, lr=1e4)
    assert layer.qparams().scale > 0
    assert np.all(np.isfinite(layer(Tensor(x)).data))


def test_a_learned_shift_leaves_the_integers_and_a_fitted_one_does_not() -> None:
    x = RNG.normal(size=(12, 6)).astype(np.float32)
    packed = {}
    for shift in ("fitted", "learned"):
        layer = nn.QuantLinear(6, 3, weight="symmetric:3", input=f"uniform:3,shift={shift}", seed=0)
        trained(layer, x)
        (row,) = [r for r in qnn.pack(layer.eval(), x).summary().rows if r.macs]
        packed[shift] = row.ops[-1].split("(")[1]
    # A table decodes codes to floats.
    assert packed["learned"] in ("table)", "float)")
    assert packed["fitted"] in ("planes)", "int8)", "int16)")


def test_scale_gradient_scales_the_gradient_alone() -> None:
    x = Tensor([1.0, -2.0], requires_grad=True)
    y = ops.scale_gradient(x, 0.25)
    assert y.data.tolist() == [1, -2]
    assert y.data is not x.data
    (dx,) = qnn.grad((y * y).sum(), x, create_graph=True)
    assert dx.data.tolist() == [0.5, -1]
    (second,) = qnn.grad(dx.sum(), x)
    assert second.data.tolist() == [2 * 0.25 * 0.25] * 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("uniform:2,scale=pact,shift=learned", "shift=learned needs scale=learned or scale=lsq"),
        ("uniform:2,scale=calibrated,shift=learned", "shift=learned needs"),
        ("uniform:2,shift=learnt", "shift must be one of fitted, learned.*did you mean 'learned'"),
        ("uniform:2,gradient_scale=0", "gradient_scale must be lsq or a number > 0, got 0"),
        ("uniform:2,gradient_scale=full", "gradient_scale must be lsq or a number > 0"),
        ("uniform:2,scale=fixed,gradient_scale=lsq", "for a scale that is trained .*not 'fixed'"),
        ("uniform:2,transform=tan", "transform must be one of .*did you mean 'tanh'"),
    ],
)
def test_options_that_have_no_meaning(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        qnn.get_quantizer(spec)
