"""Convolution and pooling as operations and layers: arguments, errors, codes, models."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn, ops
from qnn_core.errors import ShapeError, SpecError
from qnn_core.registry import schemes

X = np.random.default_rng(0).normal(size=(2, 6, 5, 4)).astype(np.float32)
W = np.random.default_rng(1).normal(size=(6, 3, 3, 4)).astype(np.float32)


def test_padding_by_name() -> None:
    np.testing.assert_array_equal(
        ops.conv2d(X, W, padding="same").data, ops.conv2d(X, W, padding=1).data
    )
    np.testing.assert_array_equal(ops.conv2d(X, W, padding="valid").data, ops.conv2d(X, W).data)
    assert ops.conv2d(X, W, padding="same", dilation=2).shape == (2, 6, 5, 6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stride": 0}, "stride must be a whole number >= 1"),
        ({"stride": (1, 2, 3)}, "stride must be"),
        ({"stride": True}, "stride must be"),
        ({"stride": 1.5}, "stride must be"),
        ({"stride": 2**40}, "stride must be"),
        ({"padding": -1}, "padding must be a whole number >= 0"),
        ({"padding": 3}, "must be smaller than the window"),
        ({"padding": "full"}, "'full'"),
        ({"padding": "same", "stride": 2}, "needs stride 1"),
        ({"dilation": 0}, "dilation must be"),
        ({"dilation": 4}, "does not fit in images"),
        ({"groups": 3}, "groups=3"),
        ({"groups": 0}, "groups=0"),
        ({"groups": 1.0}, "groups must be"),
    ],
)
def test_arguments_that_do_not_fit(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        ops.conv2d(X, W, **given)


@pytest.mark.parametrize(
    ("x", "w", "b"),
    [
        ((2, 6, 5), (6, 3, 3, 4), None),
        ((2, 6, 5, 3), (6, 3, 3, 4), None),
        ((2, 6, 5, 4), (6, 3, 3), None),
        ((2, 6, 5, 4), (6, 3, 0, 4), None),
        ((2, 2, 5, 4), (6, 3, 3, 4), None),
        ((2, 6, 5, 4), (6, 3, 3, 4), (5,)),
    ],
)
def test_shapes_that_do_not_fit(x: Any, w: Any, b: Any) -> None:
    with pytest.raises(ShapeError, match=r"conv2d: .*shape"):
        ops.conv2d(np.zeros(x), np.zeros(w), None if b is None else np.zeros(b))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_pools_refuse_what_does_not_fit(name: str) -> None:
    pool = getattr(ops, name)
    with pytest.raises(ShapeError, match="does not fit in images"):
        pool(X, 7)
    with pytest.raises(ShapeError, match="must be smaller than the window"):
        pool(X, 2, padding=2)
    with pytest.raises(ShapeError, match="kernel must be"):
        pool(X, 0)
    with pytest.raises(ShapeError, match="images"):
        pool(X[0], 2)


def test_pools_of_odd_shapes() -> None:
    assert ops.max_pool2d(X, (2, 3), stride=(3, 1), padding=(1, 0)).shape == (2, 3, 3, 4)
    assert ops.max_pool2d(X[:0], 2).shape == (0, 3, 2, 4)
    assert ops.global_avg_pool2d(X[:0]).shape == (0, 4)
    np.testing.assert_array_equal(ops.max_pool2d(X, 1, stride=2).data, X[:, ::2, ::2])


def test_the_maximum_of_nan_is_nan() -> None:
    x = X.copy()
    x[0, 0, 0, 0] = np.nan
    assert np.isnan(ops.max_pool2d(x, 2).data[0, 0, 0, 0])


def test_the_gradient_goes_to_the_first_maximum() -> None:
    x = Tensor(np.ones((1, 2, 2, 1)), requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data.ravel(), [1, 0, 0, 0])


@pytest.mark.parametrize("scheme", schemes())
def test_codes_are_pooled_as_values_are(scheme: str) -> None:
    x = ops.fake_quantize(X, 0.5, quantizer=f"{scheme}:bits=1" if scheme == "binary" else scheme)
    y = ops.max_pool2d(x, 2)
    assert y.quantized.codes.dtype == np.uint8
    np.testing.assert_array_equal(y.quantized.levels[y.quantized.codes] * np.float32(0.5), y.data)


def test_images_do_not_depend_on_their_neighbours() -> None:
    x = np.random.default_rng(0).normal(size=(7, 9, 8, 5)).astype(np.float32)
    for pool in (lambda x: ops.avg_pool2d(x, 3, padding=1), ops.global_avg_pool2d):
        alone = np.concatenate([pool(image[None]).data for image in x])
        np.testing.assert_array_equal(pool(x).data, alone)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("scheme", schemes())
def test_a_quantized_layer_is_linear_on_patches(scheme: str, axis: int | None) -> None:
    layer = qnn.QuantConv2d(
        4, 6, (3, 2), stride=2, weight=f"{scheme}:axis={axis}", input=scheme, seed=0
    )
    layer(X)
    layer.eval()
    flat = qnn.QuantLinear(24, 6, weight=f"{scheme}:axis={axis}", input=scheme, seed=0)
    state = layer.state_dict()
    flat.load_state_dict(state | {"weight": state["weight"].reshape(6, 24)})
    flat.eval()
    patches = qnn.gemm.Window((3, 2), (2, 2)).patches(X)
    y = flat(patches.reshape(*patches.shape[:3], 24))
    np.testing.assert_array_equal(layer(X).data, y.data)


def test_channels_of_an_input_may_have_scales_of_their_own() -> None:
    layer = qnn.QuantConv2d(4, 6, 3, padding=1, input="uniform:4,axis=-1", seed=0)
    assert layer(X).shape == (2, 6, 5, 6)
    for axis in (0, 1, 2, -2):
        with pytest.raises(SpecError, match="axis"):
            qnn.QuantConv2d(4, 6, 3, input=f"uniform:4,axis={axis}")


def test_layers_refuse_what_does_not_fit() -> None:
    for given in [(0, 1, 1), (1, 2.5, 1), (1, 1, 0), (1, True, 1)]:
        with pytest.raises(ShapeError, match=r"Conv2d: .* must be"):
            nn.Conv2d(*given)
    with pytest.raises(ShapeError, match="groups=2 must divide"):
        nn.Conv2d(3, 4, 1, groups=2)


def test_layers_say_what_they_are() -> None:
    layer = nn.Conv2d(4, 6, (3, 5), stride=2, padding=1, groups=2, bias=False, seed=0)
    assert repr(layer) == (
        "Conv2d(4, 6, (3, 5), stride=(2, 2), padding=(1, 1), groups=2, bias=False)"
    )
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d((2, 2), stride=(2, 2), padding=(0, 0))"
    assert repr(nn.Reshape(2, 3)) == "Reshape(2, 3)"


@pytest.mark.parametrize("model", [qnn.LeNet, qnn.ResNet])
def test_models_take_images_of_any_form(model: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 784)).astype(np.float32)
    net = model(weight="symmetric:2", input="uniform:2", seed=0)
    net(x)
    net.eval()
    y = net(x).data
    assert y.shape == (3, 10)
    np.testing.assert_array_equal(net(x.reshape(3, 28, 28)).data, y)
    np.testing.assert_array_equal(net(x.reshape(3, 28, 28, 1)).data, y)
    with pytest.raises(SpecError, match="activation"):
        model(activation="gelu")


@pytest.mark.parametrize("model", [qnn.LeNet, qnn.ResNet])
def test_initial_weights_do_not_depend_on_quantizers(model: Any) -> None:
    plain, coded = model(seed=3), model(weight="binary", input="uniform:2", seed=3)
    others = dict(coded.named_parameters())
    for name, parameter in plain.named_parameters():
        np.testing.assert_array_equal(parameter.data, others[name].data)


def test_relu_after_pooling_is_relu_before_it() -> None:
    """To the bit, forward and backward: LeNet counts on it."""
    found = []
    for parts in ([nn.ReLU(), nn.MaxPool2d(2)], [nn.MaxPool2d(2), nn.ReLU()]):
        x = Tensor(np.round(X, 1), requires_grad=True)
        y = qnn.Sequential(*parts)(x)
        (y * y + y).sum().backward()
        assert x.grad is not None
        found.append((y.data, x.grad.data))
    for before, after in zip(*found, strict=True):
        np.testing.assert_array_equal(before, after)
    order = [type(part).__name__ for part in qnn.LeNet(activation="tanh")]
    assert order.index("Tanh") < order.index("MaxPool2d")


def test_a_small_net_learns() -> None:
    x = np.random.default_rng(0).normal(size=(32, 6, 6, 1)).astype(np.float32)
    labels = (x[:, :3].sum((1, 2, 3)) > x[:, 3:].sum((1, 2, 3))).astype(int)
    model = qnn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", seed=0),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 8, 3, weight="symmetric:4", input="uniform:4", seed=1),
        nn.Flatten(),
        nn.Linear(8, 2, seed=2),
    )
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_the_summary_of_a_convolutional_net() -> None:
    model = qnn.LeNet(weight="symmetric:2", input="uniform:4", seed=0)
    found = qnn.summary(model, np.zeros((2, 784)))
    assert found.macs == {
        (32, 32): 24 * 24 * 25 * 32 + 512 * 10,
        (2, 4): 8 * 8 * 800 * 64 + 1024 * 512,
    }
    assert "LeNet" not in str(found)
    assert "MaxPool2d" in str(found)
    dot = qnn.to_dot(qnn.trace(model, np.zeros((1, 784))))
    assert "conv2d" in dot
    assert "max_pool2d" in dot


def test_channels_first_are_named() -> None:
    layer = qnn.Conv2d(3, 8, 3, padding="same", seed=0)
    with pytest.raises(ShapeError, match=r"channels first\? transpose\(0, 2, 3, 1\)"):
        layer(np.zeros((2, 3, 28, 28)))
