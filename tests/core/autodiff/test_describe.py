"""An operation describes itself: help() shows what it is and how it is called."""

import inspect
import pickle
import pydoc
from typing import Any

import pytest
import qnn_core as qnn
from qnn_core.autodiff import OPS, Op, op
from qnn_core.ops.shapes import same


@pytest.mark.parametrize(
    ("name", "called"), [("relu", "(x, /)"), ("add", "(a, b, /)"), ("getitem", "(x, /, *, index)")]
)
def test_help_shows_the_operation_and_not_its_class(name: str, called: str) -> None:
    shown = pydoc.render_doc(getattr(qnn.ops, name), renderer=pydoc.plaintext)
    assert f"{name}{called} -> Tensor" in shown
    assert ">>> " in shown
    assert "vjps" not in shown


def test_the_class_keeps_its_own_docstring() -> None:
    assert (Op.__doc__ or "").startswith("A differentiable operation")


def test_a_signature_has_the_inputs_and_attributes() -> None:
    found = inspect.signature(qnn.ops.getitem)
    assert [(p.name, p.kind) for p in found.parameters.values()] == [
        ("x", inspect.Parameter.POSITIONAL_ONLY),
        ("index", inspect.Parameter.KEYWORD_ONLY),
    ]
    assert found.return_annotation is qnn.Tensor


def test_of_a_joint_derivative_any_call_is_possible() -> None:
    found = inspect.signature(OPS["concatenate"])
    assert list(found.parameters) == ["inputs", "attributes"]


def test_every_operation_has_a_signature() -> None:
    for name, operation in OPS.items():
        assert inspect.signature(operation).return_annotation is qnn.Tensor, name


@pytest.mark.parametrize(
    ("vjp", "called"),
    [
        (lambda *given: given[0], "(*inputs, **attributes)"),
        (lambda g, y, *xs: g, "(*xs)"),
        (lambda g, y, x, *, axis=1: g, "(x, /, *, axis=1)"),
    ],
)
def test_derivatives_may_be_written_in_several_ways(vjp: Any, called: str) -> None:
    try:
        made = op("test_called", lambda x: x, shape=same, vjps=[vjp], doc="Same.")
        assert made.__doc__ == f"test_called{called} -> Tensor\n\nSame."
    finally:
        OPS.pop("test_called", None)


def test_an_operation_of_ones_own_is_described_too() -> None:
    try:
        cube = op("test_cube", lambda x: x**3, shape=same, vjps=[lambda g, y, x: g], doc="Cube.")
        assert cube.__doc__ == "test_cube(x, /) -> Tensor\n\nCube."
        bare = op("test_bare", lambda x: x, shape=same, vjps=[lambda g, y, x: g])
        assert bare.__doc__ is None
    finally:
        OPS.pop("test_cube", None)
        OPS.pop("test_bare", None)


def test_a_described_operation_is_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(qnn.ops.relu)) is qnn.ops.relu
