"""Modules: what they hold, their state, their modes, their types."""

import copy
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Buffer, Parameter, Tensor, nn
from qnn_core.errors import ShapeError, SpecError, StateError

QUANTIZED = [
    {},
    {"weight": "binary", "weight_bounds": (-1, 1)},
    {"weight": "symmetric:3,axis=0", "input": "uniform:4,axis=1"},
    {"weight": "logarithmic:4,scale=calibrated", "input": "uniform:2,scale=calibrated"},
    {"weight": "symmetric:2,scale=fixed", "input": "uniform:3,scale=0.25"},
    {"input": "symmetric:4", "last_weight": "uniform:8", "last_input": "binary"},
    {"weight": "binary", "input": "binary", "first_input": "uniform:8,scale=fixed"},
]


def mlp(**options: Any) -> nn.MLP:
    return qnn.MLP([4, 6, 5, 3], seed=1, **options)


class Tree(nn.Module):
    def __init__(self) -> None:
        self.gain = Parameter([1.0])
        self.parts = [nn.Linear(2, 2, seed=0), (nn.ReLU(), "no module")]
        self.pair = (nn.BatchNorm(2), nn.Dropout(0.5))
        self.again = self.parts[0]

    def forward(self, x: Tensor) -> Tensor:
        return self.parts[0](x) * self.gain


def test_names() -> None:
    assert [n for n, _ in Tree().named_parameters()] == [
        "gain",
        "parts.0.weight",
        "parts.0.bias",
        "pair.0.weight",
        "pair.0.bias",
    ]
    assert [n for n, _ in Tree().named_buffers()] == [
        "pair.0.running_mean",
        "pair.0.running_variance",
        "pair.1.seed",
        "pair.1.batches",
    ]


def test_train_and_eval_reach_everything() -> None:
    model = Tree()
    assert all(m.training for _, m in model.named_modules())
    assert not any(m.training for _, m in model.eval().named_modules())
    assert all(m.training for _, m in model.train().named_modules())


def test_forward_must_be_defined() -> None:
    with pytest.raises(NotImplementedError, match="Module must define forward"):
        nn.Module()(np.zeros(2))


# State


@pytest.mark.parametrize("options", QUANTIZED)
def test_state_is_an_identity(options: dict) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    model = mlp(batch_norm=True, **options)
    model(x)  # calibrates
    twin = qnn.MLP([4, 6, 5, 3], seed=2, batch_norm=True, **options)
    twin.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(twin.eval()(x).data, model.eval()(x).data)


def test_state_is_a_copy() -> None:
    model = mlp()
    state = model.state_dict()
    state["layers.0.weight"][:] = 7
    assert not np.any(model[0].weight.data == 7)


def test_every_problem_is_listed_and_nothing_changed() -> None:
    model = mlp()
    state = {name: array + 1 for name, array in model.state_dict().items()}
    before = model.state_dict()
    del state["layers.0.bias"]
    state["layers.9.bias"] = np.zeros(1)
    state["layers.2.weight"] = np.zeros((1, 2), np.float32)
    state["layers.4.weight"] = state["layers.4.weight"].astype(np.float64)
    with pytest.raises(StateError) as caught:
        model.load_state_dict(state)
    for part in (
        "missing: layers.0.bias",
        "unknown: layers.9.bias",
        "layers.2.weight: float32 of shape (1, 2) given, float32 of shape (5, 6) needed",
        "layers.4.weight: float64 of shape (3, 5) given, float32",
    ):
        assert part in str(caught.value)
    assert all(np.array_equal(before[n], a) for n, a in model.state_dict().items())


def test_a_copy_of_a_model_is_independent() -> None:
    model = mlp(weight="symmetric:3")
    twin = copy.deepcopy(model)
    twin[0].weight.data[:] = 0
    assert np.any(model[0].weight.data)


# Types


