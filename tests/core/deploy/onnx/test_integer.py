"""The integer form gives the packed model's bits in onnxruntime: outputs, and every code."""

from typing import Any

import numpy as np
import onnx
import pytest
import qnn_core as qnn
from onnx.reference import ReferenceEvaluator
from onnx_models import answers, check_exact, check_integer
from packed_models import fitted, specs, variants
from qnn_core import Tensor, nn, ops
from qnn_core.deploy.onnx import FORMS, translate
from qnn_core.deploy.onnx.library import to_bytes


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def on_integers(spec: str) -> bool:
    """Whether 31 bits hold the sums of a scheme with itself, so that its products are integers."""
    floats = ("nf4", "sqrt2", "logarithmic:bits=8", "logarithmic:bits=4,base=2,signed=False")
    return not any(word in spec for word in floats)


INTEGER = [spec for spec in specs() if on_integers(spec)]
ROWS = normal(40, 65)


def mlp(weight: str, inner: str, sizes: list[int], **options: Any) -> nn.Module:
    ends = {"last_weight": weight, "last_input": inner}
    return qnn.MLP(sizes, weight=weight, input=inner, **ends, seed=0, **options)


@pytest.mark.parametrize("weight", INTEGER)
def test_every_pairing_of_schemes(weight: str) -> None:
    # A third of the pairs, with each scheme on either side.
    for inner in INTEGER[INTEGER.index(weight) % 3 :: 3]:
        check_exact(mlp(weight, inner, [65, 17, 3], batch_norm=True), ROWS)


@pytest.mark.parametrize("spec", [spec for spec in variants() if on_integers(spec)])
def test_every_variant_of_a_codebook(spec: str) -> None:
    check_exact(mlp(spec, spec, [65, 9, 2], activation="hardtanh"), ROWS)


@pytest.mark.parametrize("spec", ["binary", "uniform:2", "symmetric:4", "uniform:8"])
@pytest.mark.parametrize("sizes", [[1, 1, 1], [63, 64, 65], [7, 300, 2], [64, 1, 5]])
def test_awkward_sizes(spec: str, sizes: list[int]) -> None:
    for bias in (True, False):
        check_exact(mlp(spec, spec, sizes, bias=bias), normal(9, sizes[0]))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("inner", ["binary", "uniform:2", "symmetric:4"])
def test_functions_that_libraries_round_are_thresholds_on_sums(activation: str, inner: str) -> None:
    model = mlp("symmetric:4", inner, [65, 33, 3], activation=activation, batch_norm=True)
    fitted(model, ROWS)
    model.layers[1].weight.data[...] = normal(33)  # some channels fall
    check_exact(model, ROWS)


@pytest.mark.parametrize("spec", ["binary", "uniform:2", "symmetric:4,grid=even", "uniform:8"])
@pytest.mark.parametrize("axis", [None, 0])
def test_scales_of_channels(spec: str, axis: int | None) -> None:
    spec = f"{spec},ste=clip" if ":" in spec else f"{spec}:ste=clip"  # options of any number
    weight = spec if axis is None else f"{spec},axis={axis}"
    check_exact(mlp(weight, spec, [65, 17, 3]), ROWS)


IMAGES = normal(7, 8, 7, 3)


@pytest.mark.parametrize("weight", INTEGER)
def test_convolutions_of_every_scheme(weight: str) -> None:
    for inner in INTEGER[INTEGER.index(weight) % 8 :: 8]:
        norm = nn.BatchNorm(8)
        norm.weight.data[...] = normal(8)
        model = qnn.Sequential(
            qnn.QuantConv2d(3, 8, 3, padding=1, weight=weight, input=inner, seed=0),
            norm,
            nn.ReLU(),
            nn.MaxPool2d(2),
            qnn.QuantConv2d(8, 5, 2, padding=1, weight=weight, input=inner, seed=1),
            nn.Flatten(),
            qnn.QuantLinear(5 * 5 * 4, 4, weight=weight, input=inner, seed=2),
        )
        check_exact(model, IMAGES)


