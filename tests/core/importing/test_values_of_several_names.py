"""One value under several names, codes that move, constants that are more than they seem."""

from typing import Any

import numpy as np
import onnx
import pytest
import qnn_core as qnn
from onnx import helper
from onnx_files import answers, floats, model
from qnn_core.errors import ConversionError

node = helper.make_node
X4, X3, X2 = ["n", 4, 6, 5], ["n", 3, 5], ["n", 6]
LONG = np.int64
NORM = {name: np.abs(floats(n, 4)) + 0.5 for n, name in enumerate("sbmv")}
SCALE = {"s": np.float32(0.1), "z": np.int8(0)}
ALIASES = [
    [node("Identity", ["c"], ["a"])],
    [node("Cast", ["c"], ["a"], to=onnx.TensorProto.FLOAT)],
    [
        node("Transpose", ["c"], ["t"], perm=[0, 1, 3, 2]),
        node("Transpose", ["t"], ["a"], perm=[0, 1, 3, 2]),
    ],
]


def check(proto: Any, **options: Any) -> None:
    (item,) = proto.graph.input
    lengths = [n.dim_value for n in item.type.tensor_type.shape.dim][1:]
    net = qnn.from_onnx(proto, **options)
    for count in (1, 3):
        x = floats(count, count, *lengths)
        (theirs,) = answers(proto, x)
        ours = net(x).data
        assert ours.shape == theirs.shape
        scale = max(float(np.abs(theirs).max()), 1.0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-6 * scale)


@pytest.mark.parametrize("at", range(len(ALIASES)))
@pytest.mark.parametrize("batch_norm", ["keep", "fold"])
def test_a_normalization_of_what_is_taken_by_another_name(batch_norm: str, at: int) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        *ALIASES[at],
        node("BatchNormalization", ["c", *"sbmv"], ["n"]),
        node("Add", ["n", "a"], ["y"]),
    ]
    check(model(nodes, X4, NORM | {"w": floats(9, 4, 4, 1, 1)}), batch_norm=batch_norm)


def test_a_bias_for_one_of_two_names() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Unsqueeze", ["m", "a"], ["u"]),
        node("Unsqueeze", ["m", "a"], ["v"]),
        node("Add", ["u", "c"], ["p"]),
        node("Mul", ["p", "v"], ["y"]),
    ]
    check(model(nodes, X2, {"w": floats(0, 6, 4), "a": LONG([1]), "c": floats(1, 4)}))


@pytest.mark.parametrize("shape", [(3,), (5, 1), (5, 3)])
def test_a_bias_along_another_axis(shape: tuple[int, ...]) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Transpose", ["m"], ["t"], perm=[0, 2, 1]),
        node("Add", ["t", "c"], ["y"]),
    ]
    check(model(nodes, X3, {"w": floats(0, 5, 5), "c": floats(1, *shape)}))


def test_zeros_that_two_take() -> None:
    nodes = [
        node("Pad", ["x", "p"], ["z"]),
        node("Identity", ["z"], ["i"]),
        node("Conv", ["z", "w"], ["a"]),
        node("Relu", ["i"], ["r"]),
        node("Conv", ["r", "w"], ["b"]),
        node("Add", ["a", "b"], ["y"]),
    ]
    check(model(nodes, X4, {"p": LONG([0, 0, 1, 1, 0, 0, 0, 2]), "w": floats(0, 3, 4, 2, 2)}))


@pytest.mark.parametrize("between", ["Cast", "Reshape", "other scale"])
def test_codes_of_constants(between: str) -> None:
    steps = {
        "Cast": [node("Cast", ["q"], ["d"], to=onnx.TensorProto.FLOAT)],
        "Reshape": [
            node("Reshape", ["q", "r"], ["k"]),
            node("Reshape", ["k", "back"], ["l"]),
            node("DequantizeLinear", ["l", "s", "z"], ["d"]),
        ],
        "other scale": [node("DequantizeLinear", ["q", "s2", "z"], ["d"])],
    }[between]
    nodes = [
        node("QuantizeLinear", ["w", "s", "z"], ["q"]),
        *steps,
        node("MatMul", ["x", "d"], ["y"]),
    ]
    more = {"w": floats(0, 6, 3), "r": LONG([18]), "back": LONG([6, 3]), "s2": np.float32(0.3)}
    check(model(nodes, X2, SCALE | more))


