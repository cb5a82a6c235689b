"""`check_op` finds what is wrong with an operation."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from qnn_core import Tensor, ops
from qnn_core.autodiff import OPS, Op, op
from qnn_core.errors import QnnError
from qnn_core.ops.shapes import broadcasting, same
from qnn_core.testing import LawError, check_op

SQUARE = np.square
X = [0.5, -1.5]


@pytest.fixture
def declare() -> Iterator[Callable[..., Op]]:
    """Declares operations that are gone after the test."""
    before = set(OPS)
    yield lambda forward=SQUARE, shape=same, **derivative: op(
        "broken_op", forward, shape=shape, **derivative
    )
    for name in set(OPS) - before:
        del OPS[name]


def violations(function: Any, *inputs: Any, **options: Any) -> list[str]:
    with pytest.raises(LawError) as caught:
        check_op(function, *inputs, **options)
    assert "broken_op" in str(caught.value)
    return caught.value.violations


def test_a_right_one_passes(declare: Callable[..., Op]) -> None:
    check_op(declare(vjps=[lambda g, y, x: g * 2 * x]), X)


def test_wrong_first_derivative_only(declare: Callable[..., Op]) -> None:
    # It is the right second derivative of something else.
    (problem,) = violations(declare(vjps=[lambda g, y, x: g * (2 * x + 1)]), X)
    assert problem.startswith("first derivative")


def test_wrong_second_derivative_only(declare: Callable[..., Op]) -> None:
    broken = declare(vjps=[lambda g, y, x: g * (2 * x.data)])
    (problem,) = violations(broken, X)
    assert problem.startswith("second derivative")
    check_op(broken, X, order=1)


def test_derivative_of_one_of_two_inputs_wrong(declare: Callable[..., Op]) -> None:
    broken = declare(
        np.multiply,
        broadcasting("broken_op"),
        vjps=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * b],
    )
    assert violations(broken, X, [2.0, 3.0])[0].startswith("first derivative")


def test_wrong_derivative_of_one_element(declare: Callable[..., Op]) -> None:
    one = np.eye(1, 100)[0]
    broken = declare(vjps=[lambda g, y, x: g * 2 * x + g * (one * 1e-3)])
    assert violations(broken, np.linspace(1, 2, 100))[0].startswith("first derivative")


def test_no_derivative(declare: Callable[..., Op]) -> None:
    broken = declare(vjps=[lambda g, y, x: g * 0])
    assert violations(broken, X)[0].startswith("first derivative")


def test_output_that_is_cut_off_from_its_inputs() -> None:
    def broken_op(x: Tensor) -> Tensor:
        return ops.exp(x.detach())

    assert "does not depend" in violations(broken_op, X)[0]


def test_wrong_shape_rule(declare: Callable[..., Op]) -> None:
    broken = declare(shape=lambda s: (*s, 1), vjps=[lambda g, y, x: g * 2 * x])
    (problem,) = violations(broken, X)
    assert "broken_op of [(2,)] promises (2, 1) and gives (2,)" in problem


def test_wrong_shape_rule_inside_a_function(declare: Callable[..., Op]) -> None:
    inner = declare(shape=lambda s: (), vjps=[lambda g, y, x: g * 2 * x])
    with pytest.raises(LawError, match="shape rule: broken_op"):
        check_op(lambda x: ops.sum(inner(x) * 2), X)


# These two are refused by the tape itself; all that matters is that they do not pass.


def test_wrong_dtype(declare: Callable[..., Op]) -> None:
    broken = declare(lambda x: x.astype(np.float64) ** 2, vjps=[lambda g, y, x: g * 2 * x])
    with pytest.raises((LawError, QnnError), match=r"broken_op.*float64"):
        check_op(broken, X)


def test_too_few_gradients(declare: Callable[..., Op]) -> None:
    broken = declare(np.add, broadcasting("broken_op"), vjps=[lambda g, y, a, b: g])
    with pytest.raises((LawError, QnnError), match="broken_op"):
        check_op(broken, X, X)


def test_gradient_of_a_wrong_shape(declare: Callable[..., Op]) -> None:
    broken = declare(vjps=[lambda g, y, x: ops.concatenate([g, g]) * 2])
    with pytest.raises((LawError, QnnError), match="broken_op"):
        check_op(broken, X)
