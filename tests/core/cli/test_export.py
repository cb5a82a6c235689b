"""``qnn export``: what it lists, what it writes, and what it refuses."""

import sys
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from onnx_models import answers
from qnn_core.cli import main

X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    specs = {"weight": "symmetric:4,scale=0.1", "input": "symmetric:8,scale=0.1"}
    model = qnn.MLP([6, 5, 3], **specs, last_weight="binary", last_input="uniform:2", seed=0)
    model(X)
    qnn.pack(model.eval(), X).save(tmp_path / "net.qnn")
    return tmp_path / "net.qnn"


def test_the_forms_are_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(file)]) == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines() if line and line[0].isalpha()]
    assert [line[0] for line in lines] == ["form", "integer", "qdq", "qonnx", "float", "Other"]
    assert shown.count("the same bits") == 1
    assert "TensorFlow Lite" in shown


def test_a_form_that_a_file_cannot_have_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qnn.pack(lambda x: x[:, [0, 1], [1, 0]], np.ones((2, 3, 3))).save(tmp_path / "net.qnn")
    assert main(["export", str(tmp_path / "net.qnn")]) == 0
    assert capsys.readouterr().out.count("cannot: export_onnx:") == 4


def test_a_float_layer_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    qnn.pack(qnn.Sequential(qnn.nn.Linear(6, 3, seed=0)), X).save(tmp_path / "net.qnn")
    assert main(["export", str(tmp_path / "net.qnn")]) == 0
    assert "the same bits but for 1: layers.0:" in capsys.readouterr().out
    assert main(["export", str(tmp_path / "net.qnn"), str(tmp_path / "a"), "--form=integer"]) == 0
    assert "qnn: export_onnx: 1 parts may give other last bits" in capsys.readouterr().err


def test_a_file_is_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_name("net.onnx")
    assert main(["export", str(file), str(out), "--form", "integer"]) == 0
    assert "difference to the packed model 0\n(64 samples, onnxruntime" in capsys.readouterr().out
    np.testing.assert_array_equal(answers(out, X)[0], qnn.load(file)(X))


@pytest.mark.parametrize("means", [["3"], ["1", "2", "3", "4", "5", "6"]])
def test_mean_and_deviation(file: Path, means: list[str]) -> None:
    out = file.with_name("net.onnx")
    transform = ["--mean", *means, "--std", "4", "--raw", "uint8"]
    assert main(["export", str(file), str(out), "--form", "integer", *transform]) == 0
    raw = np.arange(120, dtype=np.uint8).reshape(20, 6)
    pixels = raw.astype(np.float32) / np.float32(255)
    inside = (pixels - np.float32(means)) * np.float32(0.25)
    np.testing.assert_array_equal(answers(out, raw)[0], qnn.load(file)(inside))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.onnx"], "both, a file to write and its --form"),
        (["--form", "integer"], "both, a file to write and its --form"),
        (["net.onnx", "--form", "tflite"], "form must be one of integer, qdq, qonnx, float"),
        (["net.onnx", "--form", "float", "--mean", "1"], "--mean and --std belong together"),
        (["net.onnx", "--form", "float", "--opset", "3"], "from 13 on"),
        (["no/such/folder.onnx", "--form", "float"], "no/such/folder.onnx"),
    ],
)
def test_what_is_refused(
    file: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(file.parent)
    assert main(["export", file.name, *arguments]) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_without_onnx(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(file), str(file.with_name("a")), "--form", "float"]) == 1
    assert "pip install onnx" in capsys.readouterr().err
