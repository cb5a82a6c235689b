"""Post-training quantization: the structure, the qparams, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core import Tensor, nn
from qnn_core.errors import NonFiniteError, ShapeError, SpecError, StateError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype(np.float32)
IMAGES = RNG.random((6, 28, 28, 1)).astype(np.float32)
W4A4 = {"weight": "symmetric:4", "input": "uniform:4"}


def mlp(**options: Any) -> nn.Module:
    """A float net whose batch normalization has seen data."""
    model = qnn.MLP([6, 8, 8, 3], batch_norm=True, seed=0, **options)
    for _ in range(3):
        model(X)
    return model


class Branches(nn.Module):
    """Layers that run in another order than they are held in, one of them twice."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.head = nn.Linear(6, 2, seed=rng)
        self.branches = {"a": nn.Linear(6, 6, seed=rng), "b": nn.Linear(6, 6, seed=rng)}
        self.unused = nn.Linear(6, 6, seed=rng)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(2):
            x = self.branches["a"](x) * 2
        return self.head(x + self.branches["b"](x))


def test_a_quantized_copy_has_the_structure_of_one_that_was_made_so() -> None:
    model = mlp()
    before = model.state_dict()
    text = repr(model)
    quantized = qnn.quantize(model, **W4A4, calibration=X)
    assert repr(quantized) == repr(qnn.MLP([6, 8, 8, 3], batch_norm=True, **W4A4))
    assert list(quantized.state_dict()) == list(
        qnn.MLP([6, 8, 8, 3], batch_norm=True, **W4A4).state_dict()
    )
    assert not any(module.training for _, module in quantized.named_modules())
    assert repr(model) == text
    assert model.training
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
        np.testing.assert_array_equal(array, quantized.state_dict()[name])
    taken = {id(tensor) for tensor in model.parameters()}
    assert not any(id(tensor) in taken for tensor in quantized.parameters())


def test_many_bits_change_little_and_few_change_much() -> None:
    model = mlp().eval()
    exact = model(X).data
    ends = {"last_weight": "symmetric:{}", "last_input": "uniform:{}"}
    error = {}
    for bits in (8, 4, 2):
        specs = {"weight": "symmetric:{}", "input": "uniform:{}", **ends}
        told = {name: spec.format(bits) for name, spec in specs.items()}
        quantized = qnn.quantize(model, **told, calibration=X)
        error[bits] = np.abs(quantized(X).data - exact).max()
    assert error[8] < error[4] < error[2]
    assert error[8] < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("make", [qnn.LeNet, qnn.ResNet])
def test_convolutional_nets_are_quantized_packed_and_trained_on(make: Callable[..., Any]) -> None:
    model = make(seed=0)
    model(IMAGES)
    ends = {"first_weight": None, "first_input": None}
    quantized = qnn.quantize(model, **W4A4, **ends, calibration=IMAGES)
    assert repr(quantized) == repr(make(**W4A4))
    packed = qnn.pack(quantized, IMAGES)
    np.testing.assert_array_equal(packed(IMAGES), quantized(IMAGES).data)
    labels = np.arange(6) % 10
    before = quantized.state_dict()
    optimizer = qnn.optim.SGD(quantized.parameters(), lr=0.01)
    qnn.fit(quantized, [(IMAGES, labels)], epochs=1, optimizer=optimizer)
    changed = {n for n, a in quantized.state_dict().items() if not np.array_equal(a, before[n])}
    assert {n for n in before if n.endswith((".weight", "log_scale"))} <= changed


def test_strides_padding_and_groups_are_kept() -> None:
    layer = nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2, seed=0)
    images = RNG.normal(size=(2, 9, 9, 4)).astype(np.float32)
    quantized = qnn.quantize(
        layer, last_weight="uniform:8,axis=0", last_input="uniform:8,axis=-1", calibration=images
    )
    assert isinstance(quantized, qnn.QuantConv2d)
    assert quantized.describe() == layer.describe()
    np.testing.assert_allclose(quantized(images).data, layer(images).data, atol=0.05)


def test_a_qparams_is_that_of_what_enters_the_layer() -> None:
    model = nn.Sequential(nn.Linear(6, 5, seed=1), nn.ReLU(), nn.Linear(5, 2, seed=2))
    spec = "symmetric:3,calibration=absmax"
    quantized = qnn.quantize(model, input=spec, last_input=spec, calibration=X)
    first, _, second = quantized.layers
    assert first.input_quantizer.qparams().scale == pytest.approx(np.abs(X).max() / 3)
    # The second layer gets what the quantized first one gives.
    hidden = np.maximum(first(X).data, 0)
    assert second.input_quantizer.qparams().scale == pytest.approx(hidden.max() / 3)
    assert first.weight_quantizer is None


