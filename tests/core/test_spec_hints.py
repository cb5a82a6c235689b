"""Widths and dtypes where a spec is wanted: the error says what to write."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import SpecError

WIDTHS = ["int8", "uint8", "INT8", "i8", "w8", "8", " 8 ", "8bit", "8-bit", "8 bits", "8b", "bits8"]
FLOATS = ["float32", "float", "fp16", "bfloat16", "float64", "FP8", "16", "32"]


@pytest.mark.parametrize("spec", [*WIDTHS, 8, 8.0, np.int64(8), np.int8, np.dtype("int8")])
def test_a_width_needs_a_scheme(spec: Any) -> None:
    with pytest.raises(SpecError, match=r"a width needs a scheme too, such as 'symmetric:8'"):
        qnn.QuantLinear(3, 2, weight=spec, seed=0)
    qnn.QuantLinear(3, 2, weight="symmetric:8", seed=0)


@pytest.mark.parametrize("spec", [*FLOATS, 32, np.float32, np.dtype("float16")])
def test_a_float_is_no_quantizer(spec: Any) -> None:
    with pytest.raises(SpecError, match=r"without a quantizer \(None\) it stays float32"):
        qnn.QuantLinear(3, 2, weight=spec, seed=0)


@pytest.mark.parametrize("spec", ["int9", "w4a4", "9", "4.5", "bit", "", "int", "8int8"])
def test_other_names_have_no_such_hint(spec: str) -> None:
    with pytest.raises(SpecError, match=r"^no quantizer") as caught:
        qnn.get_quantizer(spec)
    assert "needs a scheme" not in str(caught.value)


def test_a_near_name_is_named() -> None:
    with pytest.raises(SpecError, match="did you mean 'symmetric'"):
        qnn.get_quantizer("symetric:4")


@pytest.mark.parametrize("spec", ["lsq:2", "PACT:4", "dorefa", "lsq+:2", "xnor-net:1"])
def test_a_paper_is_mostly_an_option(spec: str) -> None:
    with pytest.raises(SpecError, match=r"an option, such as 'symmetric:2,scale=lsq'.*schemes.md"):
        qnn.get_quantizer(spec)
