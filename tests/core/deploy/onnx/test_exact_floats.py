"""Products of floats in our order, as loops of doubles, in onnxruntime."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import answers, check_integer
from packed_models import fitted
from qnn_core import nn
from qnn_core.deploy.onnx.library import to_bytes
from qnn_core.deploy.onnx.ordered_products import _multiply_add
from qnn_core.errors import SpecError
from qnn_core.gemm.reference import fma

X = np.random.default_rng(0).normal(size=(6, 7, 6, 4)).astype(np.float32)


def check(model: nn.Module, x: np.ndarray) -> None:
    packed = qnn.pack(fitted(model, x).eval(), x[:3])
    assert check_integer(packed, x, exact_floats=True) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": (2, 1), "padding": (0, 2), "bias": False},
        {"dilation": 2, "padding": (2, 1)},
        {"groups": 2, "padding": 1},
        {"groups": 4},
    ],
)
@pytest.mark.parametrize(
    "pair", [(None, None), ("symmetric:4,axis=0", None), ("nf4:4", "uniform:4")], ids=str
)
def test_convolutions(options: dict[str, Any], pair: Any) -> None:
    conv = qnn.QuantConv2d(4, 8, 3, weight=pair[0], input=pair[1], seed=0, **options)
    check(qnn.Sequential(conv, nn.BatchNorm(8), nn.ReLU(), nn.MaxPool2d(2)), X)


@pytest.mark.parametrize(
    "pair",
    [(None, None), (None, "binary"), ("uniform:8", None), ("nf4:4", "logarithmic:8"),
     ("uniform:3,axis=0", "uniform:4,axis=-1")],
    ids=str,
)  # fmt: skip
def test_linear_layers(pair: Any) -> None:
    layer = qnn.QuantLinear(24, 5, weight=pair[0], input=pair[1], seed=0)
    check(qnn.Sequential(layer, nn.HardTanh()), X.reshape(-1, 24))


def test_a_net_with_float_ends() -> None:
    x = np.random.default_rng(0).normal(size=(3, 784)).astype(np.float32)
    check(qnn.LeNet(weight="symmetric:2", input="uniform:2", batch_norm=True, seed=0), x)


FLOATS = st.floats(width=32, min_value=-(2.0**40), max_value=2.0**40)
# Few bits, so that sums end halfway between two floats.
FEW_BITS = st.builds(
    lambda m, e: np.float32(m) * np.float32(2.0**e), st.integers(-4097, 4097), st.integers(-30, 4)
)
NUMBERS = FLOATS | FEW_BITS
TRIPLES = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=50)


@given(TRIPLES)
def test_a_step_is_a_fused_multiply_add(triples: list[tuple[float, float, float]]) -> None:
    x, w, total = np.float32(triples).T
    # The middle between two floats, and what is next to it: where rounding twice goes wrong.
    tie = np.float32(1 + 2.0**-12) * np.ones_like(x)
    x, w = np.concatenate([x, tie, -tie]), np.concatenate([w, np.float32(2) - tie, tie])
    total = np.concatenate([total, np.full_like(tie, 2.0**24), tie * np.float32(2.0**23)])
    content = to_bytes(_multiply_add(17), "step", "0")
    found = answers(content, *(part.astype(np.float64) for part in (total, x, w)))
    np.testing.assert_array_equal(found[0], fma(x, w, total).astype(np.float64))


def test_forms_of_floats_have_no_such_thing(tmp_path: Any) -> None:
    packed = qnn.pack(qnn.Sequential(nn.Linear(4, 2, seed=0)), X[0, 0])
    with pytest.raises(SpecError, match="'qdq' has no exact_floats"):
        packed.export_onnx(tmp_path / "net.onnx", "qdq", exact_floats=True)
    assert packed.export_onnx(tmp_path / "net.onnx", exact_floats=True).exact