def test_a_layer_that_runs_twice_has_one_qparams_for_both() -> None:
    model = Branches()
    spec = "symmetric:8,calibration=absmax"
    layers = {"unused": None}
    quantized = qnn.quantize(model, input=spec, last_input=spec, layers=layers, calibration=X)
    a = model.branches["a"]
    second = a(X).data * 2
    assert np.abs(second).max() > np.abs(X).max()
    scale = quantized.branches["a"].input_quantizer.qparams().scale
    assert scale == pytest.approx(np.abs(second).max() / 127)


def test_first_and_last_are_those_that_run_first_and_last() -> None:
    quantized = qnn.quantize(
        Branches(),
        weight="symmetric:4",
        first_weight="symmetric:8",
        last_weight="symmetric:2",
        calibration=X,
    )
    assert quantized.branches["a"].weight_quantizer.quantizer.bits == 8
    assert quantized.branches["b"].weight_quantizer.quantizer.bits == 4
    assert quantized.unused.weight_quantizer.quantizer.bits == 4
    assert quantized.head.weight_quantizer.quantizer.bits == 2


class ThereAndBack(nn.Module):
    """A layer that runs first, and last again."""

    def __init__(self) -> None:
        self.a, self.b = (nn.Linear(6, 6, seed=seed) for seed in (0, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.a(self.b(self.a(x)))


def test_a_layer_that_runs_first_and_last_is_the_last() -> None:
    told = {"weight": "symmetric:4", "first_weight": "symmetric:8", "calibration": X}
    quantized = qnn.quantize(ThereAndBack(), **told)
    assert type(quantized.a) is nn.Linear
    assert quantized.b.weight_quantizer.quantizer.bits == 4
    quantized = qnn.quantize(ThereAndBack(), **told, last_weight="symmetric:2")
    assert quantized.a.weight_quantizer.quantizer.bits == 2


class TwoSizes(nn.Module):
    """A convolution that gets images of two sizes."""

    def __init__(self) -> None:
        self.conv = nn.Conv2d(3, 3, 3, padding=1, seed=0)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pool(self.conv(x)))


@pytest.mark.parametrize("axis", [-1, 3])
def test_channels_of_inputs_of_several_sizes_are_fitted_to_all_of_them(axis: int) -> None:
    images = RNG.normal(size=(4, 8, 8, 3)).astype(np.float32)
    model = TwoSizes()
    spec = f"symmetric:8,axis={axis},calibration=absmax"
    quantized = qnn.quantize(model, last_input=spec, calibration=[images, 9 * images[:, :4, :4]])
    seen = [x for given in (images, 9 * images[:, :4, :4]) for x in (given, _pooled(model, given))]
    greatest = [np.abs(x).max(axis=(0, 1, 2)) for x in seen]
    scale = quantized.conv.input_quantizer.qparams().scale
    np.testing.assert_allclose(scale, np.max(greatest, axis=0) / 127, rtol=1e-6)


def _pooled(model: TwoSizes, images: np.ndarray) -> np.ndarray:
    return np.asarray(model.pool(model.conv(images)).data)


def test_single_layers_may_be_told_apart() -> None:
    layers = {"layers.0": None, "layers.3": (None, "uniform:3"), "layers.6": ("binary", None)}
    quantized = qnn.quantize(mlp(), **W4A4, layers=layers, calibration=X)
    first, second, third = (quantized.layers[n] for n in (0, 3, 6))
    assert type(first) is nn.Linear
    assert second.weight_quantizer is None
    assert second.input_quantizer.quantizer.bits == 3
    assert third.weight_quantizer.quantizer == qnn.get_quantizer("binary")
    assert third.input_quantizer is None


def test_tied_weights_stay_tied() -> None:
    model = nn.Sequential(nn.Linear(6, 6, seed=0), nn.Linear(6, 6, seed=1))
    model.layers[1].weight = model.layers[0].weight
    quantized = qnn.quantize(model, weight="symmetric:4", last_weight="symmetric:4")
    assert quantized.layers[1].weight is quantized.layers[0].weight
    assert quantized.layers[1].weight is not model.layers[0].weight


@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, 39)), paired=st.booleans())
def test_it_does_not_matter_how_the_data_are_divided(cuts: set[int], paired: bool) -> None:
    parts = np.split(X, sorted(cuts))
    data: Any = [(x, np.zeros(len(x))) for x in parts] if paired else parts
    whole = qnn.quantize(mlp(), **W4A4, calibration=(X, np.zeros(40)) if paired else X)
    divided = qnn.quantize(mlp(), **W4A4, calibration=data)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(divided.state_dict()[name], array)


