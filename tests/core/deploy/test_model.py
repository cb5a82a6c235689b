"""What a packed model takes and refuses; what cannot be packed, and what the error says."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from packed_models import fitted
from qnn_core import nn, ops
from qnn_core.deploy import Graph
from qnn_core.deploy.compile.fuse import fuse
from qnn_core.deploy.compile.program import Program
from qnn_core.deploy.graph.from_trace import build
from qnn_core.deploy.runtime.verify import verify
from qnn_core.errors import (
    DtypeError,
    GraphError,
    NonFiniteError,
    PackError,
    ShapeError,
    StateError,
)

X = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)


@pytest.fixture
def net() -> qnn.Module:
    return fitted(qnn.MLP([6, 5, 3], weight="binary", input="uniform:2", seed=0), X)


@pytest.fixture
def packed(net: qnn.Module) -> qnn.PackedModel:
    return qnn.pack(net, X)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float64])
def test_real_numbers_become_float32(packed: qnn.PackedModel, dtype: Any) -> None:
    x = np.eye(6).astype(dtype)
    np.testing.assert_array_equal(packed(x), packed(x.astype(np.float32)))
    assert packed(x.tolist()).dtype == np.float32


@pytest.mark.parametrize("x", [np.zeros((2, 6), complex), np.full((2, 6), "a")])
def test_other_dtypes_are_refused(packed: qnn.PackedModel, x: np.ndarray) -> None:
    with pytest.raises(DtypeError, match="input0: real numbers are needed"):
        packed(x)


@pytest.mark.parametrize("shape", [(), (6,), (2, 5), (2, 1, 6)])
def test_shapes_are_checked(packed: qnn.PackedModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"input0: shape \[batch, 6\] is needed, got"):
        packed(np.zeros(shape))


def test_counts_of_inputs_are_checked(packed: qnn.PackedModel) -> None:
    with pytest.raises(ShapeError, match="takes 1 inputs, got 2"):
        packed(X, X)
    both = qnn.pack(lambda a, b: a + b, (X, X))
    with pytest.raises(ShapeError, match="batches of several sizes"):
        both(X, X[:2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused(packed: qnn.PackedModel, bad: float) -> None:
    x = X.astype(np.float64)
    x[3, 2] = bad
    with pytest.raises(NonFiniteError, match=r"input0: finite .* at \(3, 2\)"):
        packed(x)


def test_strided_inputs(packed: qnn.PackedModel) -> None:
    wide = np.repeat(X, 2, axis=1)
    np.testing.assert_array_equal(packed(wide[::-1, ::2]), packed(X)[::-1])


def test_what_was_packed_does_not_change(net: qnn.Module, packed: qnn.PackedModel) -> None:
    before = packed(X)
    for parameter in net.parameters():
        parameter.data[...] = 7
    before_again = packed(X)
    before_again[...] = 0
    np.testing.assert_array_equal(packed(X), before)


def test_packing_keeps_the_modes(net: qnn.Module) -> None:
    qnn.pack(net, X)
    assert all(module.training for _, module in net.named_modules())


def test_predict_needs_one_output_with_classes() -> None:
    with pytest.raises(ShapeError, match="one output"):
        qnn.pack(lambda x: (x, x), X).predict(X)
    with pytest.raises(ShapeError, match="no classes to choose from"):
        qnn.pack(lambda x: ops.sum(x, axis=1), X).predict(X)


def test_summary_adds_up(packed: qnn.PackedModel) -> None:
    summary = packed.summary()
    assert summary.rows[-1].path == "file header"
    assert summary.nbytes == packed.nbytes
    assert summary.macs == 6 * 5 + 5 * 3
    assert [(r.weight_bits, r.input_bits) for r in summary.rows if r.macs] == [(1, 2), (32, 32)]
    assert f"{packed.nbytes:,}" in str(summary)
    assert "PackedModel" in repr(packed)


# What cannot be packed

FLIPS = np.random.default_rng(0)
UNPACKABLE: dict[str, Any] = {
    "by size": lambda x: x * float(len(x.data)),
    "other operations": lambda x: x if len(x.data) == 8 else x + 1,
    "over the batch": lambda x: ops.sum(x, axis=0),
    "half of it": lambda x: x[: len(x.data) // 2],
    "chance": lambda x: x + FLIPS.random(6),
    "dropout": lambda x: ops.dropout(x, 0.0, np.random.default_rng(0)),
    "qparams of data": lambda x: ops.fake_quantize(x, ops.sum(x) ** 2 + 1, quantizer="uniform:2"),
    "loss": lambda x: ops.reshape(ops.squared_hinge(x, np.zeros(len(x.data), int)), (1,)) + x,
}


@pytest.mark.parametrize("name", UNPACKABLE)
def test_what_cannot_be_packed(name: str) -> None:
    with pytest.raises(GraphError, match="pack: "):
        qnn.pack(UNPACKABLE[name], X)


def test_float64_models_are_refused() -> None:
    with pytest.raises(DtypeError, match="only float32"):
        qnn.pack(nn.Linear(6, 3).astype(np.float64), X)


def test_quantizers_that_were_never_fitted_are_refused() -> None:
    with pytest.raises(StateError, match="never fitted"):
        qnn.pack(nn.QuantLinear(6, 3, weight="binary", input="uniform:2"), X)


@pytest.mark.parametrize("example", [np.float32(1), X[:0], (X, X[:2])])
def test_an_example_needs_samples(example: Any) -> None:
    with pytest.raises(ShapeError, match="number of samples on axis 0"):
        qnn.pack(lambda *x: x[0], example)


def test_a_difference_from_the_model_is_told(net: qnn.Module) -> None:
    graph, traced = build(net, (X,))
    (weight,) = [n for n, c in graph.constants.items() if not isinstance(c, np.ndarray)]
    graph.constants[weight].codes[0] ^= 1
    # Of the first of five columns, but where the input is zero.
    with pytest.raises(
        PackError, match=r"of linear_\d \(linear in layers.0\) differ .* in [5-8] of 40"
    ):
        verify(fuse(graph), Program(fuse(graph)), traced)


def test_the_public_names() -> None:
    assert isinstance(qnn.pack(lambda x: x + 1, X).graph, Graph)