@pytest.mark.parametrize("options", QUANTIZED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_whole_training_step_stays_in_its_dtype(options: dict, dtype: Any) -> None:
    model = mlp(batch_norm=True, dropout=0.1, **options).astype(dtype)
    seen = []
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.1)
    y = model(np.random.default_rng(0).normal(size=(8, 4)))
    loss = qnn.ops.softmax_cross_entropy(y, np.arange(8) % 3)
    loss.backward()
    optimizer.step()
    seen += [y.dtype, loss.dtype, model.eval()(np.zeros((2, 4))).dtype]
    seen += [p.grad.dtype for p in model.parameters()]
    seen += [p.dtype for p in model.parameters()]
    seen += [a.dtype for n, a in optimizer.state_dict().items() if n != "steps"]
    assert set(seen) == {np.dtype(dtype)}


def test_counting_dropout_batches_stays_exact_in_float32() -> None:
    layer = nn.Dropout(0.5).astype(np.float32)
    layer.batches.data[...] = 2**24
    masks = [layer(np.ones(64)).data.tolist() for _ in range(3)]
    assert masks[0] != masks[1] != masks[2] != masks[0]


# Models


@pytest.mark.parametrize("options", QUANTIZED)
def test_same_seed_same_weights_whatever_the_quantizers(options: dict) -> None:
    plain, quantized = (
        mlp(batch_norm=True, dropout=0.2),
        mlp(batch_norm=True, dropout=0.2, **options),
    )
    state = quantized.state_dict()
    for name, array in plain.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    seeds = [[m.seed for m in model if isinstance(m, nn.Dropout)] for model in (plain, quantized)]
    assert seeds[0] == seeds[1]


def test_other_seeds_other_weights() -> None:
    a, b = (nn.Linear(3, 2, seed=seed).weight.data for seed in (1, 2))
    assert np.all(a != b)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "hardtanh"])
def test_every_activation(activation: str) -> None:
    assert mlp(activation=activation)(np.ones((2, 4))).shape == (2, 3)


def test_layers_in_their_order() -> None:
    kinds = [type(m).__name__ for m in mlp(batch_norm=True, dropout=0.1, weight="binary")]
    hidden = ["QuantLinear", "BatchNorm", "ReLU", "Dropout"]
    assert kinds == [*hidden, *hidden, "Linear"]


def quantizers_of(model: nn.MLP) -> list[tuple[str, str]]:
    found = []
    for layer in model.layers:
        if isinstance(layer, nn.Linear):
            parts = (getattr(layer, f"{part}_quantizer", None) for part in ("weight", "input"))
            found.append(tuple("float" if p is None else p.describe() for p in parts))
    return found


def test_the_first_layer_is_as_the_others_unless_it_is_told() -> None:
    usual = {"weight": "symmetric:2", "input": "uniform:2"}
    w, x = "Symmetric(bits=2)", "Uniform(bits=2)"
    wide = "Uniform(bits=8, scale=fixed)"
    last = ("float", "float")
    assert quantizers_of(mlp(**usual)) == [(w, x), (w, x), last]
    told = mlp(**usual, first_input="uniform:8,scale=fixed")
    assert quantizers_of(told) == [(w, wide), (w, x), last]
    assert quantizers_of(mlp(**usual, first_weight=None)) == [("float", x), (w, x), last]
    assert quantizers_of(mlp(**usual, first_weight=None, first_input=None)) == [last, (w, x), last]
    assert quantizers_of(mlp(first_weight="symmetric:2")) == [(w, "float"), last, last]


def test_an_only_layer_is_the_last_and_else_the_first() -> None:
    model = qnn.MLP([4, 3], first_weight="binary", last_input="uniform:2", seed=0)
    assert quantizers_of(model) == [("Binary(bits=1)", "Uniform(bits=2)")]
    model = qnn.MLP([4, 3], first_weight="binary", last_weight="symmetric:3", seed=0)
    assert quantizers_of(model) == [("Symmetric(bits=3)", "float")]


