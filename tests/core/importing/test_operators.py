"""Every operator that has a translator, in onnxruntime: windows and axes of any kind."""

from typing import Any

import numpy as np
import onnx
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx_files import answers, floats, model
from qnn_core.importing.onnx.operators import TRANSLATORS

node = helper.make_node
X4 = ["n", 4, 6, 5]
X3 = ["n", 4, 9]
X2 = ["n", 6]


def check(proto: Any, shape: Any = None, **options: Any) -> qnn.Module:
    """Compare a net with onnxruntime, for batches of one and of three."""
    (item,) = proto.graph.input
    lengths = [n.dim_value for n in item.type.tensor_type.shape.dim][1:]
    net = qnn.from_onnx(proto, input_shape=shape, **options)
    for count in (1, 3):
        x = floats(count, count, *(shape or lengths))
        (theirs,) = answers(proto, x)
        ours = net(x).data
        assert ours.shape == theirs.shape
        scale = max(float(np.abs(theirs).max(initial=0)), 1.0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-6 * scale)
    return net


def one(type: str, shape: Any, constants: Any = None, *, opset: int = 17, **attributes: Any) -> Any:
    """Return a net of one operator."""
    constants = constants or {}
    made = node(type, ["x", *constants], ["y"], **attributes)
    return model([made], shape, constants, opset=opset)


def learned(type: str, **attributes: Any) -> Any:
    """Return a net of one operator for models that are no nets."""
    domain = "ai.onnx.ml"
    made = node(type, ["x"], ["y"], domain=domain, **attributes)
    return model([made], X2, domains=[domain])