@pytest.mark.parametrize(
    "conv",
    [
        {"stride": (2, 1), "padding": (0, 2)},
        {"dilation": 2, "padding": (2, 1)},
        {"dilation": (1, 2), "stride": 3},
        {"bias": False, "padding": "same"},
        {"groups": 4, "padding": 1},
    ],
)
@pytest.mark.parametrize("channels", [4, 64])
@pytest.mark.parametrize("spec", ["binary", "uniform:2", "symmetric:4,axis=0", "uniform:8"])
def test_geometries(conv: dict[str, Any], channels: int, spec: str) -> None:
    inner = spec.partition(",")[0]
    model = qnn.Sequential(
        qnn.QuantConv2d(channels, 8, 3, weight=spec, input=inner, seed=0, **conv),
        nn.HardTanh(),
        qnn.QuantConv2d(8, 3, 1, weight="symmetric:2", input=inner, seed=1),
    )
    check_exact(model, normal(3, 9, 8, channels))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_models(bits: int) -> None:
    x = normal(6, 784)
    weight, inner = (f"symmetric:{bits},grid=even", f"uniform:{bits}")
    ends = {"first_weight": weight, "last_weight": weight, "last_input": inner}
    quantized = {"weight": weight, "input": inner, "first_input": "uniform:8", **ends}
    check_exact(qnn.LeNet(**quantized, batch_norm=True, seed=0), x)
    check_exact(qnn.ResNet(**quantized, seed=0), x)
    check_exact(qnn.DSCNN((28, 28, 1), **quantized, channels=16, blocks=2, seed=0), x)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_whatever_runs_it(bits: int) -> None:
    """The reference of the package onnx, in NumPy; onnxruntime as it is written, and optimized."""
    x = normal(4, 784)
    weight, inner = f"symmetric:{bits},grid=even", f"uniform:{bits}"
    ends = {"first_weight": weight, "first_input": "uniform:8", "last_weight": weight}
    model = qnn.LeNet(weight=weight, input=inner, **ends, last_input=inner, batch_norm=True, seed=0)
    packed = qnn.pack(fitted(model, x).eval(), x)
    document, _ = translate(packed.graph, FORMS["integer"], 17)
    content = to_bytes(document, "net", "0")
    (found,) = ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"input0": x})
    np.testing.assert_array_equal(found, packed(x))
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"):
        np.testing.assert_array_equal(answers(content, x, level=level)[0], packed(x))


class Branches(nn.Module):
    """Two outputs, a residual sum of codes, a concatenation, and a value that several take."""

    def __init__(self) -> None:
        self.conv = qnn.QuantConv2d(3, 4, 3, padding=1, weight="symmetric:4", input="uniform:4")
        self.one = qnn.QuantConv2d(4, 4, 3, padding=1, weight="binary", input="uniform:2")
        self.two = qnn.QuantConv2d(4, 4, 1, weight="binary", input="symmetric:3")
        self.head = qnn.QuantLinear(8, 2, weight="symmetric:4", input="uniform:8")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = ops.relu(self.conv(x))
        z = self.one(y) + y
        both = ops.concatenate([self.two(z), z[:, :, :, ::-1]], axis=3)
        pooled = ops.avg_pool2d(both, (3, 3), stride=2, padding=1)
        return self.head(ops.global_avg_pool2d(pooled)), ops.transpose(both, (0, 3, 2, 1))


def test_branches() -> None:
    check_exact(Branches(), IMAGES)


def test_signals() -> None:
    model = qnn.Sequential(
        qnn.QuantConv1d(2, 6, 5, padding="same", weight="symmetric:4", input="symmetric:4", seed=0),
        nn.BatchNorm(6),
        nn.ReLU(),
        nn.MaxPool1d(2),
        qnn.QuantConv1d(6, 4, 3, stride=2, dilation=2, weight="binary", input="uniform:2", seed=1),
        nn.AvgPool1d(2),
        nn.GlobalAvgPool1d(),
        qnn.QuantLinear(4, 3, weight="symmetric:2", input="uniform:8", seed=2),
    )
    check_exact(model, normal(5, 40, 2))


@pytest.mark.parametrize("kernel", [(2, 2), (3, 5), (9, 8), (1, 1)])
def test_means_are_summed_in_our_order(kernel: tuple[int, int]) -> None:
    x = normal(3, 11, 9, 3)
    for padding in (0, 1) if kernel in ((2, 2), (3, 5)) else (0,):
        packed = qnn.pack(
            lambda x, p=padding: ops.avg_pool2d(x, kernel, stride=2, padding=p), x[:2]
        )
        assert check_integer(packed, x) == []


def test_great_windows_beyond_the_edge_are_named() -> None:
    packed = qnn.pack(lambda x: ops.avg_pool2d(x, (9, 8), padding=1), IMAGES)
    _, (note,) = translate(packed.graph, FORMS["integer"], 17)
    assert "means" in note.reason


@pytest.mark.parametrize("inner", ["uniform:4,axis=-1", "nf4:4"])
def test_what_is_no_sum_of_integers_is_named(inner: str) -> None:
    model = qnn.Sequential(
        qnn.QuantLinear(65, 5, weight="symmetric:4", input="symmetric:4", seed=0),
        nn.ReLU(),
        qnn.QuantLinear(5, 2, weight="symmetric:4", input=inner, seed=1),
    )
    packed = qnn.pack(fitted(model, ROWS).eval(), ROWS)
    _, (note,) = translate(packed.graph, FORMS["integer"], 17)
    assert note.layer == "layers.2"
    assert "order" in note.reason


def test_columns_that_follow_the_batch() -> None:
    def model(x: Tensor) -> Tensor:
        turned = ops.transpose(ops.relu(ops.transpose(x)))
        return ops.reshape(turned, (-1, 2)).reshape((len(x.data), 4))

    assert check_integer(qnn.pack(model, normal(2, 4)), normal(5, 4)) == []


def test_great_sums_of_wide_numbers() -> None:
    # Levels up to 2**14 on one side and 255 on the other: two digits, sums near 2**31.
    model = qnn.Sequential(
        qnn.QuantLinear(
            500, 3, weight="symmetric:8,grid=even", input="logarithmic:4,signed=False", seed=0
        )
    )
    x = np.abs(normal(20, 500))
    x[0] = x.max()
    check_exact(model, x)
