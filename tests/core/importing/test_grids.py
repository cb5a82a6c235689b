"""Quantized files: codes and grids, of weights and of activations, with any zero point."""

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx_files import QONNX, answers, floats, model
from qnn_core.errors import ConversionError

node = helper.make_node
X4 = ["n", 4, 6, 5]
X2 = ["n", 6]
CODES = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int4": ml_dtypes.int4,
    "uint4": ml_dtypes.uint4,
    "int2": ml_dtypes.int2,
    "uint2": ml_dtypes.uint2,
}
# The first opset that has them; runtimes lag behind with the last two.
OPSETS = {"int4": 21, "uint4": 21, "int2": 25, "uint2": 25}


def close(ours: Any, theirs: Any) -> None:
    scale = max(float(np.abs(theirs).max()), 1.0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-6 * scale)


def check(proto: Any, shape: tuple[int, ...]) -> qnn.Module:
    net = qnn.from_onnx(proto)
    x = floats(3, 3, *shape)
    close(net(x).data, answers(proto, x)[0])
    return net


def ends(dtype: str) -> tuple[int, int]:
    info = ml_dtypes.iinfo(CODES[dtype])
    return int(info.min), int(info.max)


def products(codes: Any, scale: Any, zero: Any, opset: int, **given: Any) -> Any:
    """Return a net whose one weight is dequantized."""
    constants = {"w": codes, "s": scale} | ({} if zero is None else {"z": zero})
    nodes = [
        node("DequantizeLinear", ["w", "s", *(["z"] if zero is not None else [])], ["d"], **given),
        node("MatMul", ["x", "d"], ["y"]),
    ]
    return model(nodes, X2, constants, opset=opset)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("axis", [None, 1])
@pytest.mark.parametrize("zeros", ["none", "common", "odd"])
def test_weights_of_any_dtype(dtype: str, axis: int | None, zeros: str) -> None:
    low, high = ends(dtype)
    rng = np.random.default_rng(0)
    codes = rng.integers(low, high + 1, (6, 3)).astype(CODES[dtype])
    scale = np.float32(0.013) if axis is None else np.float32([0.01, 0.02, 0.005])
    point = rng.integers(low, high + 1, np.shape(scale)) if zeros == "odd" else high // 2
    zero = None if zeros == "none" else np.full(np.shape(scale), point).astype(CODES[dtype])
    given = {} if axis is None else {"axis": axis}
    net = qnn.from_onnx(products(codes, scale, zero, OPSETS.get(dtype, 17), **given))
    less = 0 if zero is None else zero.astype(np.float32)
    x = floats(0, 5, 6)
    close(net(x).data, x @ ((codes.astype(np.float32) - less) * scale))
    assert isinstance(net.mat_mul, qnn.QuantLinear)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int4", "uint4"])
def test_weights_are_those_of_a_runtime(dtype: str) -> None:
    low, high = ends(dtype)
    codes = np.random.default_rng(1).integers(low, high + 1, (6, 3)).astype(CODES[dtype])
    check(products(codes, np.float32(0.02), None, OPSETS.get(dtype, 17)), (6,))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("axis", [None, 0])
def test_a_convolution_on_a_grid(dtype: Any, axis: int | None) -> None:
    info = np.iinfo(dtype)
    codes = np.random.default_rng(0).integers(info.min, info.max, (3, 4, 3, 3)).astype(dtype)
    scale = np.float32(0.013) if axis is None else np.float32([0.01, 0.02, 0.005])
    zero = np.full(np.shape(scale), (int(info.min) + int(info.max) + 1) // 2, dtype)
    given = {} if axis is None else {"axis": 0}
    nodes = [
        node("DequantizeLinear", ["w", "s", "z"], ["d"], **given),
        node("Conv", ["x", "d"], ["y"], pads=[1, 1, 1, 1]),
    ]
    net = check(model(nodes, X4, {"w": codes, "s": scale, "z": zero}), (4, 6, 5))
    assert isinstance(net.conv, qnn.QuantConv2d)
    np.testing.assert_array_equal(net.conv.scale, scale)


@pytest.mark.parametrize("axis", [None, 1])
@given(st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_weights_that_a_file_quantizes(axis: int | None, data: Any) -> None:
    """Floats between two codes, where a grid that rounds after its zero point takes the other."""
    dtype = data.draw(st.sampled_from([np.int8, np.uint8]))
    info, shape = np.iinfo(dtype), (6, 3)
    count = () if axis is None else (shape[axis],)
    draw = lambda low, high, n: np.array(  # noqa: E731 # one line, twice
        data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n))
    )
    zero = draw(info.min, info.max, int(np.prod(count))).reshape(count).astype(dtype)
    weight = (draw(-300, 300, 18).reshape(shape) / 2).astype(np.float32)
    given = {} if axis is None else {"axis": axis}
    nodes = [
        node("QuantizeLinear", ["w", "s", "z"], ["q"], **given),
        node("DequantizeLinear", ["q", "s", "z"], ["d"], **given),
        node("MatMul", ["x", "d"], ["y"]),
    ]
    constants = {"w": weight, "s": np.ones(count, np.float32), "z": zero}
    check(model(nodes, X2, constants), (6,))