@pytest.mark.parametrize("scale", ["learned", "calibrated", "fixed", "0.5"])
def test_every_kind_of_scale_is_fitted(scale: str) -> None:
    quantized = qnn.quantize(
        mlp(), weight=f"uniform:4,scale={scale}", input=f"uniform:4,scale={scale}", calibration=X
    )
    packed = qnn.pack(quantized, X)
    np.testing.assert_array_equal(packed(X), quantized(X).data)


def test_doubles_stay_doubles() -> None:
    model = mlp().astype(np.float64)
    quantized = qnn.quantize(model, **W4A4, calibration=X)
    assert quantized(X).dtype == np.float64
    assert {tensor.dtype for tensor in quantized.parameters()} == {np.dtype(np.float64)}


def test_inputs_that_need_no_data_are_given_none() -> None:
    quantized = qnn.quantize(mlp(), weight="binary", input="binary:1,scale=1")
    assert np.all(np.isfinite(quantized(X).data))


class Own(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, SpecError, "nothing would be quantized.*'layers.6'"),
        ({"weight": "symetric:4"}, SpecError, "no quantizer 'symetric'; did you mean 'symmetric'"),
        (W4A4, StateError, "calibration= is needed.*layers.0.input_quantizer"),
        (W4A4 | {"calibration": []}, ShapeError, "the data gave no batch"),
        (W4A4 | {"calibration": 3}, ShapeError, "data must be an array of inputs, .* got a int"),
        (W4A4 | {"calibration": X[:0]}, ShapeError, r"data has inputs of shape \(0, 6\)"),
        (W4A4 | {"calibration": [X, "x"]}, ShapeError, "batch 1 must be an array"),
        (W4A4 | {"calibration": [X, (X, X, X, X)]}, ShapeError, "batch 1 .* a tuple of 4"),
        (
            W4A4 | {"calibration": [X, np.full((2, 6), np.nan)]},
            NonFiniteError,
            r"quantize: batch 1 holds nan at index \(0, 0\)",
        ),
        (
            W4A4 | {"layers": {"layers.4": None}},
            SpecError,
            r"no layer is called 'layers\.4'; .* \(layers: layers\.0, layers\.3, layers\.6\)",
        ),
        (W4A4 | {"layers": {"layers.0": 3}}, SpecError, "a pair .* got 3"),
        ({"input": "uniform:2,axis=0", "calibration": X}, SpecError, "axis 0 .* is the batch"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        qnn.quantize(mlp(), **arguments)


def test_models_that_cannot_be_quantized_are_refused() -> None:
    with pytest.raises(SpecError, match=r"quantize: the model must be a .*Module, got None"):
        qnn.quantize(None, weight="binary")
    with pytest.raises(SpecError, match=r"layers\.0\.weight_quantizer: quantized already"):
        qnn.quantize(qnn.MLP([2, 3, 2], weight="binary"), weight="binary")
    with pytest.raises(SpecError, match="no Linear and no Conv2d in the Sequential"):
        qnn.quantize(nn.Sequential(nn.ReLU()), weight="binary")
    with pytest.raises(SpecError, match=r"'layers.0' is a Own, whose forward .*'layers.0': None"):
        qnn.quantize(nn.Sequential(Own(6, 2), nn.Linear(2, 2)), weight="binary")
    with pytest.raises(SpecError, match="channels of an input are on axis -1"):
        qnn.quantize(nn.Conv2d(1, 2, 1), last_input="uniform:2,axis=1", calibration=IMAGES)
    with pytest.raises(TypeError, match="QuantLinear: cannot be made from a Conv2d"):
        qnn.QuantLinear.from_float(nn.Conv2d(2, 2, 1))


def test_a_layer_that_the_data_never_run_is_named() -> None:
    with pytest.raises(StateError, match=r"never run 'unused'.*layers=\{'unused': None\}"):
        qnn.quantize(Branches(), **W4A4, last_input="uniform:4", calibration=X)


def test_values_that_leave_the_numbers_are_laid_to_their_layer() -> None:
    model = nn.Sequential(nn.Linear(6, 3, seed=0), nn.Linear(3, 2, seed=0))
    model.layers[0].weight.data[:] = np.finfo(np.float32).max
    with pytest.raises(NonFiniteError, match=r"the input of 'layers\.1'"):
        qnn.quantize(model, last_input="uniform:4", calibration=np.abs(X) + 1)
