"""Between quantized layers there are integers only, wherever the net allows it."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from packed_models import check_packed, fitted, operations, specs
from qnn_core import Tensor, nn, ops
from qnn_core.deploy.graph import Node
from qnn_core.deploy.graph.validate import check
from qnn_core.errors import FileError
from qnn_core.gemm import cpu, reference
from qnn_core.gemm.mean import mean_operand
from qnn_core.ops.pool import WINDOWS

X = np.random.default_rng(0).random((9, 9, 8, 6)).astype(np.float32) - np.float32(0.3)


def net(weight: str, inner: str) -> nn.Module:
    """A plain, a depthwise and a grouped convolution, both pools, and a linear layer."""
    pair: dict[str, Any] = {"weight": weight, "input": inner}
    return qnn.Sequential(
        qnn.QuantConv2d(6, 10, 3, padding=1, seed=0, **pair),
        nn.BatchNorm(10),
        nn.ReLU(),
        qnn.QuantConv2d(10, 10, 3, padding=1, groups=10, seed=1, **pair),
        nn.BatchNorm(10),
        nn.HardTanh(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(10, 12, 2, padding=1, groups=2, seed=2, **pair),
        nn.BatchNorm(12),
        nn.ReLU(),
        nn.Quantize(inner),
        nn.AvgPool2d((3, 2), stride=1, padding=1),
        qnn.QuantConv2d(12, 8, 1, seed=3, **pair),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.Quantize(inner),
        nn.AvgPool2d((5, 6)),
        nn.BatchNorm(8),
        nn.Flatten(),
        qnn.QuantLinear(8, 4, seed=4, **pair),
    )


def integral(spec: str) -> bool:
    """Whether levels are whole numbers of one unit and their sums are of 32 bits."""
    x = ops.fake_quantize(X, 1.0, quantizer=spec).quantized
    return mean_operand(x, 64) is not None


# Sums of a whole window of their squares have 32 bits.
INTEGRAL = [spec for spec in specs() if integral(spec)]


def test_most_schemes_are_integral() -> None:
    assert {"binary:bits=1", "uniform:bits=8", "symmetric:bits=4", "symmetric:bits=8"} <= {
        *INTEGRAL
    }


@pytest.mark.parametrize("weight", ["binary", "symmetric:4,axis=0", "uniform:8"])
@pytest.mark.parametrize("inner", INTEGRAL)
def test_no_float_operation_is_left(inner: str, weight: str) -> None:
    packed = check_packed(fitted(net(weight, inner), X), X)
    assert operations(packed) == [
        "quantize", "requantize_conv2d", "requantize_conv2d", "max_pool2d", "requantize_conv2d",
        "requantize_avg_pool2d", "requantize_conv2d", "requantize_avg_pool2d", "reshape", "linear",
    ]  # fmt: skip
    alone = np.concatenate([packed(row[None]) for row in X])
    np.testing.assert_array_equal(alone, packed(X))
    for path in cpu.paths():
        with cpu.using(path):
            np.testing.assert_array_equal(packed(X), alone, path)


@pytest.mark.parametrize("inner", ["binary", "uniform:2", "symmetric:8", "logarithmic:3"])
def test_means_of_codes_in_other_places(inner: str, tmp_path: Path) -> None:
    """A mean that is returned, one that relu follows, and one of codes that two layers take."""
    conv = qnn.QuantConv2d(6, 3, 1, weight="symmetric:3", input="uniform:4", seed=0)
    quantize = nn.Quantize(inner)

    def model(x: Tensor) -> Any:
        x = quantize(x)
        means = ops.avg_pool2d(x, 3, stride=2, padding=1)
        pooled = ops.avg_pool2d(ops.max_pool2d(x, 2), 2)
        return conv(ops.relu(means)), means * 2.0, pooled

    model(Tensor(X))
    quantize.eval()
    conv.eval()
    packed = qnn.pack(model, X)
    assert "integer_avg_pool2d" in operations(packed)
    assert "avg_pool2d" not in operations(packed)
    expected = [value.data for value in qnn.trace(model, (X,)).outputs]
    packed.save(tmp_path / "net.qnn")
    for form in (packed, qnn.load(tmp_path / "net.qnn")):
        for path in cpu.paths():
            with cpu.using(path):
                for y, z in zip(form(X), expected, strict=True):
                    np.testing.assert_array_equal(y, z, path)


MODELS: dict[str, Any] = {
    "DSCNN": lambda **o: qnn.DSCNN((9, 8, 6), channels=16, blocks=2, pool_input="uniform:8", **o),
    "ResNet": lambda **o: qnn.ResNet((9, 8, 6), stream="uniform:8", **o),
}
ENDS = {f"{end}_{side}": "symmetric:8" for end in ("first", "last") for side in ("weight", "input")}


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("name", MODELS)
def test_ready_made_nets(name: str, bits: int) -> None:
    model = MODELS[name](weight="symmetric:4", input=f"uniform:{bits}", seed=0, **ENDS)
    found = operations(check_packed(fitted(model, X), X))
    assert "requantize_avg_pool2d" in found
    if name == "DSCNN":
        assert set(found) == {
            "quantize", "reshape", "requantize_conv2d", "requantize_avg_pool2d", "linear",
        }  # fmt: skip
    else:  # residual sums are float, and what is added
        assert found.count("add") == 3
        assert found.count("requantize_conv2d") == 4


@pytest.mark.parametrize(
    ("build", "last"),
    [
        (qnn.DSCNN, "layers.26.running_variance"),
        (qnn.ResNet, "layers.6.shortcut.layers.1.running_variance"),
    ],
)
def test_nets_without_these_arguments_are_what_they_were(build: Any, last: str) -> None:
    names = list(build(weight="symmetric:4", input="uniform:4", seed=0).state_dict())
    assert (names[-1], len(names)) == (last, 95)
    more = build(weight="symmetric:4", input="uniform:4", pool_input="uniform:8", seed=0)
    assert len(more.state_dict()) > 95


def test_means_of_codes_of_floats_are_refused() -> None:
    packed = qnn.pack(fitted(net("binary", "uniform:2"), X), X)
    node = next(n for n in packed.graph.nodes if n.op == "requantize_avg_pool2d")
    tables = {n: t[..., :6] if n in ("thresholds", "flip") else t for n, t in node.tables.items()}
    alone = replace(node, inputs=("input0",), output="y", tables=tables, chain=())
    graph = replace(packed.graph, constants={}, nodes=(alone,), outputs=("y",))
    with pytest.raises(FileError, match="a mean of codes needs a sum of integers"):
        check(graph)
    plain = Node("integer_avg_pool2d", ("input0",), "y", {n: node.attributes[n] for n in WINDOWS})
    with pytest.raises(FileError, match="a mean of codes needs a sum of integers"):
        check(replace(graph, nodes=(plain,)))


@pytest.mark.parametrize("spec", ["uniform:8", "symmetric:4,grid=even", "logarithmic:4", "binary"])
def test_a_mean_of_codes_is_what_it_is_defined_as(spec: str) -> None:
    x = ops.fake_quantize(X, 0.3, quantizer=spec)
    for kernel, padding in (((3, 2), (1, 0)), ((9, 8), (0, 0)), ((1, 1), (0, 0))):
        y = ops.avg_pool2d(x, kernel, stride=2, padding=padding)
        operand = mean_operand(x.quantized, math.prod(kernel))
        assert operand is not None
        assert operand.integer_levels is not None
        integers = operand.integer_levels.centred[x.quantized.codes]
        window = qnn.gemm.Window(kernel, (2, 2), padding)
        sums = window.patches(integers).sum(axis=(3, 4))
        scale = np.float32(0.3) * np.float32(operand.integer_levels.unit)
        expected = sums.astype(np.float32) * scale / np.float32(math.prod(kernel))
        np.testing.assert_array_equal(y.data, expected)
        np.testing.assert_array_equal(
            reference.mean_of_codes(x.quantized.codes, operand, window), expected
        )
        np.testing.assert_allclose(
            y.data, ops.avg_pool2d(x.data, kernel, stride=2, padding=padding).data, rtol=1e-5,
            atol=1e-6,
        )  # fmt: skip


def test_gradients_of_means_of_codes_are_those_of_means() -> None:
    x = Tensor(X, requires_grad=True)
    ops.avg_pool2d(ops.fake_quantize(x, 1.0, quantizer="uniform:8"), 2).sum().backward()
    plain = Tensor(X, requires_grad=True)
    ops.avg_pool2d(ops.clip(plain, 0, 255), 2).sum().backward()
    assert x.grad is not None
    assert plain.grad is not None
    inside = X >= 0
    np.testing.assert_array_equal(x.grad.data[inside], plain.grad.data[inside])


def test_codes_with_scales_of_channels_have_float_means() -> None:
    scales = np.float32([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])
    x = ops.fake_quantize(X, scales, quantizer="uniform:4,axis=-1")
    np.testing.assert_array_equal(ops.avg_pool2d(x, 2).data, ops.avg_pool2d(x.data, 2).data)