@pytest.mark.parametrize(("told", "dtype"), [(None, "uint8"), (3, "int8"), (22, "int4")])
def test_codes_without_a_zero_point(told: int | None, dtype: str) -> None:
    given = {} if told is None else {"output_dtype": told}
    nodes = [
        node("QuantizeLinear", ["w", "s"], ["q"], **given),
        node("DequantizeLinear", ["q", "s"], ["d"]),
        node("MatMul", ["x", "d"], ["y"]),
    ]
    weight = floats(0, 6, 3)
    net = qnn.from_onnx(model(nodes, X2, {"w": weight, "s": np.float32(0.25)}, opset=21))
    x = floats(1, 4, 6)
    theirs = x @ (np.clip(np.rint(weight * 4), *ends(dtype)) / 4)
    np.testing.assert_allclose(net(x).data, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("zero", [-128, 0])
def test_codes_keep_their_dtype(zero: int) -> None:
    """int8 with a zero point of -128 has the levels of uint8, and is none."""
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s"], ["y"]),
    ]
    proto = model(nodes, X2, {"s": np.float32(0.01), "z": np.int8(zero)})
    if zero == 0:
        check(proto, (6,))
    else:
        with pytest.raises(ConversionError, match=r"no QuantizeLinear of the same scale"):
            qnn.from_onnx(proto)


def test_a_zero_point_of_another_dtype_is_refused() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "other"], ["y"]),
    ]
    constants = {"s": np.float32(0.1), "z": np.int8(0), "other": np.uint8(128)}
    with pytest.raises(ConversionError, match=r"a zero point of uint8 for codes of int8"):
        qnn.from_onnx(model(nodes, X2, constants))
    with pytest.raises(ConversionError, match=r"a zero point of uint8 for codes of int8"):
        qnn.from_onnx(products(np.zeros((6, 3), np.int8), np.float32(1), np.uint8(0), 17))


@pytest.mark.parametrize("zero", [-128, -3, 0])
@pytest.mark.parametrize(
    "pool",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 2], "pads": [0, 0, 2, 1], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    ],
)
def test_the_greatest_of_codes(zero: int, pool: Any) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("MaxPool", ["q"], ["m"], **pool),
        node("DequantizeLinear", ["m", "s", "z"], ["y"]),
    ]
    constants = {"s": np.float32(0.02), "z": np.int8(zero)}
    check(model(nodes, X4, constants), (4, 6, 5))
    nodes[-1] = node("Cast", ["m"], ["y"], to=onnx.TensorProto.FLOAT)
    with pytest.raises(ConversionError, match=r"codes as numbers"):
        qnn.from_onnx(model(nodes, X4, constants))


def test_what_dropout_lets_pass_is_on_no_grid() -> None:
    pair = {"s": np.float32(0.1), "z": np.int8(0)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("Dropout", ["d"], ["o"]),
        node("QuantizeLinear", ["o", "s", "z"], ["p"]),
        node("DequantizeLinear", ["p", "s", "z"], ["y"]),
    ]
    net = check(model(nodes, X2, pair), (6,))
    assert [step.layer for step in net.steps] == ["quantizer", "dropout", "quantizer_2"]


