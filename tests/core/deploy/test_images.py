"""Packed nets with convolutions give the bits of the model, whatever the scheme and geometry."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from packed_models import check_packed, fitted, operations, specs
from qnn_core import Tensor, nn, ops
from qnn_core.cli import main
from qnn_core.deploy.file.archive import archived
from qnn_core.deploy.file.write import written
from qnn_core.errors import FileError, ShapeError
from qnn_core.files import save_arrays
from qnn_core.gemm import cpu


def images(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, *shape)).astype(np.float32)


X = images(7, 8, 7, 3)


def net(weight: str, inner: str, **conv: Any) -> nn.Module:
    """Quantized convolutions with everything between them that is fused or moved."""
    norm = nn.BatchNorm(8)
    norm.weight.data[...] = np.random.default_rng(0).normal(size=8)
    return qnn.Sequential(
        qnn.QuantConv2d(3, 8, 3, weight=weight, input=inner, seed=0, **conv),
        norm,
        nn.Tanh(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 5, 2, padding=1, weight=weight, input=inner, seed=1),
        nn.Flatten(),
        qnn.QuantLinear(5 * 5 * 4, 4, weight=weight, input=inner, seed=2),
    )


@pytest.mark.parametrize("inner", specs())
def test_every_pairing_of_schemes(inner: str) -> None:
    for weight in specs():
        check_packed(fitted(net(weight, inner, padding=1), X), X)


@pytest.mark.parametrize("path", cpu.paths())
@pytest.mark.parametrize("inner", ["binary", "uniform:2", "symmetric:3,grid=even", "uniform:8"])
def test_every_path(path: str, inner: str) -> None:
    model = fitted(net("symmetric:2,axis=0", inner, padding=1), X)
    packed = qnn.pack(model, X)
    expected = packed(X)
    with cpu.using(path):
        np.testing.assert_array_equal(packed(X), expected)


def test_integers_go_all_the_way() -> None:
    packed = check_packed(fitted(net("symmetric:2", "uniform:2", padding=1), X), X)
    assert operations(packed) == [
        "quantize", "requantize_conv2d", "max_pool2d", "requantize_conv2d", "reshape", "linear",
    ]  # fmt: skip


def test_integers_go_all_the_way_where_relu_follows_pooling() -> None:
    model = qnn.Sequential(
        qnn.QuantConv2d(3, 8, 3, weight="symmetric:2", input="uniform:2", padding=1, seed=0),
        nn.MaxPool2d(2, stride=1, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.ReLU(),
        qnn.QuantLinear(576, 4, weight="symmetric:2", input="uniform:2", seed=1),
        nn.ReLU(),
    )
    packed = check_packed(fitted(model, X), X)
    assert operations(packed) == [
        "quantize", "requantize_conv2d", "max_pool2d", "reshape", "linear", "relu",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "conv",
    [
        {"stride": (2, 1), "padding": (0, 2)},
        {"dilation": 2, "padding": (2, 1)},
        {"bias": False, "padding": "same"},
    ],
)
@pytest.mark.parametrize("channels", [1, 63, 64, 65])
def test_geometries_and_channels(conv: dict[str, Any], channels: int) -> None:
    x = images(5, 6, 7, channels)
    for spec in ("binary", "uniform:2", "uniform:5"):
        model = qnn.Sequential(
            qnn.QuantConv2d(channels, 64, 3, weight=spec, input=spec, seed=0, **conv),
            nn.HardTanh(),
            qnn.QuantConv2d(64, 3, 2, weight="symmetric:2", input=spec, seed=1),
        )
        check_packed(fitted(model, x), x)


@pytest.mark.parametrize("inner", ["uniform:3", "symmetric:8", "logarithmic:4"])
@pytest.mark.parametrize(("outputs", "groups"), [(4, 4), (8, 4), (8, 2), (65, 65), (130, 130)])
def test_groups(outputs: int, groups: int, inner: str) -> None:
    x = images(6, 5, 5, max(groups, 4))
    model = qnn.Sequential(
        qnn.QuantConv2d(
            max(groups, 4),
            outputs,
            3,
            padding=1,
            groups=groups,
            weight="symmetric:3,axis=0",
            input=inner,
        ),
        nn.BatchNorm(outputs),
        nn.ReLU(),
        qnn.QuantConv2d(outputs, 2, 1, weight="binary", input=inner),
        nn.AvgPool2d(3, stride=1, padding=1),
    )
    packed = check_packed(fitted(model, x), x)
    assert operations(packed) == ["quantize", "requantize_conv2d", "conv2d", "avg_pool2d"]
    expected = packed(x)
    for path in cpu.paths():
        with cpu.using(path):
            np.testing.assert_array_equal(packed(x), expected)


def test_groups_are_in_the_file(tmp_path: Path) -> None:
    model = qnn.Sequential(
        qnn.QuantConv2d(64, 64, 3, groups=64, weight="symmetric:3", input="uniform:2", seed=0),
        nn.BatchNorm(64),
        qnn.QuantConv2d(64, 64, 3, groups=2, weight="symmetric:3", input="uniform:2", seed=1),
        nn.BatchNorm(64),
        qnn.QuantConv2d(64, 4, 1, weight="symmetric:3", input="uniform:2", seed=2),
    )
    x = images(3, 6, 6, 64)
    packed = check_packed(fitted(model, x), x)
    _, about = written(packed.graph)
    stored = [node for node in about["nodes"] if node["op"] == "requantize_conv2d"]
    assert [node["attributes"]["groups"] for node in stored] == [64, 2]
    packed.save(tmp_path / "net.qnn")
    again = qnn.load(tmp_path / "net.qnn")
    np.testing.assert_array_equal(again(x), packed(x))
    assert not again.graph.nodes[1].chain  # it was stored with its thresholds


def test_float_convolutions_and_pools() -> None:
    model = qnn.Sequential(
        nn.Conv2d(3, 6, 3, padding="same", seed=0),
        nn.BatchNorm(6),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.AvgPool2d(2),
        nn.GlobalAvgPool2d(),
        nn.Linear(6, 2, seed=1),
    )
    packed = check_packed(fitted(model, X), X)
    assert "normalize_channels" in operations(packed)


def test_channels_with_scales_of_their_own_and_codes_without_a_grid() -> None:
    model = qnn.Sequential(
        qnn.QuantConv2d(3, 4, 2, padding=1, weight="symmetric:4", input="uniform:4,axis=-1"),
        qnn.QuantConv2d(4, 4, 2, weight="logarithmic:8", input="logarithmic:8"),
    )
    check_packed(fitted(model, X), X)


class Shared(nn.Module):
    """A pooled value that two quantizers see stays one, and a quantizer passes a transposition."""

    def __init__(self) -> None:
        self.conv = qnn.QuantConv2d(3, 4, 3, weight="binary", input="uniform:2", seed=0)
        self.one = qnn.QuantConv2d(4, 2, 1, weight="binary", input="uniform:2", seed=1)
        self.two = qnn.QuantConv2d(4, 2, 1, weight="binary", input="symmetric:3", seed=2)

    def forward(self, x: Tensor) -> Tensor:
        y = ops.max_pool2d(ops.relu(self.conv(x)), 2)
        z = self.one(ops.transpose(ops.tanh(self.conv(x)), (0, 2, 1, 3)))
        return self.one(y) + self.two(y) + z[:, :3, :2]


def test_values_that_several_take() -> None:
    check_packed(fitted(Shared(), X), X)


@pytest.mark.parametrize("spec", [("symmetric:2", "uniform:2"), ("binary", "binary"), (None, None)])
@pytest.mark.parametrize("model", [qnn.LeNet, qnn.ResNet])
def test_models(model: Any, spec: Any, tmp_path: Path) -> None:
    x = images(5, 784)
    options = {"batch_norm": True} if model is qnn.LeNet else {}
    made = model(weight=spec[0], input=spec[1], activation="hardtanh", seed=0, **options)
    packed = check_packed(fitted(made, x), x)
    alone = np.concatenate([packed(row[None]) for row in x])
    np.testing.assert_array_equal(alone, packed(x))
    assert packed(x[:0]).shape == (0, 10)
    packed.save(tmp_path / "net.qnn")
    np.testing.assert_array_equal(qnn.load(tmp_path / "net.qnn")(x), packed(x))
    if model is qnn.LeNet:
        assert packed.summary().macs == 24 * 24 * 25 * 32 + 64 * 800 * 64 + 1024 * 512 + 5120


def test_threads_change_nothing() -> None:
    x = images(40, 784)
    packed = qnn.pack(fitted(qnn.LeNet(weight="binary", input="uniform:2", seed=0), x), x[:2])
    before, found = qnn.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            qnn.set_num_threads(count)
            found.append(packed(x))
    finally:
        qnn.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_images_of_another_size_are_refused() -> None:
    packed = qnn.pack(fitted(net("binary", "uniform:2", padding=1), X), X)
    with pytest.raises(ShapeError, match=r"shape \[batch, 8, 7, 3\] is needed"):
        packed(images(2, 8, 8, 3))


# Files


@pytest.fixture(scope="module")
def packed() -> qnn.PackedModel:
    model = qnn.Sequential(
        qnn.QuantConv2d(3, 8, 3, padding=1, weight="symmetric:2", input="uniform:2", seed=0),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 4, 2, groups=2, weight="symmetric:4", input="uniform:4", seed=1),
        nn.BatchNorm(4),
        nn.AvgPool2d(2, stride=1),
        nn.GlobalAvgPool2d(),
    )
    return qnn.pack(fitted(model, X), X)


def put(op: str, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(about: dict[str, Any]) -> None:
        node = next(node for node in about["nodes"] if node["op"] == op)
        assert key in node["attributes"]
        node["attributes"][key] = value

    return change


def name_again(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(about: dict[str, Any]) -> None:
        next(node for node in about["nodes"] if node["op"] == old)["op"] = new

    return change


def weight_shape(*shape: int) -> Callable[[dict[str, Any]], None]:
    return lambda about: next(
        c for c in about["constants"].values() if isinstance(c, dict) and c["bits"] == 4
    ).update(shape=list(shape))


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "a stride of zero": put("conv2d", "stride", [0, 1]),
    "a negative stride": put("conv2d", "stride", [-1, 1]),
    "a huge stride": put("conv2d", "stride", [2**62, 2**62]),
    "a stride without end": put("conv2d", "stride", [10**40, 1]),
    "half a stride": put("conv2d", "stride", [0.5, 1]),
    "a true stride": put("conv2d", "stride", [True, True]),
    "one stride": put("conv2d", "stride", 1),
    "three strides": put("conv2d", "stride", [1, 1, 1]),
    "strides of text": put("conv2d", "stride", ["1", "1"]),
    "strides that follow the batch": put("conv2d", "stride", [{"batch": 1}, 1]),
    "a huge padding": put("conv2d", "padding", [2**19, 2**19]),
    "a padding as large as the window": put("conv2d", "padding", [2, 0]),
    "a negative padding": put("conv2d", "padding", [-1, 0]),
    "a huge dilation": put("conv2d", "dilation", [2**19, 1]),
    "a dilation of zero": put("conv2d", "dilation", [0, 0]),
    "no groups": put("conv2d", "groups", 0),
    "negative groups": put("conv2d", "groups", -2),
    "groups that do not divide": put("conv2d", "groups", 3),
    "groups without end": put("conv2d", "groups", 2**70),
    "a huge window": put("max_pool2d", "kernel", [2**19, 2**19]),
    "an endless window": put("max_pool2d", "kernel", [2**70, 2**70]),
    "a window of nothing": put("max_pool2d", "kernel", [0, 2]),
    "a pool that is padded too far": put("max_pool2d", "padding", [2, 2]),
    "a mean of nothing": put("avg_pool2d", "kernel", [0, 0]),
    "a mean with a huge stride": put("avg_pool2d", "stride", [2**63, 1]),
    "a window beyond the image": put("avg_pool2d", "kernel", [9, 9]),
    "a weight without pixels": weight_shape(4, 0, 2, 4),
    "a weight without outputs": weight_shape(0, 2, 2, 4),
    "a weight of three axes": weight_shape(4, 4, 4),
    "a weight of other axes": weight_shape(4, 1, 4, 4),
    "a kernel of another shape": weight_shape(4, 16, 1, 1),
    "a pool that is a mean of codes with groups": put("max_pool2d", "stride", [2, "x"]),
    "another operation": name_again("max_pool2d", "conv2d"),
    "a gradient": name_again("max_pool2d", "max_pool2d_gradient"),
    "an input of other channels": lambda about: about["inputs"][0].update(shape=[8, 7, 4]),
    "an input of many pixels": lambda about: about["inputs"][0].update(shape=[2**30, 2**30, 3]),
    "an input without pixels": lambda about: about["inputs"][0].update(shape=[0, 7, 3]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str, packed: qnn.PackedModel, tmp_path: Path) -> None:
    tensors, about = written(packed.graph)
    about = copy.deepcopy(about)
    HOSTILE[name](about)
    save_arrays(tmp_path / "model.qnn", *archived(tensors, about))
    with pytest.raises(FileError, match=r"model\.qnn"):
        qnn.load(tmp_path / "model.qnn")


def test_the_hostile_files_begin_as_a_sound_one(packed: qnn.PackedModel, tmp_path: Path) -> None:
    save_arrays(tmp_path / "model.qnn", *archived(*written(packed.graph)))
    np.testing.assert_array_equal(qnn.load(tmp_path / "model.qnn")(X), packed(X))


def test_info(packed: qnn.PackedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed.save(tmp_path / "model.qnn")
    assert main(["info", str(tmp_path / "model.qnn")]) == 0
    shown = capsys.readouterr().out
    assert "input0: float32 [batch, 8, 7, 3]" in shown
    assert "conv2d" in shown
    assert f"MACs per sample: {8 * 7 * 27 * 8 + 3 * 2 * 16 * 4:,}" in shown