NUMBERS = [0.5, -1.0, 2.0, 0.25, 3.0, -0.5]
VECTOR = {name: np.abs(floats(n, 4)) + 0.5 for n, name in enumerate("sbmv")}
LONG = np.int64
ONES: dict[str, list[Any]] = {
    "Add": [one("Add", X4, {"c": floats(0, 4, 1, 1)}), one("Add", X2, {"c": floats(0, 6)})],
    "AveragePool": [one("AveragePool", X4, kernel_shape=[2, 3], pads=[1, 1, 0, 1])],
    "BatchNormalization": [one("BatchNormalization", s, VECTOR, epsilon=0.1) for s in (X4, X3)],
    "Cast": [one("Cast", X2, to=onnx.TensorProto.FLOAT)],
    "CastLike": [one("CastLike", X2, {"c": np.float32(1)})],
    "Clip": [
        one("Clip", X2, {"low": np.float32(-0.5), "high": np.float32(0.25)}),
        one("Clip", X2, {"low": np.float32(0)}),
        one("Clip", X2, opset=10, min=-1.0, max=1.0),
        one("Clip", X2, opset=10, max=0.5),
    ],
    "Concat": [
        model([node("Relu", ["x"], ["r"]), node("Concat", ["x", "r", "x"], ["y"], axis=a)], s)
        for s, a in ((X4, 1), (X4, -1), (X3, 2), (X2, 1))
    ],
    "Conv": [one("Conv", X4, {"w": floats(0, 3, 4, 3, 3), "b": floats(1, 3)})],
    "Div": [one("Div", X4, {"c": floats(0, 1, 4, 1, 1)}), one("Div", X2, {"c": np.float32(3)})],
    "Dropout": [one("Dropout", X2), one("Dropout", X2, opset=11, ratio=0.25)],
    "Flatten": [one("Flatten", s) for s in (X4, X3, X2)],
    "Gemm": [
        one("Gemm", X2, {"w": floats(0, 3, 6), "c": floats(1, 3)}, transB=1, alpha=0.5, beta=2.0),
        one("Gemm", X2, {"w": floats(0, 6, 3), "c": floats(1, 1, 3)}),
        one("Gemm", X2, {"w": floats(0, 6, 3), "c": np.float32(2)}),
        one("Gemm", X2, {"w": floats(0, 6, 3)}),
    ],
    "GlobalAveragePool": [one("GlobalAveragePool", s) for s in (X4, X3)],
    "HardSigmoid": [one("HardSigmoid", X2), one("HardSigmoid", X4, alpha=0.3, beta=0.4)],
    "HardSwish": [one("HardSwish", X4)],
    "Identity": [one("Identity", X4)],
    "LeakyRelu": [one("LeakyRelu", X4), one("LeakyRelu", X2, alpha=0.3)],
    "MatMul": [
        one("MatMul", X2, {"w": floats(0, 6, 3)}),
        one("MatMul", X4, {"w": floats(0, 5, 3)}),
        model(
            [node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), node("MatMul", ["x", "t"], ["y"])], X3
        ),
    ],
    "MaxPool": [one("MaxPool", X4, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1])],
    "Mul": [one("Mul", X4, {"c": floats(0, 6, 1)}), one("Mul", X3, {"c": floats(0, 4, 9)})],
    "Pad": [
        one("Pad", X4, {"p": LONG([0, 0, 1, 2, 0, 0, 0, 1]), "v": np.float32(0.5)}),
        one("Pad", X3, {"p": LONG([0, 0, 2, 0, 0, 1])}),
        one("Pad", X4, opset=10, pads=[0, 0, 1, 0, 0, 0, 0, 2]),
        one("Pad", X4, {"p": LONG([0] * 8)}),
    ],
    "ReduceMean": [
        one("ReduceMean", X4, axes=[2, 3]),
        one("ReduceMean", X4, axes=[-1], keepdims=0),
        one("ReduceMean", X3, {"a": LONG([1])}, opset=18, keepdims=0),
        one("ReduceMean", X2, axes=[1]),
    ],
    "Relu": [one("Relu", X4)],
    "Reshape": [
        one("Reshape", X4, {"s": LONG(s)})
        for s in ([0, -1], [-1, 120], [0, 4, -1], [0, 30, 4], [0, 0, 30], [0, 2, 2, 6, 5])
    ],
    "Sigmoid": [one("Sigmoid", X4)],
    "Softmax": [
        one("Softmax", X2),
        one("Softmax", X4, axis=1),
        one("Softmax", X2, opset=11),
        one("Softmax", X3, axis=2, opset=12),
    ],
    "Squeeze": [
        one("Squeeze", ["n", 4, 1, 5], {"a": LONG([2])}),
        one("Squeeze", ["n", 1, 4, 1], {"a": LONG([-1])}),
        one("Squeeze", ["n", 1, 4, 1], opset=12, axes=[1, 3]),
    ],
    "Sub": [
        one("Sub", X2, {"c": floats(0, 6)}),
        model([node("Sub", ["c", "x"], ["y"])], X4, {"c": floats(0, 4, 6, 5)}),
    ],
    "Tanh": [one("Tanh", X4)],
    "Transpose": [one("Transpose", X4, perm=[0, 2, 3, 1]), one("Transpose", X3, perm=[0, 2, 1])],
    "Unsqueeze": [
        one("Unsqueeze", X2, {"a": LONG([1, 3])}),
        one("Unsqueeze", X3, opset=12, axes=[2]),
    ],
    "ai.onnx.ml:LinearRegressor": [
        learned("LinearRegressor", coefficients=NUMBERS * 2, intercepts=[0.5, 1.0], targets=2),
        learned("LinearRegressor", coefficients=NUMBERS),
    ],
    "ai.onnx.ml:Scaler": [
        learned("Scaler", offset=NUMBERS, scale=NUMBERS[::-1]),
        learned("Scaler", offset=[0.5], scale=[2.0]),
    ],
}
# In test_grids, and with what makes several outputs of them in stored nets.
ELSEWHERE = {
    "DequantizeLinear",
    "QuantizeLinear",
    "ai.onnx.ml:LinearClassifier",
    "ai.onnx.ml:Normalizer",
    "ai.onnx.ml:ZipMap",
}


def test_every_operator_is_here() -> None:
    of_qonnx = {name for name in TRANSLATORS if name.endswith((":Quant", ":BipolarQuant"))}
    assert ONES.keys() == TRANSLATORS.keys() - of_qonnx - ELSEWHERE


@pytest.mark.parametrize(
    ("name", "at"), [(name, at) for name, nets in ONES.items() for at in range(len(nets))]
)
def test_an_operator(name: str, at: int) -> None:
    check(ONES[name][at])