def test_scales_that_do_not_fit() -> None:
    codes = np.zeros((6, 3), np.int8)
    with pytest.raises(ConversionError, match=r"5 scales for 3 channels"):
        qnn.from_onnx(products(codes, np.ones(5, np.float32), None, 17, axis=1))
    with pytest.raises(ConversionError, match=r"a scale that is not above 0"):
        qnn.from_onnx(products(codes, np.float32([1, 0, 1]), None, 17, axis=1))
    zero = np.zeros(2, np.int8)
    with pytest.raises(ConversionError, match=r"2 zero points for 3 scales"):
        qnn.from_onnx(products(codes, np.ones(3, np.float32), zero, 17, axis=1))


def quant(shape: Any, zero: Any, scale: Any = 1.0, bits: int = 4, **given: Any) -> Any:
    """Return a net of one Quant."""
    made = node("Quant", ["x", "s", "z", "b"], ["y"], domain=QONNX, **given)
    constants = {"s": np.float32(scale), "z": np.float32(zero), "b": np.float32(bits)}
    return model([made], shape, constants, domains=[QONNX])


@pytest.mark.parametrize("zero", [-2, -1, 0, 1, 3, 0.5])
def test_quant_rounds_behind_its_zero_point(zero: float) -> None:
    """Halfway between two levels, an odd zero point decides which of them is even."""
    x = (np.arange(-24, 24, dtype=np.float32) / 2).reshape(-1, 6)
    ours = qnn.from_onnx(quant(X2, zero, signed=1))(x).data
    np.testing.assert_array_equal(ours, np.clip(np.rint(x + zero), -8, 7) - np.float32(zero))


def test_scales_and_zero_points_of_quant_along_channels() -> None:
    x = floats(0, 3, 4, 6, 5) * 5
    zero = np.float32([0, 1, 2, 3]).reshape(1, 4, 1, 1)
    ours = qnn.from_onnx(quant(X4, zero, signed=0))(x).data
    np.testing.assert_array_equal(ours, np.clip(np.rint(x + zero), 0, 15) - zero)
    scale = np.ones((1, 1, 6, 1), np.float32)
    with pytest.raises(ConversionError, match=r"scales along axis 2, zero points along axis 1"):
        qnn.from_onnx(quant(X4, zero, scale))


@pytest.mark.parametrize("zero", [0, 3, 128, 255])
@pytest.mark.parametrize("shape", [X4, X2])
def test_activations_on_a_grid(zero: int, shape: Any) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("Transpose", ["q"], ["t"], perm=[0, *range(len(shape) - 1, 0, -1)]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    constants = {"s": np.float32(0.011), "z": np.uint8(zero)}
    check(model(nodes, shape, constants), tuple(shape[1:]))


def test_codes_of_another_scale_are_refused() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "t", "z"], ["y"]),
    ]
    constants = {"s": np.float32(0.1), "t": np.float32(0.2), "z": np.int8(0)}
    with pytest.raises(ConversionError, match=r"codes that no QuantizeLinear of the same scale"):
        qnn.from_onnx(model(nodes, X2, constants))


@pytest.mark.parametrize(("bits", "signed", "narrow"), [(2, 1, 1), (4, 1, 0), (3, 0, 0), (8, 1, 1)])
def test_quant_of_qonnx(bits: int, signed: int, narrow: int) -> None:
    made = node(
        "Quant", ["x", "s", "z", "b"], ["y"], domain=QONNX, signed=signed, narrow=narrow,
        rounding_mode="ROUND",
    )  # fmt: skip
    constants = {"s": np.float32(0.25), "z": np.float32(0), "b": np.float32(bits)}
    net = qnn.from_onnx(model([made], X2, constants, domains=[QONNX]))
    x = np.linspace(-6, 6, 97, dtype=np.float32).reshape(-1, 1).repeat(6, 1)
    low = -(2 ** (bits - 1)) + narrow if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    np.testing.assert_array_equal(net(x).data, np.clip(np.rint(x * 4), low, high) / 4)


def test_bipolar_quant_of_qonnx() -> None:
    made = node("BipolarQuant", ["x", "s"], ["y"], domain=QONNX)
    net = qnn.from_onnx(model([made], X2, {"s": np.float32(0.5)}, domains=[QONNX]))
    x = np.float32([[-1, -0.0, 0, 1e-9, -1e-9, 3]])
    np.testing.assert_array_equal(net(x).data, [[-0.5, 0.5, 0.5, 0.5, -0.5, 0.5]])
