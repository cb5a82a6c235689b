"""Readers of the traced graph: trace itself, the summary, the drawing."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor, nn, ops
from qnn_core.analysis.model_summary import Summary
from qnn_core.errors import GraphError


class Residual(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.QuantLinear(4, 4, weight="binary", seed=0)
        self.gain = Parameter([2.0])

    def forward(self, x: Tensor) -> Tensor:
        return x + ops.relu(self.inner(x)) * self.gain


def names(graph: qnn.autodiff.Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


# trace


def test_any_forward_is_traced() -> None:
    graph = qnn.trace(Residual(), np.ones((2, 4)))
    assert names(graph) == ["fake_quantize", "linear", "relu", "multiply", "add"]
    assert [n.scope for n in graph.nodes] == ["inner.weight_quantizer", "inner", "", "", ""]
    assert [n.layer for n in graph.nodes][:3] == ["QuantizeWeight", "QuantLinear", "Residual"]
    assert graph.nodes[0].inputs[0].name == "inner.weight"
    assert graph.nodes[3].inputs[1].name == "gain"
    assert graph.nodes[4].inputs[0] is graph.inputs[0]
    assert graph.outputs == (graph.nodes[4].output,)
    assert graph.producer(graph.outputs[0]) is graph.nodes[4]
    assert graph.producer(graph.inputs[0]) is None


def test_a_plain_function() -> None:
    graph = qnn.trace(lambda a, b: (a @ b, ops.exp(a)), (np.ones((2, 2)), np.eye(2)))
    assert names(graph) == ["matmul", "exp"]
    assert [v.name for v in graph.inputs] == ["input0", "input1"]
    assert len(graph.outputs) == 2


def test_tracing_evaluates_and_restores_the_modes() -> None:
    model = qnn.MLP([4, 3, 2], dropout=0.5, batch_norm=True, seed=0)
    before = model.state_dict()
    graph = qnn.trace(model, np.ones((2, 4)))
    assert "dropout" not in names(graph)
    assert all(m.training for _, m in model.named_modules())
    assert all(np.array_equal(before[n], a) for n, a in model.state_dict().items())


def test_modes_are_restored_after_an_error() -> None:
    model = qnn.MLP([4, 2], seed=0)
    with pytest.raises(qnn.QnnError):
        qnn.trace(model, np.ones((2, 3)))
    assert model.training
    assert (model(np.ones((1, 4)))).requires_grad


def test_a_model_before_calibration_can_be_traced() -> None:
    model = qnn.MLP([4, 3, 2], input="uniform:2", seed=0)
    assert "fake_quantize" in names(qnn.trace(model, np.ones((1, 4))))


def test_the_dtype_of_the_model_is_kept() -> None:
    graph = qnn.trace(qnn.MLP([4, 2], seed=0).astype(np.float64), np.ones((1, 4)))
    assert {v.dtype for n in graph.nodes for v in (*n.inputs, n.output)} == {np.dtype(np.float64)}


@pytest.mark.parametrize("result", [None, 3.0, [np.ones(2)], {"y": 1.0}, np.ones(2)])
def test_what_is_no_tensor_is_refused(result: Any) -> None:
    with pytest.raises(GraphError, match="the model returned"):
        qnn.trace(lambda x: result, np.ones(2))


# summary


def test_an_mlp_with_binary_weights() -> None:
    model = qnn.MLP([64, 32, 10], weight="binary", input="uniform:2", seed=0)
    report = qnn.summary(model, np.zeros((7, 64)))
    first, relu, last = report.rows
    assert [r.layer for r in report.rows] == ["QuantLinear", "ReLU", "Linear"]
    assert (first.path, first.shape) == ("layers.0", (7, 32))
    assert first.parameters == 64 * 32 + 32 + 2  # weight, bias, two learned scales
    assert (first.weight_bits, first.input_bits, first.macs) == (1, 2, 64 * 32)
    all_qparams = 2 * (4 + 4)  # scale and shift of the weight and of the input
    levels = (2 + 4) * 4
    assert first.nbytes == 64 * 32 // 8 + 32 * 4 + all_qparams + levels
    assert (relu.parameters, relu.macs, relu.nbytes, relu.weight_bits) == (0, 0, 0, None)
    assert (last.parameters, last.nbytes) == (330, 330 * 4)
    assert report.macs == {(1, 2): 64 * 32, (32, 32): 320}
    assert report.parameters == first.parameters + 330
    assert report.nbytes == first.nbytes + 330 * 4
    assert report.float_nbytes == (64 * 32 + 32 + 330) * 4


def test_per_channel_all_qparams_are_counted_by_channel() -> None:
    layer = nn.Sequential(nn.QuantLinear(9, 5, weight="symmetric:3,axis=0", bias=False, seed=0))
    (row,) = qnn.summary(layer, np.zeros((1, 9))).rows
    assert row.parameters == 45 + 5
    assert row.nbytes == (45 * 3 + 7) // 8 + 7 * 4 + 5 * 4 + 5 * 4


def test_a_quantized_layer_alone_is_one_row() -> None:
    layer = nn.QuantLinear(4, 4, weight="binary", input="uniform:2", seed=0)
    (row,) = qnn.summary(layer, np.zeros((1, 4))).rows
    assert (row.layer, row.weight_bits, row.input_bits) == ("QuantLinear", 1, 2)


def test_a_residual() -> None:
    report = qnn.summary(Residual(), np.zeros((3, 4)))
    assert {r.path: (r.layer, r.macs, r.parameters) for r in report.rows} == {
        "inner": ("QuantLinear", 16, 16 + 4 + 1),
        "": ("Residual", 0, 1),
    }


def test_a_layer_used_twice_does_its_work_twice_and_is_stored_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.QuantLinear(4, 4, weight="binary", seed=0)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    once = qnn.summary(nn.Sequential(Twice().layer), np.zeros((1, 4)))
    twice = qnn.summary(Twice(), np.zeros((1, 4)))
    assert twice.macs == {(1, 32): 32}
    assert (twice.parameters, twice.nbytes) == (once.parameters, once.nbytes)


def test_the_summary_of_a_function() -> None:
    report = qnn.summary(lambda x: ops.relu(x @ np.ones((4, 3))), np.zeros((2, 4)))
    assert report.macs == {(32, 32): 12}
    assert report.parameters == 0


def test_float_bytes_are_those_of_float32_whatever_the_dtype() -> None:
    model = qnn.MLP([4, 3], seed=0)
    expected = qnn.summary(model, np.zeros((1, 4))).float_nbytes
    assert qnn.summary(model.astype(np.float64), np.zeros((1, 4))).float_nbytes == expected


def test_the_table() -> None:
    text = str(qnn.summary(qnn.MLP([64, 32, 10], weight="binary", seed=0), np.zeros((1, 64))))
    row = next(line for line in text.splitlines() if "QuantLinear" in line)
    assert row.split()[:2] == ["layers.0", "QuantLinear"]
    assert "1 x 32" in row
    assert "2,048" in row
    assert "1x32: 2,048, 32x32: 320" in text
    assert str(Summary([]))


# drawing


def test_dot_text() -> None:
    text = qnn.to_dot(qnn.trace(Residual(), np.ones((2, 4))))
    assert text.startswith("digraph model {")
    assert text.endswith("}\n")
    for part in ("input0", "inner.weight", "linear\\ninner", "Binary(bits=1)", "2 x 4", "output"):
        assert part in text
    drawn = {line.split()[0] for line in text.splitlines() if "[shape=" in line}
    used = {
        end
        for line in text.splitlines()
        if "->" in line
        for end in line.split(" [")[0].strip(" ;").split(" -> ")
    }
    assert used <= drawn
    assert text.count("[shape=box") == 5


def test_names_are_quoted() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * getattr(self, 'we"ight\\')

    odd = Odd()
    setattr(odd, 'we"ight\\', Parameter([1.0]))
    assert r'label="we\"ight\\\n1"' in qnn.to_dot(qnn.trace(odd, np.ones(1)))


@pytest.mark.parametrize("result", ["input", "parameter"])
def test_outputs_that_no_operation_made(result: str) -> None:
    parameter = Parameter([1.0])
    text = qnn.to_dot(qnn.trace(lambda x: x if result == "input" else parameter, np.ones(1)))
    assert "-> out0" in text


def test_dot_text_alone(tmp_path: Path) -> None:
    path = qnn.draw(Residual(), np.ones((2, 4)), tmp_path / "model.dot")
    assert path.read_text(encoding="utf-8").startswith("digraph")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize(
    ("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_a_picture(tmp_path: Path, suffix: str, begins: bytes) -> None:
    path = qnn.draw(Residual(), np.ones((2, 4)), tmp_path / f"model{suffix}")
    assert path.suffix == suffix
    assert path.read_bytes().startswith(begins)
    assert path.with_suffix(".dot").exists()


def test_without_graphviz_there_is_a_warning_and_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.warns(UserWarning, match=r"'dot' is not installed.*dot -Tpng"):
        path = qnn.draw(Residual(), np.ones((2, 4)), tmp_path / "model.png")
    assert path.suffix == ".dot"
    assert not (tmp_path / "model.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as a program")
def test_what_graphviz_complains_about_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'Format: \"xyz\" not recognized' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match='Format: "xyz" not recognized'):
        qnn.draw(Residual(), np.ones((2, 4)), tmp_path / "model.xyz")


def test_a_picture_needs_a_suffix(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a suffix"):
        qnn.draw(Residual(), np.ones((2, 4)), tmp_path / "model")


@pytest.mark.parametrize(
    "product",
    [
        lambda x, w: ops.matmul(x, w.T),
        lambda x, w: ops.matmul(w, x.T),
        lambda x, w: ops.linear(x.reshape(1, 4), w),
    ],
)
def test_bits_are_seen_through_what_only_moves_data(product: Any) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.weight = Parameter(np.ones((3, 4)))

        def forward(self, x: Tensor) -> Tensor:
            w = ops.fake_quantize(self.weight, 1.0, quantizer="binary")
            return product(ops.fake_quantize(x, 1.0, quantizer="uniform:4"), w)

    assert qnn.summary(Net(), np.zeros((1, 4))).macs == {(1, 4): 12}
