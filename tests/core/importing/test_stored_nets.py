"""Nets as PyTorch, scikit-learn, onnxruntime and Brevitas export them: equal to what runs them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from onnx_files import answers, answers_of_qonnx, inputs_of, path_of, stored

QUANTIZED = [name for name in stored() if "-qdq-" in name or "-qat-" in name]
OF_QONNX = stored("*-qonnx-*")
# Its exporter makes one column of all targets of all samples: no sample has an answer of its own.
REFUSED = ["mlp_regressor_three-sklearn-17"]
FLOAT = [n for n in stored() if n not in (*QUANTIZED, *OF_QONNX, *REFUSED)]
# Means of two or nine codes lie halfway between two steps, where the last bit of a sum decides.
MEANS = ("conv1d-qdq-13-int8-channels", "inception-qdq-17-int8")


def images(name: str, count: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *inputs_of(name)[0])).astype(np.float32)


def asked(name: str, x: np.ndarray) -> list[np.ndarray]:
    """Return the answers of the file, one by one where its batch has a fixed length."""
    batch = inputs_of(name)[1] or len(x)
    parts = [answers(path_of(name), x[at : at + batch]) for at in range(0, len(x), batch)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def given(net: qnn.Module, x: np.ndarray) -> list[np.ndarray]:
    made = net(x)
    return [each.data for each in (made if isinstance(made, tuple) else (made,))]


@pytest.mark.parametrize("batch_norm", ["keep", "fold"])
@pytest.mark.parametrize("name", FLOAT)
def test_a_float_net(name: str, batch_norm: str) -> None:
    x = images(name)
    net = qnn.from_onnx(path_of(name), batch_norm=batch_norm)
    for ours, theirs in zip(given(net, x), asked(name, x), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantized_net(name: str) -> None:
    x = images(name)
    net = qnn.from_onnx(path_of(name))
    for ours, theirs in zip(given(net, x), asked(name, x), strict=True):
        difference = np.abs(ours - theirs) / np.abs(theirs).max()
        # A step of one code in the last layers, where a sum of floats lies between two codes.
        assert difference.max() < 2e-2
        assert np.mean(difference < 1e-6) > (0.5 if name in MEANS else 0.9)
        np.testing.assert_array_equal(ours.argmax(-1), theirs.argmax(-1))


@pytest.mark.parametrize("name", OF_QONNX)
def test_a_net_of_qonnx(name: str) -> None:
    x = images(name, 2)
    net = qnn.from_onnx(path_of(name))
    theirs = np.concatenate([answers_of_qonnx(path_of(name), x[at : at + 1]) for at in range(2)])
    np.testing.assert_allclose(net(x).data, theirs, rtol=0, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", REFUSED)
def test_what_mixes_samples_is_refused(name: str) -> None:
    with pytest.raises(qnn.ConversionError, match=r"Reshape .*the batch must stay in front, alone"):
        qnn.from_onnx(path_of(name))


@pytest.mark.parametrize("name", [*QUANTIZED, *OF_QONNX])
def test_a_quantized_net_is_deployed_with_the_same_bits(name: str) -> None:
    x = images(name)
    net = qnn.from_onnx(path_of(name))
    np.testing.assert_array_equal(qnn.pack(net, x)(x), net(x).data)


@pytest.mark.parametrize("name", ["lenet-script-11", "mobilenet_v3-script-17", "shapes-script-17"])
def test_a_float_net_is_quantized_and_deployed(name: str) -> None:
    x = images(name, 16)
    net = qnn.from_onnx(path_of(name), batch_norm="fold")
    quantized = qnn.quantize(net, weight="symmetric:8", input="uniform:8", calibration=x)
    np.testing.assert_array_equal(qnn.pack(quantized, x)(x), quantized(x).data)
    scale = np.abs(net(x).data).max()
    assert np.abs(quantized(x).data - net(x).data).max() < 0.05 * scale


def test_layers_are_called_after_their_weights() -> None:
    net = qnn.from_onnx(path_of("resnet8-script-13-bn"))
    names = [name for name, _ in net.named_modules()]
    assert {"conv1", "layers_0_conv1", "layers_1_downsample_0", "fc"} <= set(names)
    assert net.fc.weight.shape == (10, 16)


def test_batch_norm_is_folded() -> None:
    kept, folded = (
        qnn.from_onnx(path_of("ds_cnn-script-17-bn"), batch_norm=how) for how in ("keep", "fold")
    )
    counts = [
        sum(isinstance(m, qnn.BatchNorm) for _, m in net.named_modules()) for net in (kept, folded)
    ]
    assert counts == [7, 0]


def test_channels_may_be_last() -> None:
    name = "resnet8-script-17"
    x = images(name)
    first = qnn.from_onnx(path_of(name))
    last = qnn.from_onnx(path_of(name), layout="channels_last")
    np.testing.assert_array_equal(first(x).data, last(x.transpose(0, 2, 3, 1)).data)
    assert len(last.steps) == len(first.steps) - 1


def test_an_imported_net_is_trained_on() -> None:
    name = "lenet-qdq-17-int8-symmetric"
    x, y = images(name, 40), np.arange(40) % 10
    net = qnn.from_onnx(path_of(name)).train()
    before = net(x[:1]).data
    optimizer = qnn.optim.Adam(net.parameters(), lr=1e-3)
    history = qnn.fit(net, (x, y), epochs=8, batch_size=20, optimizer=optimizer, progress=False)
    assert history.last.loss < history.epochs[0].loss
    net.eval()
    assert not np.array_equal(net(x[:1]).data, before)
    np.testing.assert_array_equal(qnn.pack(net, x)(x), net(x).data)


def test_a_residual_net_becomes_integers_throughout(tmp_path: Path) -> None:
    name = "resnet8-script-17"
    x = images(name, 20)
    bits: dict[str, Any] = {"weight": "symmetric:4", "input": "uniform:4"}
    ends: dict[str, Any] = {"last_weight": "same", "last_input": "same"}
    net = qnn.quantize(qnn.from_onnx(path_of(name)), **bits, **ends, calibration=x)
    for block in ("relu", "layers_0_relu_1", "layers_1_relu_1", "layers_2_relu_1"):
        setattr(net, block, qnn.Sequential(getattr(net, block), qnn.nn.Quantize("uniform:4")))
    packed = qnn.pack(qnn.calibrate(net, x), x)
    options: dict[str, Any] = {"name": "res", "input": "float32", "float": "never"}
    packed.export_c(tmp_path / "c", samples=x[:4], **options)  # compared, or not written
    assert (tmp_path / "c" / "res.c").exists()
