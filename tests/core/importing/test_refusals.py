"""What has no form here is refused by name, all of it at once; damaged files say so."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
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
    "a kernel of another length": (
        [node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3])],
        {"w": floats(0, 2, 4, 1, 1)},
        r"kernel_shape \(3, 3\) for a weight of \(1, 1\)",
    ),
    "an unknown padding": (
        [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], auto_pad="SAME")],
        {},
        r"auto_pad 'SAME'; NOTSET, SAME_UPPER, SAME_LOWER, VALID only",
    ),
    "no kernel": ([node("MaxPool", ["x"], ["y"])], {}, r"without the attribute 'kernel_shape'"),
    "half of the pads": (
        [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1])],
        {},
        r"pads \(1, 1\); 4 numbers of at least 0 are needed",
    ),
    "no stride": (
        [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 1])],
        {},
        r"strides \(0, 1\); 2 numbers of at least 1 are needed",
    ),
    "no axis": ([node("Concat", ["x", "x"], ["y"])], {}, r"without the attribute 'axis'"),
    "statistics that are none": (
        [node("BatchNormalization", ["x", "c", "c", "c", "n"], ["y"])],
        {"c": np.ones(4, np.float32), "n": np.float32([1, np.nan, 1, 1])},
        r"a statistic that holds NaN",
    ),
    "a variance below 0": (
        [node("BatchNormalization", ["x", "c", "c", "c", "n"], ["y"])],
        {"c": np.ones(4, np.float32), "n": np.float32([1, -1, 1, 1])},
        r"a variance below 0",
    ),
    "a constant that is no number": (
        [node("Add", ["x", "c"], ["y"])],
        {"c": np.float32(np.nan)},
        r"a constant that holds NaN",
    ),
    "a scaler without an offset": (
        [node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", scale=[1.0])],
        {},
        r"without the attribute 'offset'",
    ),
    "a regression without coefficients": (
        [node("LinearRegressor", ["x"], ["y"], domain="ai.onnx.ml")],
        {},
        r"without the attribute 'coefficients'",
    ),
    "an attribute of another kind": (
        [node("Transpose", ["x"], ["y"], perm=1.5)],
        {},
        r"no file should have it so \(TypeError",
    ),
    "a number of the batch": (
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "first"], ["n"]),
            node("Sub", ["n", "one"], ["m"]),
            node("Concat", ["minus", "m"], ["t"], axis=0),
            node("Reshape", ["x", "t"], ["y"]),
        ],
        {name: np.int64([n]) for name, n in (("first", 0), ("one", 1), ("minus", -1))},
        r"input 1 .'t'., which the batch decides",
    ),
    "as long as the batch": (
        [
            node("Shape", ["x"], ["s"]),
            node("Expand", ["one", "s"], ["e"]),
            node("Add", ["x", "e"], ["y"]),
        ],
        {"one": np.float32(1)},
        r"Expand 'e': an array as long as the batch",
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
        qnn.from_onnx(model(nodes, X4, constants, domains=["ai.onnx.ml"]))


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


def test_wrong_lengths_of_inputs() -> None:
    proto = model([node("Relu", ["x"], ["y"])], ["n", "width"])
    for wrong in (4, {"x": 4}, {"x": "4"}):
        with pytest.raises(ShapeError, match=r"input_shape needs lengths, such as .*, got"):
            qnn.from_onnx(proto, input_shape=wrong)
    with pytest.raises(ShapeError, match=r"input_shape names 'z', the inputs are x"):
        qnn.from_onnx(proto, input_shape={"z": (4,)})
    with pytest.raises(SpecError, match=r"no value is called \['y'\]"):
        qnn.from_onnx(proto, input_shape=(4,), outputs=[["y"]])
    with pytest.raises(ConversionError, match=r"'x' is one number: no axis is a batch"):
        qnn.from_onnx(model([node("Relu", ["x"], ["y"])], []))


def _without_data(proto: Any) -> None:
    proto.graph.initializer[0].raw_data = b"12"


def _no_text(proto: Any) -> None:
    proto.graph.node[0].attribute[0].s = b"\xff\xfe"


def _no_dtype(proto: Any) -> None:
    proto.graph.output[0].type.tensor_type.elem_type = 99


def _elsewhere(proto: Any) -> None:
    constant = proto.graph.initializer[0]
    constant.ClearField("raw_data")
    constant.data_location = onnx.TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="nowhere.bin")


def _endless(proto: Any) -> None:
    call = node("F", ["a"], ["b"], domain="own")
    imports = [helper.make_opsetid("own", 1)]
    made = helper.make_function("own", "F", ["a"], ["b"], [call], imports)
    proto.functions.append(made)
    proto.opset_import.append(imports[0])
    proto.graph.node[0].domain, proto.graph.node[0].op_type = "own", "F"


def _graph_of_nobody(proto: Any) -> None:
    empty = helper.make_graph([], "b", [], [])
    proto.graph.node.append(node("If", ["x"], [], then_branch=empty, else_branch=empty))


@pytest.mark.parametrize(
    "damage", [_without_data, _no_text, _no_dtype, _elsewhere, _endless, _graph_of_nobody]
)
def test_damage_inside_of_a_file(damage: Any, tmp_path: Path) -> None:
    made = node("Conv", ["x", "w"], ["y"], auto_pad="VALID")
    proto = model([made], X4, {"w": floats(0, 2, 4, 1, 1)})
    damage(proto)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    for given in (proto, path):
        with pytest.raises((FileError, ConversionError), match=r"^from_onnx: "):
            qnn.from_onnx(given)


def test_an_input_may_have_the_name_of_a_layer() -> None:
    proto = model([node("Relu", ["relu"], ["a"]), node("Tanh", ["a"], ["y"])], X4)
    proto.graph.input[0].name = "relu"
    x = floats(0, 2, 4, 6, 5)
    net = qnn.from_onnx(proto)
    assert net.inputs == ("relu",)
    np.testing.assert_allclose(net(x).data, np.tanh(np.maximum(x, 0)), rtol=0, atol=1e-6)


def test_files_of_the_other_quantized_format_hear_of_this_one() -> None:
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        node("Cast", ["q"], ["y"], to=1),
    ]
    with pytest.raises(ConversionError, match=r"DynamicQuantizeLinear .*QuantFormat\.QDQ"):
        qnn.from_onnx(model(nodes, X4))


def test_scores_by_the_names_of_classes_stay_a_matrix() -> None:
    nodes = [
        node("Softmax", ["x"], ["p"]),
        node("ZipMap", ["p"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]),
    ]
    proto = model(nodes, ["n", 3], domains=["ai.onnx.ml"])
    kind = proto.graph.output[0].type
    kind.Clear()
    kind.sequence_type.elem_type.map_type.key_type = onnx.TensorProto.INT64
    x = floats(0, 4, 3)
    assert qnn.from_onnx(proto)(x).shape == (4, 3)