def test_bias_can_be_left_out() -> None:
    assert [n for n, _ in mlp(bias=False).named_parameters()] == [
        f"layers.{n}.weight" for n in (0, 2, 4)
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: qnn.MLP([4]), ShapeError, r"input and an output, got \[4\]"),
        (lambda: qnn.MLP([4, 0]), ShapeError, "out_features must be .*, got 0"),
        (lambda: qnn.MLP([4, 2.0]), ShapeError, r"got 2\.0"),
        (lambda: mlp(activation="rlu"), SpecError, "did you mean 'relu'"),
        (lambda: mlp(weight="binry"), SpecError, "did you mean 'binary'"),
        (lambda: mlp(dropout=1.0), ValueError, "rate"),
        (lambda: mlp(weight="binary", weight_bounds=(1, -1)), ValueError, "bounds"),
        (lambda: nn.Sequential(nn.ReLU(), np.tanh), TypeError, "layer 1 is"),
        (lambda: nn.BatchNorm(2, momentum=0), ValueError, "momentum"),
        (lambda: nn.Quantize("uniform:2", momentum=2), ValueError, "momentum"),
        (lambda: nn.QuantLinear(3, 2, weight="binary:axis=2"), SpecError, r"axis 2 .*\(2, 3\)"),
    ],
)
def test_errors(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_sequential_and_flatten() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2, seed=0))
    assert model(np.ones((3, 2, 3))).shape == (3, 2)
    assert model(np.ones((0, 2, 3))).shape == (0, 2)
    assert len(model) == 2
    assert model[1].weight.shape == (2, 6)


def test_batch_norm_by_hand() -> None:
    layer = nn.BatchNorm(1, eps=0, momentum=0.5)
    y = layer(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(y.data, [[-1], [1]])
    np.testing.assert_allclose(layer.running_mean.data, [1])  # half of the mean, 2
    np.testing.assert_allclose(layer.running_variance.data, [1.5])  # of 1 and the unbiased 2
    np.testing.assert_allclose(layer.eval()([[2.5]]).data, [[1.5 / np.sqrt(1.5)]], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2), (0, 2), (2,)])
def test_batch_norm_needs_two_values(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="at least 2 values"):
        nn.BatchNorm(2)(np.ones(shape))


def test_dropout_masks_are_a_function_of_seed_and_batch() -> None:
    a, b = nn.Dropout(0.5, seed=3), nn.Dropout(0.5, seed=3)
    first, second = (a(np.ones(100)).data for _ in range(2))
    assert not np.array_equal(first, second)
    b.load_state_dict({"seed": np.array(3), "batches": np.array(1)})
    np.testing.assert_array_equal(b(np.ones(100)).data, second)
    np.testing.assert_array_equal(a.eval()(np.ones(100)).data, np.ones(100))


def test_buffers_are_not_parameters() -> None:
    assert not Buffer([1.0]).requires_grad


@pytest.mark.parametrize("optimizer", [qnn.optim.SGD, qnn.optim.Adam, qnn.optim.AdamW])
def test_latent_weights_stay_inside_their_bounds(optimizer: Any) -> None:
    layer = nn.QuantLinear(
        3, 2, weight="binary:ste=identity,scale=1", weight_bounds=(-0.5, 0.5), seed=0
    )
    training = optimizer(layer.parameters(), lr=10.0)
    for sign in (1, -1, -1, -1):
        (layer(np.ones((4, 3))) * sign).sum().backward()
        training.step()
        training.zero_grad()
        assert np.abs(layer.weight.data).max() <= 0.5
    assert layer.weight.data.tolist() == [[0.5] * 3] * 2


def test_parameters_and_modules_in_lists_and_dictionaries_are_found() -> None:
    class Held(nn.Module):
        def __init__(self) -> None:
            self.gains = [Parameter(1.0), Parameter(2.0)]
            self.layers = {"a": nn.Linear(2, 2, bias=False)}

    names = [name for name, _ in Held().named_parameters()]
    assert names == ["gains.0", "gains.1", "layers.a.weight"]


def test_two_dropouts_draw_masks_of_their_own() -> None:
    x = np.ones((1, 1000))
    assert not np.array_equal(nn.Dropout(0.5)(x).data, nn.Dropout(0.5)(x).data)
