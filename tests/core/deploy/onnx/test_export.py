"""`PackedModel.export_onnx`: files, names, transforms, metadata and errors."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import qnn_core as qnn
from onnx_models import answers, check_integer, operators
from packed_models import fitted
from qnn_core import nn
from qnn_core.deploy.onnx import FORMS
from qnn_core.errors import (
    DtypeError,
    ExportWarning,
    GraphError,
    PackError,
    ShapeError,
    SpecError,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 8, 8, 3)).astype(np.float32)
PIXELS = RNG.integers(0, 256, X.shape).astype(np.uint8)


def net(weight: str = "symmetric:4", inner: str = "uniform:4") -> qnn.PackedModel:
    model = qnn.Sequential(
        qnn.QuantConv2d(3, 8, 3, padding=1, weight=weight, input=inner, seed=0),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 4, 1, weight=weight, input=inner, seed=1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        qnn.QuantLinear(16, 5, weight=weight, input=inner, seed=2),
    )
    return qnn.pack(fitted(model, X).eval(), X[:5])


@pytest.fixture(scope="module")
def packed() -> qnn.PackedModel:
    return net()


def metadata(path: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


def export(packed: qnn.PackedModel, path: Path, form: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExportWarning)
        return packed.export_onnx(path, form, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weight", ["binary", "symmetric:4,axis=0", "uniform:8"])
def test_every_form_is_close(form: str, weight: str, tmp_path: Path) -> None:
    for inner in ("binary", "uniform:2", "symmetric:3,grid=even", "uniform:4"):
        packed = net(weight, inner)
        exported = export(packed, tmp_path / "net.onnx", form, example=X)
        assert exported.difference is not None
        # A sum that is rounded in another way may move a code to its neighbour.
        assert exported.difference <= (0 if form == "integer" else 0.5 * np.abs(packed(X)).max())
        assert exported.exact == (form == "integer")
        told = metadata(tmp_path / "net.onnx")
        assert told["qnn.form"] == form
        assert told["qnn.difference"] == repr(exported.difference)
        assert json.loads(told["qnn.exact"]) == exported.exact
        assert len(json.loads(told["qnn.inexact"])) == len(exported.inexact)
        onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "inner",
    ["binary:1,scale=1", "uniform:4,scale=0.25", "symmetric:2,scale=0.5", "symmetric:8,scale=1"],
)
def test_every_form_is_exact_where_floats_are(form: str, inner: str, tmp_path: Path) -> None:
    weight = "symmetric:4,scale=0.125"
    model = qnn.Sequential(
        qnn.QuantConv2d(3, 8, 3, padding=1, weight=weight, input=inner, seed=0),
        nn.HardTanh(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 4, 3, groups=2, weight=weight, input=inner, seed=1),
        nn.Flatten(),
        qnn.QuantLinear(16, 5, weight=weight, input=inner, seed=2),
    )
    # Sums are multiples of 1 / 32: none lies halfway between two levels, where rules differ.
    for layer in (model.layers[0], model.layers[3]):
        layer.bias.data[...] = 1 / 64
    packed = qnn.pack(fitted(model, X).eval(), X[:5])
    assert np.unique(packed(X)).size > 5
    assert export(packed, tmp_path / "net.onnx", form, example=X).difference == 0
    packed.save(tmp_path / "net.qnn")
    loaded = qnn.load(tmp_path / "net.qnn")
    difference = export(loaded, tmp_path / "net.onnx", form, example=X).difference
    # Where the file has thresholds, inputs are not DequantizeLinear's: onnxruntime may then round
    # them to 8 bits of its own for a weight that is.
    assert difference <= (0.05 if form == "qdq" else 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weight", ["binary", "symmetric:2,axis=0"])
def test_thresholds_of_files(form: str, weight: str, tmp_path: Path) -> None:
    """A file keeps thresholds in the place of normalization where that is shorter."""
    for inner in ("binary", "uniform:2"):
        model = qnn.MLP(
            [192, 64, 33, 5], weight=weight, input=inner, batch_norm=True, activation="tanh", seed=0
        )
        x = X.reshape(len(X), -1)
        model(x)
        for layer in (model.layers[1], model.layers[4]):
            layer.weight.data[...] = RNG.normal(size=layer.weight.shape)  # some channels fall
        packed = qnn.pack(model.eval(), x)
        packed.save(tmp_path / "net.qnn")
        loaded = qnn.load(tmp_path / "net.qnn")
        assert any(node.op == "requantize" and not node.chain for node in loaded.graph.nodes)
        exported = export(loaded, tmp_path / "net.onnx", form, example=x)
        assert exported.difference < 1e-3  # type: ignore[operator] # it was measured


def test_the_measured_difference_is_what_a_user_finds(tmp_path: Path) -> None:
    packed = net("symmetric:4", "uniform:8")
    for form in ("qdq", "float"):
        exported = export(packed, tmp_path / "net.onnx", form, example=X)
        (y,) = answers(tmp_path / "net.onnx", X)
        assert np.abs(y.astype(np.float64) - packed(X)).max() == exported.difference > 0


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes(packed: qnn.PackedModel, form: str, tmp_path: Path) -> None:
    packed.save(tmp_path / "net.qnn")
    loaded = (qnn.load(tmp_path / "net.qnn") for _ in range(2))
    for first, second in ((packed, net()), loaded):
        export(first, tmp_path / "a", form)
        export(second, tmp_path / "b", form)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("opset", "kind"), [(13, "INT8"), (21, "INT4"), (25, "INT2")])
def test_types_of_weights_by_opset(opset: int, kind: str, tmp_path: Path) -> None:
    packed = net("symmetric:2", "uniform:4")
    exported = export(packed, tmp_path / "net.onnx", "qdq", opset=opset, example=X)
    graph = onnx.load(tmp_path / "net.onnx").graph
    weights = {t.name: t for t in graph.initializer if t.name.endswith("weight_codes")}
    assert {onnx.TensorProto.DataType.Name(t.data_type) for t in weights.values()} == {kind}
    assert exported.difference is not None
    assert exported.difference < 1e-5


def test_quantizers_of_qdq_and_qonnx(packed: qnn.PackedModel, tmp_path: Path) -> None:
    export(packed, tmp_path / "net.onnx", "qdq")
    assert operators((tmp_path / "net.onnx").read_bytes()).count("QuantizeLinear") == 3
    with pytest.warns(ExportWarning, match="6 scales are not powers of two"):
        packed.export_onnx(tmp_path / "net.onnx", "qonnx")
    assert operators((tmp_path / "net.onnx").read_bytes()).count("Quant") == 6
    assert metadata(tmp_path / "net.onnx")["qnn.difference_on"].startswith("64 samples, qonnx ")
    export(net("binary", "binary"), tmp_path / "net.onnx", "qonnx")
    assert operators((tmp_path / "net.onnx").read_bytes()).count("BipolarQuant") == 6


def test_powers_of_two_need_no_warning(tmp_path: Path) -> None:
    model = qnn.QuantLinear(4, 2, weight="symmetric:4,scale=0.5", input="symmetric:4,scale=0.25")
    packed = qnn.pack(model.eval(), np.ones((1, 4)))
    exported = packed.export_onnx(tmp_path / "net.onnx", "qonnx")  # warnings are errors here
    assert exported.difference == 0


def test_levels_that_quantize_linear_has_not_are_compared(tmp_path: Path) -> None:
    packed = net("symmetric:4", "logarithmic:4")
    for form, operator in (("qdq", "QuantizeLinear"), ("qonnx", "Quant")):
        exported = export(packed, tmp_path / "net.onnx", form, example=X)
        assert "evenly spaced" in exported.inexact[0].reason
        made = operators((tmp_path / "net.onnx").read_bytes())
        assert made.count(operator) == (0 if form == "qdq" else 3)
        assert made.count("GreaterOrEqual") == 3 * 4


def test_a_float_model(tmp_path: Path) -> None:
    model = qnn.Sequential(
        nn.Conv2d(3, 6, 3, padding="same", seed=0), nn.BatchNorm(6), nn.Tanh(), nn.MaxPool2d(2),
        nn.GlobalAvgPool2d(), nn.Linear(6, 2, seed=1),
    )  # fmt: skip
    packed = qnn.pack(fitted(model, X).eval(), X)
    for form in FORMS:
        exported = export(packed, tmp_path / "net.onnx", form, example=X)
        assert 0 < exported.difference < 1e-5  # type: ignore[operator] # it was measured
        assert not exported.exact
    with pytest.warns(ExportWarning, match=r"layers\.0, layers\.5: a product.*; layers\.2: tanh"):
        packed.export_onnx(tmp_path / "net.onnx")


# Inputs and outputs


def test_names(packed: qnn.PackedModel, tmp_path: Path) -> None:
    (output,) = packed.graph.outputs
    names = {"input0": "pixels", output: "scores"}
    packed.export_onnx(tmp_path / "net.onnx", names=names)
    graph = onnx.load(tmp_path / "net.onnx").graph
    assert [given.name for given in graph.input] == ["pixels"]
    assert [made.name for made in graph.output] == ["scores"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    np.testing.assert_array_equal(answers(tmp_path / "net.onnx", X)[0], packed(X))
    # A name that some value inside has.
    inner = next(node.output[0] for node in graph.node)
    packed.export_onnx(tmp_path / "net.onnx", names={output: inner})
    np.testing.assert_array_equal(answers(tmp_path / "net.onnx", X)[0], packed(X))
    with pytest.raises(SpecError, match="names of y, but inputs and outputs are input0"):
        packed.export_onnx(tmp_path / "net.onnx", names={"y": "z"})
    with pytest.raises(SpecError, match="names of their own"):
        packed.export_onnx(tmp_path / "net.onnx", names={output: "input0"})


def test_outputs_that_are_inputs_constants_or_twice_the_same(tmp_path: Path) -> None:
    def model(x: qnn.Tensor, y: qnn.Tensor) -> tuple[qnn.Tensor, ...]:
        z = x * y
        return z, x, z

    x, y = X[:, 0, 0], X[:, 1, 1]
    packed = qnn.pack(model, (x, y))
    packed.export_onnx(tmp_path / "net.onnx", example=(x, y))
    assert len(answers(tmp_path / "net.onnx", x, y)) == 3
    assert check_integer(packed, x, y) == []


@pytest.mark.parametrize(
    "transform", [(100.0, 60.0), ([100, 120, 90], [60, 61.5, 77])], ids=["all", "channels"]
)
@pytest.mark.parametrize("raw", ["uint8", "float32"])
def test_mean_and_deviation_inside(
    packed: qnn.PackedModel, transform: Any, raw: Any, tmp_path: Path
) -> None:
    packed.export_onnx(tmp_path / "net.onnx", transform=transform, raw=raw)
    mean, deviation = (np.float32(part) for part in transform)
    x = PIXELS.astype(np.float32) / np.float32(255 if raw == "uint8" else 1)
    inside = (x - mean) * (np.float32(1) / deviation)
    (y,) = answers(tmp_path / "net.onnx", PIXELS.astype(raw))
    np.testing.assert_array_equal(y, packed(inside))


def test_a_function_inside(packed: qnn.PackedModel, tmp_path: Path) -> None:
    def transform(x: np.ndarray) -> np.ndarray:
        return np.tanh(x.astype(np.float32) / np.float32(77) - np.float32(1)).reshape(len(x), -1)

    packed.export_onnx(tmp_path / "net.onnx", transform=transform, raw="uint8", example=PIXELS)
    (y,) = answers(tmp_path / "net.onnx", PIXELS)
    np.testing.assert_array_equal(y, packed(transform(PIXELS).reshape(PIXELS.shape)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"transform": np.tanh}, DtypeError, r"becomes a table of the 256 bytes \(raw='uint8'\)"),
        ({"transform": lambda x: x, "raw": "uint8"}, DtypeError, "it makes uint8"),
        ({"transform": lambda x: x[:1], "raw": "uint8"}, ShapeError, "makes 1 and 256 numbers"),
        (
            {"transform": lambda x: np.float32(x - x.min(0)), "raw": "uint8"},
            DtypeError,
            "the same in every place",
        ),
        ({"transform": lambda x: x @ x, "raw": "uint8"}, ShapeError, "transform fails on bytes"),
        (
            {"transform": lambda x: np.log(x.astype(np.float32) * 0), "raw": "uint8"},
            SpecError,
            "not finite",
        ),
        ({"transform": (0, 0)}, SpecError, "a deviation above 0"),
        ({"transform": (np.nan, 1)}, SpecError, "a finite mean"),
        ({"transform": 3}, SpecError, r"must be \(mean, deviation\)"),
        ({"transform": ([1, 2], 1)}, ShapeError, "2 means or deviations do not fit input0"),
        ({"transform": (np.ones((1, 3)), 1)}, ShapeError, "one for each channel"),
        ({"transform": (0, 1), "raw": "int8"}, SpecError, "raw must be"),
        ({"raw": "uint8"}, SpecError, "that transform= acts on"),
        ({"form": "tflite"}, SpecError, "integer, qdq, qonnx, float.*TensorFlow Lite"),
        ({"form": "intger"}, SpecError, "did you mean 'integer'"),
        ({"opset": 12}, SpecError, "from 13 on, got 12"),
        ({"opset": 999}, ImportError, "opset 999 is newer than"),
        ({"example": X[..., :2]}, ShapeError, r"an example of .*'batch', 8, 8, 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_refused(
    packed: qnn.PackedModel, options: Any, error: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        packed.export_onnx(tmp_path / "net.onnx", **options)
    assert list(tmp_path.iterdir()) == []


# What may be missing, or go wrong


def test_without_onnx(
    packed: qnn.PackedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="a file of ONNX needs onnx: pip install onnx"):
        packed.export_onnx(tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "program"), [("integer", "onnxruntime"), ("qonnx", "qonnx.core.modelwrapper")]
)
def test_without_what_runs_it(
    packed: qnn.PackedModel,
    form: str,
    program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, program, None)
    exported = export(packed, tmp_path / "net.onnx", form)
    assert exported.difference is None
    assert exported.on == f"{program.partition('.')[0]} is not installed"
    assert metadata(tmp_path / "net.onnx")["qnn.difference"] == "not measured"


def test_drawn_inputs_that_a_model_refuses(tmp_path: Path) -> None:
    def model(x: qnn.Tensor) -> qnn.Tensor:
        return qnn.ops.fake_quantize(qnn.ops.log(x), 0.5, quantizer="symmetric:3")

    packed = qnn.pack(model, np.abs(X) + 1)
    with np.errstate(all="ignore"):
        exported = export(packed, tmp_path / "net.onnx", "integer")
    assert exported.difference is None
    assert exported.on.startswith("the packed model refuses the inputs")
    exported = export(packed, tmp_path / "net.onnx", "integer", example=np.abs(X) + 1)
    assert exported.on.startswith("30 samples, onnxruntime")


def test_answers_that_differ_are_not_written(
    packed: qnn.PackedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A packed model that answers with another bit than its graph.
    right = type(packed)._run
    wrong = lambda self, inputs: [np.nextafter(y, np.float32(9)) for y in right(self, inputs)]  # noqa: E731 # beside what it replaces
    monkeypatch.setattr(type(packed), "_run", wrong)
    with pytest.raises(PackError, match="nothing was written"):
        packed.export_onnx(tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_onnx_has_not(tmp_path: Path) -> None:
    packed = qnn.pack(lambda x: x[:, [0, 1], [1, 0]], X)
    with pytest.raises(GraphError, match=r"getitem.*has no form in ONNX"):
        packed.export_onnx(tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