@st.composite
def convolutions(draw: Any) -> Any:
    spatial = draw(st.sampled_from([1, 2]))
    groups = draw(st.sampled_from([1, 2, 4]))

    def lengths(least: int, most: int, count: int = spatial) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=count, max_size=count))

    kernel, dilation = lengths(1, 3), lengths(1, 2)
    size = [(k - 1) * d + 1 + n for k, d, n in zip(kernel, dilation, lengths(0, 5), strict=True)]
    given: dict[str, Any] = {"strides": lengths(1, 3), "group": groups, "dilations": dilation}
    way = draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if way == "pads":
        given["pads"] = lengths(0, 3, 2 * spatial)
    else:
        given["auto_pad"] = way
        # onnxruntime refuses SAME with dilations.
        given["dilations"] = dilation = [1] * spatial
        size = [max(n, k) for n, k in zip(size, kernel, strict=True)]
    constants = {"w": floats(0, 4, 4 // groups, *kernel)}
    if draw(st.booleans()):
        constants["b"] = floats(1, 4)
    return one("Conv", ["n", 4, *size], constants, kernel_shape=kernel, **given)


@given(convolutions())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_convolution(proto: Any) -> None:
    check(proto)


@st.composite
def pools(draw: Any) -> Any:
    spatial = draw(st.sampled_from([1, 2]))

    def lengths(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=spatial, max_size=spatial))

    kernel = lengths(1, 3)
    pads = [draw(st.integers(0, k - 1)) for k in (*kernel, *kernel)]
    size = [k + n for k, n in zip(kernel, lengths(0, 5), strict=True)]
    given: dict[str, Any] = {"kernel_shape": kernel, "strides": lengths(1, 3), "pads": pads}
    type = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    if type == "AveragePool":
        given["count_include_pad"] = draw(st.integers(0, 1))
    else:
        # Means of windows that reach beyond the padding have changed their meaning with the opset.
        given["ceil_mode"] = draw(st.integers(0, 1))
    return one(type, ["n", 2, *size], **given)


@given(pools())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_pool(proto: Any) -> None:
    check(proto)


def test_a_flattened_image_is_not_moved() -> None:
    nodes = [
        node("Conv", ["x", "k"], ["c"]),
        node("Flatten", ["c"], ["f"]),
        node("BatchNormalization", ["f", *"sbmv"], ["n"]),
        node("Mul", ["n", "z"], ["o"]),
        node("Concat", ["o", "f"], ["p"], axis=1),
        node("Gemm", ["p", "w"], ["y"]),
    ]
    wide = {n: np.abs(floats(at, 40)) + 0.5 for at, n in enumerate("sbmvz")}
    constants = wide | {"k": floats(7, 8, 4, 4, 5), "w": floats(8, 80, 3)}
    constants["k"] = floats(7, 8, 4, 6, 1)
    net = check(model(nodes, X4, constants))
    kinds = [type(layer).__name__ for _, layer in net.named_modules()]
    assert "Select" not in kinds
    assert kinds.count("Permute") == 1  # at the entrance


def test_zeros_around_an_image_go_into_the_convolution() -> None:
    nodes = [node("Pad", ["x", "p"], ["z"]), node("Conv", ["z", "w"], ["y"], pads=[1, 0, 1, 0])]
    constants = {"p": LONG([0, 0, 1, 1, 0, 0, 1, 1]), "w": floats(0, 3, 4, 5, 3)}
    net = check(model(nodes, X4, constants))
    assert net.conv.padding == (2, 1)
    assert not any(isinstance(m, qnn.nn.Pad2d) for _, m in net.named_modules())


def test_a_bias_is_taken_into_the_product() -> None:
    nodes = [node("MatMul", ["x", "w"], ["m"]), node("Add", ["b", "m"], ["y"])]
    net = check(model(nodes, X2, {"w": floats(0, 6, 3), "b": floats(1, 3)}))
    assert [step.layer for step in net.steps] == ["mat_mul"]


@pytest.mark.parametrize("type", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize(("shape", "axis"), [((4,), 1), ((4, 6), 1), ((6,), -2), ((5,), 3)])
def test_constants_along_an_axis_of_old_files(type: str, shape: Any, axis: int) -> None:
    constant = np.abs(floats(0, *shape)) + 0.5
    made = node(type, ["x", "c"], ["y"], broadcast=1, axis=axis)
    net = qnn.from_onnx(model([made], X4, {"c": constant}, opset=6))
    x = floats(1, 3, 4, 6, 5)
    wide = constant.reshape(*shape, *(1,) * (4 - axis % 4 - len(shape)))
    function = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}[type]
    np.testing.assert_allclose(net(x).data, function(x, wide), rtol=1e-6, atol=1e-6)


def test_attributes_of_the_oldest_files() -> None:
    nodes = [
        node("Cast", ["x"], ["c"], to="FLOAT"),
        node("Concat", ["c", "x"], ["d"]),
        node("Reshape", ["d"], ["y"], shape=[0, -1, 5]),
    ]
    net = qnn.from_onnx(model(nodes, X4, opset=1))
    x = floats(1, 3, 4, 6, 5)
    np.testing.assert_array_equal(net(x).data, np.concatenate([x, x], 1).reshape(3, 48, 5))


def test_lengths_that_are_computed() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["v"]),
        node("Concat", ["v", "rest"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["y"]),
    ]
    constants = {"zero": LONG(0), "axis": LONG([0]), "rest": LONG([-1])}
    check(model(nodes, X4, constants))
