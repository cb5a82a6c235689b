"""What does not fit is refused before anything is computed, with the operation and the shapes."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, ops
from qnn_core.autodiff import OPS, op
from qnn_core.errors import DtypeError, GraphError, NonFiniteError, ShapeError
from qnn_core.ops.shapes import same


def ones(*shape: int) -> Tensor:
    return Tensor(np.ones(shape))


BINARY = ["add", "subtract", "multiply", "divide", "power"]
SCHEME = qnn.get_quantizer("symmetric:3")
PER_ROW = qnn.get_quantizer("symmetric:3,axis=0")

MISFITS = [
    *((name, lambda n=name: OPS[n](ones(2, 3), ones(2)), ["(2, 3)", "(2,)"]) for name in BINARY),
    ("relu_gradient", lambda: OPS["relu_gradient"](ones(2), ones(5)), ["(2,)", "(5,)"]),
    ("matmul", lambda: ops.matmul(ones(2, 3), ones(2, 3)), ["(2, 3)"]),
    ("matmul", lambda: ops.matmul(ones(3), ones(2)), ["(3,)", "(2,)"]),
    ("matmul", lambda: ops.matmul(1.0, ones(2)), ["()", "(2,)"]),
    ("matmul", lambda: ops.matmul(ones(2, 2, 3), ones(3, 3, 2)), ["(2,)", "(3,)"]),
    ("linear", lambda: ops.linear(ones(2, 3), ones(4, 2)), ["(2, 3)", "(4, 2)"]),
    ("linear", lambda: ops.linear(ones(2, 3), ones(4, 3), ones(3)), ["(3,)", "(4, 3)"]),
    ("linear", lambda: ops.linear(ones(2, 3), ones(3)), ["(2, 3)", "(3,)"]),
    ("linear", lambda: ops.linear(1.0, ones(4, 3)), ["()", "(4, 3)"]),
    ("reshape", lambda: ops.reshape(ones(2, 3), (4, -1)), ["(2, 3)", "(4, -1)"]),
    ("reshape", lambda: ops.reshape(ones(2, 3), (-1, -1)), ["(2, 3)", "(-1, -1)"]),
    ("reshape", lambda: ops.reshape(ones(0), (0, -1)), ["(0,)", "(0, -1)"]),
    ("reshape", lambda: ops.reshape(ones(2), (-2, -1)), ["(2,)", "(-2, -1)"]),
    ("transpose", lambda: ops.transpose(ones(2, 3), (0, 0)), ["(0, 0)", "(2, 3)"]),
    ("transpose", lambda: ops.transpose(ones(2, 3), (0, 3)), ["(0, 3)", "(2, 3)"]),
    ("transpose", lambda: ops.transpose(ones(2, 3), (-3, 0)), ["(-3, 0)", "(2, 3)"]),
    ("transpose", lambda: ops.transpose(ones(2, 3), (1,)), ["(1,)", "(2, 3)"]),
    ("broadcast_to", lambda: ops.broadcast_to(ones(2), (3,)), ["(2,)", "(3,)"]),
    ("broadcast_to", lambda: ops.broadcast_to(ones(2, 2), (2,)), ["(2, 2)", "(2,)"]),
    ("concatenate", lambda: ops.concatenate([ones(2, 2), ones(3, 3)]), ["(2, 2)", "(3, 3)"]),
    ("concatenate", lambda: ops.concatenate([ones(2, 2), ones(2)]), ["(2, 2)", "(2,)"]),
    ("concatenate", lambda: ops.concatenate([ones(2)], axis=1), ["1", "(2,)"]),
    ("concatenate", lambda: ops.concatenate([]), ["at least one"]),
    ("getitem", lambda: ones(2, 3)[0, 3], ["(0, 3)", "(2, 3)"]),
    ("getitem", lambda: ones(2)[1.5], ["1.5", "(2,)"]),
    ("sum", lambda: ops.sum(ones(2, 3), axis=2), ["2", "(2, 3)"]),
    ("sum", lambda: ops.sum(ones(2, 3), axis=(1, -1)), ["(1, -1)", "(2, 3)"]),
    ("mean", lambda: ops.mean(ones(0, 3), axis=0), ["0", "(0, 3)"]),
    ("max", lambda: ops.max(ones(0, 3)), ["None", "(0, 3)"]),
    ("variance", lambda: ops.variance(ones(3, 0), axis=1), ["1", "(3, 0)"]),
    ("softmax", lambda: ops.softmax(ones(2), axis=1), ["1", "(2,)"]),
    ("log_softmax", lambda: ops.log_softmax(1.0), ["-1", "()"]),
    (
        "batch_norm",
        lambda: ops.batch_norm(ones(2, 3), ones(2), ones(3), ones(3), ones(3)),
        ["(2, 3)", "(2,)", "(3,)"],
    ),
    ("batch_norm", lambda: ops.normalize_batch(ones(2, 3), ones(2), ones(3)), ["(2, 3)", "(2,)"]),
    ("normalize_batch", lambda: ops.normalize_batch(ones(0, 3), ones(3), ones(3)), ["(0, 3)"]),
    (
        "softmax_cross_entropy",
        lambda: ops.softmax_cross_entropy(ones(2, 3), [0]),
        ["(2, 3)", "(1,)"],
    ),
    ("softmax_cross_entropy", lambda: ops.softmax_cross_entropy(ones(2), [0, 1]), ["(2,)"]),
    ("squared_hinge", lambda: ops.squared_hinge(ones(2, 3), [0]), ["(2, 3)", "(1,)"]),
    ("mean_squared_error", lambda: ops.mean_squared_error(ones(2, 2), ones(2)), ["(2, 2)", "(2,)"]),
    (
        "fake_quantize",
        lambda: ops.fake_quantize(ones(2, 3), ones(3), quantizer=PER_ROW),
        ["(2, 3)", "(3,)"],
    ),
    ("fake_quantize", lambda: ops.fake_quantize(1.0, 1.0, quantizer=PER_ROW), ["0", "()"]),
]


@pytest.mark.parametrize(
    ("name", "call", "parts"), MISFITS, ids=[f"{m[0]}-{n}" for n, m in enumerate(MISFITS)]
)
def test_the_message_names_the_operation_and_what_does_not_fit(
    name: str, call: Any, parts: list[str]
) -> None:
    with pytest.raises(ShapeError) as caught:
        call()
    assert name in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 3], ValueError, "label 3 at position 1 is not in 0..2"),
        ([-1, 0], ValueError, "label -1 at position 0"),
        ([0.0, 1.0], DtypeError, "whole numbers, got float64"),
        ([True, False], DtypeError, "whole numbers, got bool"),
        ([[0], [1]], ShapeError, r"\(2, 3\) and labels of shape \(2, 1\)"),
    ],
)
@pytest.mark.parametrize("loss", [ops.softmax_cross_entropy, ops.squared_hinge])
def test_labels_are_checked(loss: Any, labels: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        loss(ones(2, 3), labels)


@pytest.mark.parametrize("rate", [-0.1, 1.0, np.nan])
def test_dropout_rate(rate: float) -> None:
    with pytest.raises(ValueError, match="dropout: rate"):
        ops.dropout(ones(2), rate, np.random.default_rng())


@pytest.mark.parametrize("bounds", [(1, 0), (np.nan, 1)])
def test_clip_bounds(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="clip: low must not be above high"):
        ops.clip(ones(2), *bounds)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fake_quantize_refuses_what_is_not_finite(bad: float) -> None:
    with pytest.raises(NonFiniteError, match=rf"{bad} at index \(1, 0\)"):
        ops.fake_quantize([[0.0], [bad]], 1.0, quantizer=SCHEME)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_fake_quantize_refuses_a_bad_scale(scale: float) -> None:
    with pytest.raises(NonFiniteError, match="finite and > 0"):
        ops.fake_quantize([1.0], scale, quantizer=SCHEME)


@pytest.mark.parametrize("name", BINARY)
def test_mixed_dtypes_are_refused(name: str) -> None:
    with pytest.raises(DtypeError, match=f"{name}: .*float32, float64"):
        OPS[name](ones(2), Tensor([1.0, 1.0], np.float64))


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="'relu' is declared already"):
        op("relu", np.tanh, shape=same, vjps=[None])


@pytest.mark.parametrize("derivative", [{}, {"vjps": [None], "vjp": lambda *a: [None]}])
def test_the_derivative_is_declared_in_one_way(derivative: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="by vjps or by vjp"):
        op("test_two_ways", np.tanh, shape=same, **derivative)
    assert "test_two_ways" not in OPS


def test_a_residual_needs_the_joint_derivative() -> None:
    with pytest.raises(ValueError, match="only the joint derivative"):
        op("test_residual_by_input", np.tanh, shape=same, vjps=[None], residual=True)
    assert "test_residual_by_input" not in OPS


def test_an_input_without_derivative_is_an_error_when_it_is_asked_for() -> None:
    whole = op("test_whole", np.floor, shape=same, vjps=[None])
    try:
        x = Tensor([1.5], requires_grad=True)
        with pytest.raises(GraphError, match="test_whole has no derivative for its input 0"):
            whole(x).backward()
    finally:
        del OPS["test_whole"]
