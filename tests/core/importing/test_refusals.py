"""What has no form here is refused by name, all of it at once; damaged files say so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from onnx import helper
from onnx_files import floats, model, path_of
from qnn_core.errors import ConversionError, FileError, ShapeError, SpecError

node = helper.make_node
X4 = ["n", 4, 6, 5]


def test_unknown_operators_are_listed_together() -> None:
    nodes = [
        node("Erf", ["x"], ["a"], name="/gelu/Erf"),
        node("LSTM", ["a", "w", "w"], ["b"]),
        node("Erf", ["b"], ["y"]),
    ]
    with pytest.raises(ConversionError) as error:
        qnn.from_onnx(model(nodes, X4, {"w": floats(0, 1, 4, 4)}))
    message = str(error.value)
    assert "Erf (2 times, first as /gelu/Erf 'a')" in message
    assert "LSTM (1 times, first as output 'b')" in message


def test_ways_of_using_an_operator_are_listed_together() -> None:
    nodes = [
        node("Pad", ["x", "p"], ["a"], name="around", mode="reflect"),
        node("Relu", ["a"], ["b"]),
        node("Softmax", ["x"], ["c"], name="over the batch", axis=0),
        node("Add", ["b", "c"], ["y"]),
    ]
    with pytest.raises(ConversionError) as error:
        qnn.from_onnx(model(nodes, X4, {"p": np.int64([0, 0, 1, 1, 0, 0, 1, 1])}))
    message = str(error.value)
    assert "Pad 'around': mode 'reflect'; constant only" in message
    assert "Softmax 'over the batch': a softmax over the batch" in message


CASES: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "3-D": (
        [node("Conv", ["x", "w"], ["y"])],
        {"w": floats(0, 2, 4, 1, 1, 1)},
        r"a convolution over",
    ),
    "a weight that is computed": (
        [node("Relu", ["x"], ["r"]), node("Gemm", ["x", "r"], ["y"])],
        {},
        r"input 1 \('r'\) is no constant",
    ),
    "the batch is merged": (
        [node("Reshape", ["x", "s"], ["y"])],
        {"s": np.int64([-1, 5])},
        r"a shape \[batch \* 24, 5\]: the batch must stay in front",
    ),
    "dilated pools": (
        [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 2])],
        {},
        r"a pool with dilations",
    ),
    "places of maxima": (
        [node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])],
        {},
        r"places of the maxima",
    ),
    "lengths of the batch": (
        [
            node("Shape", ["x"], ["s"]),
            node("Cast", ["s"], ["f"], to=1),
            node("Add", ["x", "f"], ["y"]),
        ],
        {},
        r"Add 'y': input 1 .'f'., which the batch decides",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_way_that_has_no_form(case: str) -> None:
    nodes, constants, message = CASES[case]
    with pytest.raises(ConversionError, match=message):
        qnn.from_onnx(model(nodes, X4, constants))


def test_a_graph_inside_of_an_operator() -> None:
    branch = helper.make_graph([node("Relu", ["x"], ["z"])], "b", [], [])
    nodes = [node("If", ["c"], ["y"], name="either", then_branch=branch, else_branch=branch)]
    with pytest.raises(ConversionError, match=r"If 'either' holds a graph of its own"):
        qnn.from_onnx(model(nodes, X4, {"c": np.bool_(True)}))


def test_open_lengths_are_asked_for() -> None:
    proto = model([node("Relu", ["x"], ["y"])], ["n", 3, "height", "width"])
    with pytest.raises(ShapeError, match=r"'x' has shape \[batch, 3, \?, \?\] in the file: give"):
        qnn.from_onnx(proto)
    with pytest.raises(ShapeError, match=r"input_shape \(1, 8, 8\) does not fit"):
        qnn.from_onnx(proto, input_shape=(1, 8, 8))
    assert qnn.from_onnx(proto, input_shape=(3, 8, 8))(floats(0, 2, 3, 8, 8)).shape == (2, 3, 8, 8)


def test_wrong_arguments() -> None:
    path = path_of("lenet-script-11")
    with pytest.raises(SpecError, match=r"batch_norm must be one of keep, fold, got 'merge'"):
        qnn.from_onnx(path, batch_norm="merge")
    with pytest.raises(SpecError, match=r"layout must be one of channels_first, channels_last"):
        qnn.from_onnx(path, layout="NCHW")
    with pytest.raises(SpecError, match=r"no value is called 'outptu'"):
        qnn.from_onnx(path, outputs=["outptu"])
    with pytest.raises(TypeError, match=r"a path, bytes or a ModelProto is needed, got 3"):
        qnn.from_onnx(3)


def test_inner_values_are_outputs_too() -> None:
    nodes = [node("Relu", ["x"], ["features"]), node("Tanh", ["features"], ["y"])]
    net = qnn.from_onnx(model(nodes, X4), outputs=["features", "y"])
    x = floats(0, 2, 4, 6, 5)
    features, y = net(x)
    np.testing.assert_array_equal(features.data, np.maximum(x, 0))
    np.testing.assert_allclose(y.data, np.tanh(features.data), rtol=0, atol=1e-6)


@pytest.mark.parametrize("cut", [1, 100, 2000])
def test_a_damaged_file(tmp_path: Path, cut: int) -> None:
    content = path_of("lenet-script-11").read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[:-cut])
    with pytest.raises(FileError, match=r"cut\.onnx"):
        qnn.from_onnx(path)
    with pytest.raises(FileError, match=r"what was given"):
        qnn.from_onnx(b"no model at all")
    with pytest.raises(FileNotFoundError):
        qnn.from_onnx(tmp_path / "none.onnx")


def test_images_of_another_shape_are_refused_at_the_door() -> None:
    net = qnn.from_onnx(path_of("lenet-script-11"))
    x = floats(0, 2, 1, 28, 28)
    assert net(x).shape == (2, 10)
    with pytest.raises(ShapeError, match=r"one sample is a batch of one, x\[None\]"):
        net(x[0])
    with pytest.raises(ShapeError, match=r"shape \[batch, 1, 28, 28\] is needed for 'input'"):
        net(x.reshape(2, 784))
    with pytest.raises(ShapeError, match=r"are the channels where they should be"):
        net(x.transpose(0, 2, 3, 1))


def test_an_input_may_have_the_name_of_a_layer() -> None:
    proto = model([node("Relu", ["relu"], ["a"]), node("Tanh", ["a"], ["y"])], X4)
    proto.graph.input[0].name = "relu"
    x = floats(0, 2, 4, 6, 5)
    net = qnn.from_onnx(proto)
    assert net.inputs == ("relu",)
    np.testing.assert_allclose(net(x).data, np.tanh(np.maximum(x, 0)), rtol=0, atol=1e-6)
