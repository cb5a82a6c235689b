"""Weights of PyTorch in nets that are built here: against onnxruntime and against NumPy by hand."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import qnn_core as qnn
from numpy.typing import NDArray
from onnx import numpy_helper
from qnn_core.errors import FileError, StateError
from qnn_core.nn import LeakyReLU, ResidualBlock, Tanh
from safetensors.numpy import save_file

Array = NDArray[Any]
NETS = Path(__file__).parents[2] / "nets"


def state_of(name: str) -> dict[str, Array]:
    """Return what PyTorch called `state_dict()` before it wrote a file."""
    graph = onnx.load(NETS / f"{name}.onnx").graph
    return {item.name: numpy_helper.to_array(item) for item in graph.initializer}


def answers(name: str, inputs: Array) -> Any:
    session = onnxruntime.InferenceSession(NETS / f"{name}.onnx")
    return session.run(None, {"input": inputs})[0]


def channels_last(x: Array) -> Array:
    return np.moveaxis(x, 1, -1)


def numbers(*shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def lenet() -> qnn.Sequential:
    return qnn.Sequential(
        qnn.Conv2d(1, 4, 5, padding=2),
        qnn.ReLU(),
        qnn.MaxPool2d(2),
        qnn.Conv2d(4, 8, 5),
        qnn.ReLU(),
        qnn.MaxPool2d(2),
        qnn.Flatten(),
        qnn.Linear(200, 30),
        qnn.ReLU(),
        qnn.Linear(30, 20),
        qnn.ReLU(),
        qnn.Linear(20, 10),
    )


def resnet8() -> qnn.Sequential:
    return qnn.Sequential(
        qnn.Conv2d(3, 4, 3, padding=1, bias=False),
        qnn.BatchNorm(4),
        qnn.ReLU(),
        ResidualBlock(4, 4),
        ResidualBlock(4, 8, stride=2),
        ResidualBlock(8, 16, stride=2),
        qnn.GlobalAvgPool2d(),
        qnn.Linear(16, 10),
    )


def conv1d() -> qnn.Sequential:
    return qnn.Sequential(
        qnn.Conv1d(3, 8, 7, stride=2, padding=3, bias=False),
        qnn.BatchNorm(8),
        qnn.ReLU(),
        qnn.Conv1d(8, 12, 3, padding=2, dilation=2, groups=4),
        qnn.BatchNorm(12),
        LeakyReLU(0.05),
        qnn.MaxPool1d(3, stride=2, padding=1),
        qnn.Conv1d(12, 12, 5, padding="same", groups=12),
        qnn.ReLU(),
        qnn.AvgPool1d(2),
        qnn.Conv1d(12, 16, 1),
        qnn.ReLU(),
        qnn.GlobalAvgPool1d(),
        qnn.Linear(16, 5),
    )


class Autoencoder(qnn.Module):
    """Attributes as in the net of PyTorch, in another order."""

    def __init__(self) -> None:
        self.decoder = qnn.Sequential(
            qnn.Linear(6, 24), Tanh(), qnn.Linear(24, 64), qnn.nn.Sigmoid(), qnn.Reshape(8, 8, 1)
        )
        self.encoder = qnn.Sequential(qnn.Linear(64, 24), Tanh(), qnn.Linear(24, 6), Tanh())
        self.flat = qnn.Flatten()

    def forward(self, x: qnn.Tensor) -> Any:
        return self.decoder(self.encoder(self.flat(x)))


@pytest.mark.parametrize(
    ("name", "build", "shape"),
    [
        ("lenet-script-11", lenet, (1, 28, 28)),
        ("resnet8-script-13-bn", resnet8, (3, 32, 32)),
        ("conv1d-script-13-bn", conv1d, (3, 64)),
        ("autoencoder-script-11", Autoencoder, (1, 8, 8)),
    ],
)
def test_outputs_are_those_of_the_net_that_had_the_weights(
    name: str, build: Callable[[], qnn.Module], shape: tuple[int, ...]
) -> None:
    model, x = build(), numbers(3, *shape)
    state = state_of(name)
    table = qnn.load_torch_state(model, state, example=channels_last(x))
    assert table.keys() == state.keys()
    expected = answers(name, x)
    got = model.eval()(channels_last(x)).data
    if got.ndim == 4:
        expected = channels_last(expected)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_file_of_safetensors_will_do(tmp_path: Path) -> None:
    model, x = lenet(), numbers(2, 1, 28, 28)
    save_file(state_of("lenet-script-11"), tmp_path / "net.safetensors")
    qnn.load_torch_state(model, tmp_path / "net.safetensors", example=channels_last(x))
    expected = answers("lenet-script-11", x)
    np.testing.assert_allclose(model(channels_last(x)).data, expected, atol=1e-5)


def test_a_file_has_no_order_and_what_is_alike_needs_names(tmp_path: Path) -> None:
    state, path = state_of("resnet8-script-13-bn"), tmp_path / "net.safetensors"
    save_file(state, path)
    model = resnet8()
    before = model.state_dict()
    with pytest.raises(StateError, match=r"bn1 and layers\.0\.bn1 .* alike.*give names="):
        qnn.load_torch_state(model, path)
    assert_state(model, before)
    table = qnn.load_torch_state(model, state)
    again = resnet8()
    assert qnn.load_torch_state(again, path, names=table) == table
    assert_state(again, model.state_dict())


def test_names_that_differ_in_numbers_have_an_order(tmp_path: Path) -> None:
    widths = range(12)
    state = {f"blocks.{n}.weight": np.full((3, 3), n, np.float32) for n in widths}
    save_file(state, tmp_path / "net.safetensors")
    model = qnn.Sequential(*(qnn.Linear(3, 3, bias=False) for _ in widths))
    qnn.load_torch_state(model, tmp_path / "net.safetensors")
    assert [layer.weight.array[0, 0] for layer in model.layers] == list(widths)


def test_a_dictionary_that_lost_its_order_is_noticed() -> None:
    numbered = {f"{n}.weight": np.full((2, 2), n) for n in (3, 0, 2, 1)}
    model = qnn.Sequential(*(qnn.Linear(2, 2, bias=False) for _ in range(4)))
    qnn.load_torch_state(model, numbered)
    assert [layer.weight.array[0, 0] for layer in model.layers] == [0, 1, 2, 3]
    named = {f"{name}.weight": numbers(2, 2) for name in ("in", "mid", "more", "out")}
    with pytest.raises(StateError, match=r"in and mid and more and out fit .* alike"):
        qnn.load_torch_state(model, named)  # sorted, as by who read it from a file


def test_a_net_that_begins_with_reshape_needs_no_example() -> None:
    rng = np.random.default_rng(3)
    model = qnn.LeNet(shape=(16, 20, 3), channels=(4, 6), hidden=5, classes=3, seed=0)
    shapes = [(4, 3, 5, 5), (4,), (6, 4, 5, 5), (6,), (5, 12), (5,), (3, 5), (3,)]
    names = ["conv1", "conv2", "fc1", "fc2"]
    state = {
        f"{name}.{leaf}": rng.normal(size=shapes.pop(0)).astype(np.float32)
        for name in names
        for leaf in ("weight", "bias")
    }
    qnn.load_torch_state(model, state)
    ours: Any = model.layers[-3]
    theirs = state["fc1.weight"].reshape(5, 6, 1, 2).transpose(0, 2, 3, 1).reshape(5, 12)
    np.testing.assert_array_equal(ours.weight.array, theirs)


def test_a_chain_of_layers_tells_what_is_flat_without_an_example() -> None:
    model, again = lenet(), lenet()
    state = state_of("lenet-script-11")
    qnn.load_torch_state(model, state, example=numbers(1, 28, 28, 1))
    qnn.load_torch_state(again, state)
    assert_state(again, model.state_dict())


def test_a_forward_by_hand_takes_an_example() -> None:
    class Mine(qnn.Sequential):
        def forward(self, x: qnn.Tensor) -> Any:
            return super().forward(x)

    model = Mine(*lenet())
    before = model.state_dict()
    message = r"layers\.7 takes 200 features: .* images of 4 or 8 channels, .*; give example="
    with pytest.raises(StateError, match=message):
        qnn.load_torch_state(model, state_of("lenet-script-11"))
    assert_state(model, before)


def test_pools_without_convolutions_take_an_example() -> None:
    model = qnn.Sequential(qnn.AvgPool2d(2), qnn.Flatten(), qnn.Linear(12, 2, bias=False))
    with pytest.raises(StateError, match=r"takes 12 features: .* flattened images, .*example="):
        qnn.load_torch_state(model, {"2.weight": numbers(2, 12)})


@pytest.mark.parametrize("flatten", [qnn.Flatten(), qnn.nn.Reshape(-1), qnn.nn.Reshape(12)])
@pytest.mark.parametrize("between", [[], [qnn.ReLU()], [qnn.BatchNorm(12)]])
def test_what_is_flattened_as_it_was_given_takes_an_example(flatten: Any, between: Any) -> None:
    model = qnn.Sequential(flatten, *between, qnn.Linear(12, 2, bias=False))
    weight = numbers(2, 12)
    state = {f"{1 + len(between)}.weight": weight}
    if between and isinstance(between[0], qnn.BatchNorm):
        state = {"1.running_mean": np.zeros(12), "1.running_var": np.ones(12), **state}
    with pytest.raises(StateError, match=r" 12 features: .* flattened images, .*example="):
        qnn.load_torch_state(model, state)
    qnn.load_torch_state(model, state, example=numbers(1, 2, 2, 3))
    ours = weight.reshape(2, 3, 2, 2).transpose(0, 2, 3, 1).reshape(2, 12)
    np.testing.assert_array_equal(model.layers[-1].weight.array, ours)


def test_an_imported_net_knows_its_input() -> None:
    model = qnn.from_onnx(NETS / "lenet-script-11.onnx")
    before, state = model.state_dict(), state_of("lenet-script-11")
    qnn.load_torch_state(model, {name: 2 * array for name, array in state.items()})
    assert_state(model, {name: 2 * array for name, array in before.items()})


def test_normalization_of_flat_images_is_in_their_order_too() -> None:
    model = qnn.Sequential(qnn.Flatten(), qnn.BatchNorm(12), qnn.ReLU(), qnn.Linear(12, 2))
    mean, weight = numbers(12), numbers(2, 12)
    state = {
        "0.running_mean": mean,
        "0.running_var": np.ones(12),
        "0.num_batches_tracked": np.array(7),
        "1.weight": weight,
        "1.bias": np.zeros(2),
    }
    x = numbers(5, 3, 2, 2)
    qnn.load_torch_state(model, state, example=channels_last(x))
    expected = np.maximum((x.reshape(5, 12) - mean) / np.sqrt(1 + 1e-5), 0) @ weight.T
    np.testing.assert_allclose(model.eval()(channels_last(x)).data, expected, atol=1e-5)


def test_features_that_become_images_are_put_in_order() -> None:
    model = qnn.Sequential(
        qnn.Linear(3, 12), qnn.BatchNorm(12), Tanh(), qnn.Reshape(3, 2, 2), qnn.Conv2d(2, 1, 1)
    )
    state = {
        "fc.weight": numbers(12, 3),
        "fc.bias": numbers(12),
        "norm.weight": numbers(12) + 2,
        "norm.bias": numbers(12),
        "norm.running_mean": numbers(12),
        "norm.running_var": np.abs(numbers(12)),
        "conv.weight": numbers(1, 2, 1, 1),
        "conv.bias": np.zeros(1),
    }
    x = numbers(4, 3)
    qnn.load_torch_state(model, state, example=x)
    flat = x @ state["fc.weight"].T + state["fc.bias"] - state["norm.running_mean"]
    flat = flat / np.sqrt(state["norm.running_var"] + 1e-5) * state["norm.weight"]
    images = np.tanh(flat + state["norm.bias"]).reshape(4, 2, 3, 2)
    expected = np.einsum("nchw,oc->nhwo", images, state["conv.weight"][:, :, 0, 0])
    np.testing.assert_allclose(model.eval()(x).data, expected, atol=1e-5)


def test_features_that_were_flat_already_stay_as_they_are() -> None:
    model = qnn.Sequential(qnn.Flatten(), qnn.Linear(12, 2, bias=False))
    for example in (numbers(1, 12), numbers(1, 4, 3)):
        weight = numbers(2, 12)
        qnn.load_torch_state(model, {"fc.weight": weight}, example=example)
        np.testing.assert_array_equal(model.layers[1].weight.array, weight)


def test_flat_images_that_are_rearranged_are_refused() -> None:
    class Twice(qnn.Module):
        def __init__(self) -> None:
            self.fc = qnn.Linear(24, 2, bias=False)

        def forward(self, x: qnn.Tensor) -> Any:
            flat = x.reshape((len(x), -1))
            return self.fc(qnn.ops.concatenate([flat, flat], 1)[:, ::-1])

    model = Twice()
    before = model.state_dict()
    with pytest.raises(StateError, match=r"fc: it is not known in which order .* enters linear"):
        qnn.load_torch_state(model, {"fc.weight": numbers(2, 24)}, example=numbers(1, 2, 2, 3))
    assert_state(model, before)


def test_images_of_features_that_nobody_knows_are_refused() -> None:
    class Halves(qnn.Module):
        def __init__(self) -> None:
            self.one, self.other = qnn.Linear(2, 6, bias=False), qnn.Linear(2, 6, bias=False)

        def forward(self, x: qnn.Tensor) -> Any:
            both = qnn.ops.concatenate([self.one(x), self.other(x)], 1)
            return both.reshape((len(x), 2, 2, 3))

    state = {"one.weight": numbers(6, 2), "other.weight": numbers(6, 2)}
    with pytest.raises(StateError, match="not known what makes the features that become images"):
        qnn.load_torch_state(Halves(), state, example=numbers(1, 2))


def test_an_imported_net_inside_has_images_in_its_own_order() -> None:
    net = qnn.from_onnx(NETS / "lenet-script-11.onnx")
    before = net.state_dict()
    model = qnn.Sequential(net, qnn.Linear(10, 2, bias=False))
    theirs = state_of("lenet-script-11") | {"last.weight": numbers(2, 10)}
    qnn.load_torch_state(model, theirs)
    assert_state(net, before)


def test_a_layer_in_two_places_is_in_one_order() -> None:
    both = qnn.Linear(12, 12, bias=False)
    model = qnn.Sequential(qnn.Conv2d(1, 3, 1, bias=False), qnn.Flatten(), both, both)
    state = {"0.weight": numbers(3, 1, 1, 1), "2.weight": numbers(12, 12)}
    with pytest.raises(StateError, match=r"takes 12 features: .* give example="):
        qnn.load_torch_state(model, state)
    with pytest.raises(StateError, match=r"layers\.2\.weight is used for flat images of two"):
        qnn.load_torch_state(model, state, example=numbers(1, 2, 2, 1))


def test_images_may_be_moved_to_their_order_and_back() -> None:
    class Theirs(qnn.Module):
        def __init__(self) -> None:
            self.conv = qnn.Conv2d(2, 3, 1)
            self.fc = qnn.Linear(12, 2)

        def forward(self, x: qnn.Tensor) -> Any:
            y = self.conv(x).transpose((0, 3, 1, 2))
            return self.fc(y.reshape((len(x), -1)))

    state = {
        "conv.weight": numbers(3, 2, 1, 1),
        "conv.bias": numbers(3),
        "fc.weight": numbers(2, 12),
        "fc.bias": numbers(2),
    }
    model = Theirs()
    qnn.load_torch_state(model, state, example=numbers(1, 2, 2, 2))
    np.testing.assert_array_equal(model.fc.weight.array, state["fc.weight"])


def test_quantized_layers_take_latent_weights_and_fit_their_scales() -> None:
    state = {"0.weight": numbers(4, 3, 3, 3), "0.bias": numbers(4)}
    options: dict[str, Any] = {"weight": "symmetric:4", "input": "uniform:4"}
    model = qnn.Sequential(qnn.QuantConv2d(3, 4, 3, **options), qnn.ReLU(), qnn.Dropout(0.5))
    layer: Any = model[0]
    model.train()(numbers(2, 6, 6, 3))
    assert layer.input_quantizer.calibrated.array
    qnn.load_torch_state(model, state)
    reference = qnn.Sequential(qnn.Conv2d(3, 4, 3))
    qnn.load_torch_state(reference, state)
    fresh: Any = qnn.QuantConv2d.from_float(reference[0], **options)  # type: ignore[arg-type] # of any class
    np.testing.assert_array_equal(layer.codes(), fresh.codes())
    assert layer.scale == fresh.scale
    assert not layer.input_quantizer.calibrated.array


LINEAR = {
    "a.weight": numbers(3, 2),
    "a.bias": numbers(3),
    "b.weight": numbers(3, 3),
    "b.bias": numbers(3),
    "head.weight": numbers(7, 3),
}
TABLE = {
    "a.weight": "layers.0.weight",
    "a.bias": "layers.0.bias",
    "b.weight": "layers.2.weight",
    "b.bias": "layers.2.bias",
}


def two() -> qnn.Sequential:
    return qnn.Sequential(qnn.Linear(2, 3, seed=0), qnn.ReLU(), qnn.Linear(3, 3, seed=1))


@pytest.mark.parametrize(
    "names",
    [
        {"head": None},
        {"head": None, "a": "layers.0"},
        {"head": None, "b": "2", "a.bias": "0.bias", "a.weight": "layers.0.weight"},
        TABLE | {"head.weight": None},
        TABLE.get,
    ],
)
def test_names_of_tensors_and_modules_or_a_function(names: Any) -> None:
    model = two()
    assert qnn.load_torch_state(model, LINEAR, names=names) == TABLE
    loaded = model.state_dict()
    for theirs, ours in TABLE.items():
        np.testing.assert_array_equal(loaded[ours], LINEAR[theirs])


def test_what_does_not_fit_is_listed_at_once_and_nothing_is_changed() -> None:
    state = LINEAR | {"b.weight": numbers(3, 4), "a.bias": np.array([1, np.nan, 2])}
    model = two()
    before = model.state_dict()
    names = {"a": "layers.0", "c": "layers.2", "head": "layers.1"}
    with pytest.raises(StateError) as caught:
        qnn.load_torch_state(model, state, names=names)
    lines = str(caught.value).split("\n  ")
    assert lines[0].startswith("load_torch_state: the state does not fit this Sequential")
    assert "names: the state has no c" in str(caught.value)
    assert "names: head.weight is to be layers.1.weight, which the model has not" in "\n".join(
        lines
    )
    assert any(line.startswith("a.bias does not fit layers.0.bias: it holds NaN") for line in lines)
    assert any(
        line.startswith("b.weight does not fit layers.2.weight: it has shape (3, 4); (3, 3)")
        for line in lines
    )
    assert_state(model, before)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "the state has nothing for layers.0.weight of shape (3, 2)"),
        (LINEAR, "the model has no place for head.weight of shape (7, 3)"),
        (
            {n: a for n, a in LINEAR.items() if n not in ("head.weight", "b.bias")},
            "the state has nothing for layers.2.bias of shape (3,) beside b.weight",
        ),
        (
            {n: a for n, a in LINEAR.items() if n != "head.weight"} | {"a.gain": np.ones(3)},
            "layers.0 (Linear) has no gain for a.gain",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_named(state: dict[str, Array], message: str) -> None:
    model = two()
    before = model.state_dict()
    with pytest.raises(StateError) as caught:
        qnn.load_torch_state(model, state)
    assert message in str(caught.value)
    assert_state(model, before)


def test_a_name_that_says_otherwise_than_the_order_is_noticed() -> None:
    class Two(qnn.Module):
        def __init__(self) -> None:
            self.mid, self.out = (qnn.Linear(3, 3, bias=False) for _ in range(2))

    state = {"start.weight": numbers(3, 3), "mid.weight": numbers(3, 3)}
    with pytest.raises(StateError, match="mid fits mid by its name, and out by the order"):
        qnn.load_torch_state(Two(), state)
    told = {"start": "mid", "mid": "out"}
    assert qnn.load_torch_state(Two(), state, names=told)["mid.weight"] == "out.weight"


def test_what_is_no_name_and_no_variance_is_refused() -> None:
    model = qnn.Sequential(qnn.BatchNorm(2))
    state = {"0.running_mean": np.zeros(2), "0.running_var": np.array([1.0, -1.0])}
    with pytest.raises(StateError, match="a variance below 0"):
        qnn.load_torch_state(model, state)
    wrong: Any
    for wrong in (lambda name: 5, {"0": 5}):
        with pytest.raises(StateError, match="running_mean is to be 5, which is no name"):
            qnn.load_torch_state(model, state, names=wrong)


def test_two_names_for_one_place_are_refused() -> None:
    names = {"a.weight": "0.weight", "b.weight": "layers.0.weight"}
    with pytest.raises(
        StateError, match=r"a\.weight and b\.weight are all to be layers\.0\.weight"
    ):
        qnn.load_torch_state(two(), LINEAR, names=names)


def test_shapes_of_convolutions_are_said_in_both_layouts() -> None:
    model = qnn.Sequential(qnn.Conv2d(3, 4, 5))
    state = {"0.weight": numbers(4, 3, 3, 3), "0.bias": numbers(4)}
    with pytest.raises(StateError, match=r"\(4, 3, 3, 3\).*\(4, 5, 5, 3\) is needed"):
        qnn.load_torch_state(model, state)
    with pytest.raises(StateError, match="a convolution's weight has 3 or 4 axes"):
        qnn.load_torch_state(model, state | {"0.weight": numbers(4, 3)})
    large = np.full((4, 3, 5, 5), 1e300)
    with pytest.raises(StateError, match="numbers that float32 does not hold"):
        qnn.load_torch_state(model, state | {"0.weight": large})


@pytest.mark.parametrize(
    "wrapped",
    [
        {f"module.{name}": array for name, array in LINEAR.items()},
        {"epoch": 3, "state_dict": LINEAR},
        {"model": {f"_orig_mod.{name}": array for name, array in LINEAR.items()}, "step": 1},
    ],
)
def test_wrappers_and_checkpoints_are_opened(wrapped: dict[str, Any]) -> None:
    assert qnn.load_torch_state(two(), wrapped, names={"head": None}) == TABLE


def test_of_many_that_do_not_fit_the_first_are_listed() -> None:
    model = qnn.Sequential(*(qnn.Linear(3, 3, seed=0) for _ in range(60)))
    state = {f"blocks.{n}.weight": numbers(n + 4, 5) for n in range(61)}
    with pytest.raises(StateError) as caught:
        qnn.load_torch_state(model, state)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + 2 * 6
    assert lines[6] == "  ... and 56 more that the model has no place for"
    assert lines[-1] == "  ... and 115 more that the state has nothing for"
    with pytest.raises(StateError, match=r"\.\.\. and 55 more that do not fit$"):
        qnn.load_torch_state(model, {f"{n}.weight": np.ones((2, 2)) for n in range(60)})
    alike = {f"{chr(97 + n % 26)}{chr(97 + n // 26)}.weight": np.ones((3, 3)) for n in range(60)}
    model = qnn.Sequential(*(qnn.Linear(3, 3, bias=False, seed=0) for _ in range(60)))
    with pytest.raises(StateError, match="give names=") as caught:
        qnn.load_torch_state(model, dict(sorted(alike.items())))
    assert len(str(caught.value)) < 400
    names = {f"block.{n}": f"layers.{n}" for n in range(60)}
    hint = r"no block\.0; did you mean 'blocks\.0'\?(\n.*){5} 55 more names like these\n"
    with pytest.raises(StateError, match=hint):
        qnn.load_torch_state(model, state, names=names)


@pytest.mark.parametrize("inside", ["state_dict", "model", "weights"])
def test_a_state_is_found_beside_tensors_and_others(inside: str) -> None:
    checkpoint = {"optimizer": {"state": {}}, "ema": {}, inside: LINEAR, "best": np.array(0.9)}
    assert qnn.load_torch_state(two(), checkpoint, names={"head": None}) == TABLE


def test_of_several_states_none_is_chosen() -> None:
    for first, second in (("state_dict", "model"), ("encoder", "decoder")):
        with pytest.raises(StateError, match=f"several states in it, {first} and {second}: give"):
            qnn.load_torch_state(two(), {first: LINEAR, second: LINEAR})


@pytest.mark.parametrize(
    ("dtype", "written"),
    [("F64", "<f8"), ("F16", "<f2"), ("I8", "i1"), ("U8", "u1"), ("I64", "<i8"), ("BF16", "<f4")],
)
def test_files_of_every_precision(dtype: str, written: str, tmp_path: Path) -> None:
    wanted = np.array([[1, 2], [3, 0], [96, 4]])
    data = wanted.astype(written).tobytes()
    if dtype == "BF16":
        data = b"".join(data[n + 2 : n + 4] for n in range(0, len(data), 4))
    layer = qnn.Linear(2, 3, bias=False)
    qnn.load_torch_state(layer, safetensors_of(tmp_path, dtype, wanted.shape, data))
    np.testing.assert_array_equal(layer.weight.array, wanted)


def test_a_file_of_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    path = safetensors_of(tmp_path, "F8_E4M3", (3, 2), bytes(6))
    with pytest.raises(FileError, match=r"NumPy's dtypes or bfloat16: weight holds F8_E4M3"):
        qnn.load_torch_state(qnn.Linear(2, 3, bias=False), path)


def safetensors_of(folder: Path, dtype: str, shape: tuple[int, ...], data: bytes) -> Path:
    """Write a file of one tensor, also of a dtype that NumPy has not."""
    about = {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}
    header = json.dumps({"weight": about}).encode()
    path = folder / "net.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="these are none: epoch"):
        qnn.load_torch_state(two(), {"epoch": 3} | LINEAR)
    with pytest.raises(StateError, match=r"got Sequential; give its state_dict\(\)"):
        qnn.load_torch_state(two(), two())  # type: ignore[arg-type] # what is refused
    with pytest.raises(FileNotFoundError):
        qnn.load_torch_state(two(), tmp_path / "none.safetensors")
    path = tmp_path / "cut.safetensors"
    save_file(LINEAR, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FileError, match=r"cut\.safetensors is not a whole safetensors file"):
        qnn.load_torch_state(two(), path)


def test_a_file_of_pytorch_takes_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    (tmp_path / "net.pt").write_bytes(b"x")
    with pytest.raises(ImportError, match=r"net\.pt needs PyTorch .*pip install torch"):
        qnn.load_torch_state(two(), tmp_path / "net.pt")
    with pytest.raises(ImportError, match="pip install torch onnx"):
        qnn.from_torch(object(), numbers(1, 2))


def assert_state(model: qnn.Module, before: dict[str, Array]) -> None:
    assert model.state_dict().keys() == before.keys()
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


class Two(qnn.Module):
    def __init__(self) -> None:
        self.a, self.b = qnn.Linear(4, 3, seed=0), qnn.Linear(3, 4, seed=0)


def test_modules_of_the_same_names_are_not_taken_for_each_other() -> None:
    state = {
        "a.weight": np.ones((4, 3)),
        "a.bias": np.ones(4),
        "b.weight": np.ones((3, 4)),
        "b.bias": np.ones(3),
    }
    with pytest.raises(StateError, match=r"a\.weight does not fit a\.weight"):
        qnn.load_torch_state(Two(), state)