def test_latent_weights_are_kept() -> None:
    nodes = [
        node("QuantizeLinear", ["w", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("MatMul", ["x", "d"], ["y"]),
    ]
    weight = floats(0, 6, 3)
    proto = model(nodes, X2, SCALE | {"w": weight})
    check(proto)
    np.testing.assert_array_equal(qnn.from_onnx(proto).mat_mul.weight.array, weight.T)


CODES: dict[str, list[Any]] = {
    "the output .* is of codes": [node("Identity", ["q"], ["y"])],
    "arithmetic with codes": [node("Relu", ["q"], ["r"]), node("Cast", ["r"], ["y"], to=1)],
    "codes as numbers": [node("Cast", ["q"], ["y"], to=1)],
}


@pytest.mark.parametrize("message", CODES)
def test_codes_are_no_numbers(message: str) -> None:
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), *CODES[message]]
    with pytest.raises(ConversionError, match=message):
        qnn.from_onnx(model(nodes, X2, SCALE))


def test_a_scale_for_each_channel_moves_with_the_axis() -> None:
    scales = {"s": np.float32([0.1, 0.3, 0.05]), "z": np.zeros(3, np.int8)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
        node("Transpose", ["q"], ["t"], perm=[0, 2, 1]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"], axis=2),
    ]
    check(model(nodes, X3, scales))
    nodes[2] = node("DequantizeLinear", ["t", "s", "z"], ["y"], axis=1)
    with pytest.raises(ConversionError, match=r"codes that no QuantizeLinear"):
        qnn.from_onnx(model(nodes, ["n", 3, 3], scales))


def test_numbers_that_the_batch_decides_are_refused() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Cast", ["s"], ["f"], to=1),
        node("ReduceProd", ["f"], ["p"], keepdims=0),
        node("Div", ["x", "p"], ["y"]),
    ]
    with pytest.raises(ConversionError, match=r"input 1 \('p'\), which the batch decides"):
        qnn.from_onnx(model(nodes, X2))


def test_whole_numbers_are_cast_first() -> None:
    nodes = [node("Cast", ["x"], ["f"], to=1), node("Div", ["f", "c"], ["y"])]
    proto = model(nodes, X2, {"c": np.float32(255)})
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    x = np.arange(12, dtype=np.uint8).reshape(2, 6)
    np.testing.assert_allclose(qnn.from_onnx(proto)(x).data, x / 255, rtol=1e-6)
    nodes = [node("Div", ["x", "c"], ["d"]), node("Cast", ["d"], ["y"], to=1)]
    proto = model(nodes, X2, {"c": np.uint8(2)})
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    with pytest.raises(ConversionError, match=r"arithmetic with codes"):
        qnn.from_onnx(proto)


def test_statistics_of_the_batch_are_refused() -> None:
    made = node("BatchNormalization", ["x", *"sbmv"], ["y", "m2", "v2"], training_mode=1)
    with pytest.raises(ConversionError, match=r"export the net in evaluation"):
        qnn.from_onnx(model([made], X4, NORM))


def test_the_batch_is_known_wherever_it_lies() -> None:
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0]),
        node("Softmax", ["t"], ["s"], axis=1),
        node("Transpose", ["s"], ["y"], perm=[1, 0]),
    ]
    with pytest.raises(ConversionError, match=r"a softmax over the batch"):
        qnn.from_onnx(model(nodes, X2))


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"a weight of 3 channels for 4"):
        qnn.from_onnx(model([node("Conv", ["x", "w"], ["y"])], X4, {"w": floats(0, 2, 3, 1, 1)}))
    with pytest.raises(ConversionError, match=r"a shape \[batch, 7\] for elements of shape"):
        qnn.from_onnx(model([node("Reshape", ["x", "s"], ["y"])], X2, {"s": LONG([0, 7])}))
