"""Backward: graphs freed and kept, derivatives of derivatives, what is recorded and what is not."""

import contextlib
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import Parameter, Tensor, no_grad, ops
from qnn_core.autodiff import OPS, Op, op
from qnn_core.errors import DtypeError, GraphError, ShapeError


def leaf(*values: float) -> Tensor:
    return Tensor(values, np.float64, requires_grad=True)


# Freed and kept graphs


def test_a_second_backward_through_a_freed_graph() -> None:
    y = (leaf(1, 2) ** 2).sum()
    y.backward()
    with pytest.raises(GraphError, match=r"'sum' was freed .* retain_graph=True"):
        y.backward()


def test_the_part_that_two_outputs_share_is_freed_too() -> None:
    shared = leaf(1, 2) ** 2
    shared.sum().backward()
    with pytest.raises(GraphError, match="'power' was freed"):
        shared.mean().backward()


def test_retain_graph() -> None:
    x = leaf(1, 2)
    y = (x**2).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.data.tolist() == [4, 8]
    with pytest.raises(GraphError):
        y.backward()


def test_create_graph_keeps_the_graph() -> None:
    x = leaf(3)
    y = (x**2).sum()
    y.backward(create_graph=True)
    y.backward()
    assert x.grad.data.tolist() == [12]


def test_a_graph_needs_no_garbage_collector() -> None:
    x = leaf(1, 2)
    gc.collect()
    gc.disable()
    try:
        for finish in (lambda y: y.backward(), lambda y: None):
            middle = ops.exp(x)
            gone = weakref.ref(middle)
            y = (middle * x).sum()
            finish(y)
            del middle, y
            assert gone() is None
    finally:
        gc.enable()


def test_backward_lets_go_of_what_lies_between() -> None:
    x = leaf(1, 2)
    middle = ops.exp(x)
    gone = weakref.ref(middle)
    y = (middle * x).sum()
    del middle
    y.backward()
    assert gone() is None


# Derivatives of derivatives


def test_hessian_vector_product() -> None:
    # f = x' A x / 2 + sum(x**3): Hessian A + diag(6 x), for symmetric A.
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 4))
    a = a + a.T
    x = Tensor(rng.normal(size=4), np.float64, requires_grad=True)
    v = rng.normal(size=4)
    f = ops.matmul(ops.matmul(x, a), x) / 2 + (x**3).sum()
    (gradient,) = qnn.grad(f, x, create_graph=True)
    (product,) = qnn.grad((gradient * v).sum(), x)
    np.testing.assert_allclose(gradient.data, a @ x.data + 3 * x.data**2, rtol=1e-12)
    np.testing.assert_allclose(product.data, a @ v + 6 * x.data * v, rtol=1e-12)


def test_hessian_vector_product_of_logistic_regression() -> None:
    # Hessian of the mean cross-entropy in the logits of one row: diag(p) - p p'.
    z = Tensor([[0.1, -0.4, 0.7]], np.float64, requires_grad=True)
    v = np.array([[1.0, 2.0, -1.0]])
    (gradient,) = qnn.grad(ops.softmax_cross_entropy(z, [2]), z, create_graph=True)
    (product,) = qnn.grad((gradient * v).sum(), z)
    p = np.exp(z.data) / np.exp(z.data).sum()
    np.testing.assert_allclose(product.data, p * v - p * (p * v).sum(), rtol=1e-12)


def test_fourth_derivative() -> None:
    x = leaf(0.7)
    d = ops.sin(x).sum()
    for _ in range(4):
        (d,) = qnn.grad(d, x, create_graph=True)
        d = d.sum()
    np.testing.assert_allclose(d.item(), np.sin(0.7), rtol=1e-12)


def test_without_create_graph_gradients_are_not_recorded() -> None:
    x = leaf(2)
    (x**3).sum().backward()
    assert not x.grad.requires_grad
    (gradient,) = qnn.grad((x**3).sum(), x)
    with pytest.raises(GraphError, match="was not recorded"):
        qnn.grad(gradient, x)


# grad()


def test_grad_by_an_intermediate() -> None:
    x = leaf(1, 2)
    middle = x * 3
    y = (middle**2).sum()
    assert [g.data.tolist() for g in qnn.grad(y, [middle, x])] == [[6, 12], [18, 36]]
    assert x.grad is None
    assert middle.grad is None


def test_grad_by_the_output_itself() -> None:
    y = (leaf(1, 2) * 3).sum()
    assert qnn.grad(y, y)[0].item() == 1


def test_grad_of_several_outputs_adds_up() -> None:
    x = leaf(1, 2)
    (gradient,) = qnn.grad([x.sum(), x * 2], x, [None, [1.0, 10.0]])
    assert gradient.data.tolist() == [3, 21]


def test_grad_by_what_is_not_used() -> None:
    x, unused = leaf(1), leaf(1)
    with pytest.raises(GraphError, match="do not depend on input 1 of the 2"):
        qnn.grad(x.sum(), [x, unused])


def test_grad_by_what_requires_none() -> None:
    constant = Tensor([1.0], np.float64)
    with pytest.raises(GraphError, match="was requires_grad set"):
        qnn.grad((leaf(1) * constant).sum(), constant)


def test_grad_wants_a_gradient_for_each_output() -> None:
    x = leaf(1, 2)
    with pytest.raises(GraphError, match="1 gradients for 2 outputs"):
        qnn.grad([x.sum(), x.mean()], x, [None])


# Seeds


def test_a_tensor_of_several_elements_needs_a_gradient() -> None:
    with pytest.raises(ShapeError, match=r"shape \(2,\) needs an explicit gradient"):
        (leaf(1, 2) * 2).backward()


@pytest.mark.parametrize("gradient", [np.ones(3), np.ones((1, 2)), 1.0])
def test_a_gradient_of_another_shape(gradient: object) -> None:
    with pytest.raises(ShapeError, match=r"the output has shape \(2,\), its gradient"):
        (leaf(1, 2) * 2).backward(gradient)


def test_a_gradient_of_another_dtype_does_not_reach_the_leaves() -> None:
    x = Parameter([1.0, 2.0])
    with pytest.raises(DtypeError):
        (x + x).backward(Tensor([1.0, 1.0], np.float64))


def test_backward_of_a_leaf() -> None:
    x = leaf(5)
    x.backward()
    assert x.grad.data.tolist() == [1]


def test_backward_of_what_was_not_recorded() -> None:
    with pytest.raises(GraphError, match="was not recorded"):
        (Tensor([1.0]) * 2).backward()


# Accumulation


def test_gradients_add_up_over_backwards() -> None:
    x = leaf(1, 2)
    for _ in range(3):
        (x * 2).sum().backward()
    assert x.grad.data.tolist() == [6, 6]


def test_shared_subexpressions() -> None:
    x = leaf(2)
    y = x
    for _ in range(50):  # 2**50 paths: each node must be visited once
        y = y + y
    y.backward()
    assert x.grad.data.tolist() == [2.0**50]


def test_a_diamond() -> None:
    x = leaf(3)
    a = x * 2
    (a * a + a * x).sum().backward()
    assert x.grad.data.tolist() == [8 * 3 + 4 * 3]


def test_only_what_requires_a_gradient_gets_one() -> None:
    x, constant = leaf(1), Tensor([2.0], np.float64)
    middle = x * constant
    middle.sum().backward()
    assert x.grad is not None
    assert constant.grad is None
    assert middle.grad is None


def test_gradients_of_two_leaves_are_not_one_tensor() -> None:
    a, b = Parameter([1.0]), Parameter([1.0])
    (a + b).sum().backward()
    qnn.optim.clip_gradients([a, b], 0.1)
    norm = np.hypot(a.grad.item(), b.grad.item())
    np.testing.assert_allclose(norm, 0.1, rtol=1e-6)


def test_a_gradient_is_not_the_callers_array() -> None:
    x, given_array = leaf(1, 2), np.ones(2)
    (x + 0).backward(given_array)
    given_array[:] = 7
    (x + 0).backward(np.ones(2))
    assert x.grad.data.tolist() == [2, 2]


def test_many_uses_of_a_tensor_add_up_and_change_nothing_else() -> None:
    x = leaf(1, 2)
    seed = Tensor([1.0, 10.0], np.float64)
    y = x + x + x + x + x
    y.backward(seed)
    assert x.grad.data.tolist() == [5, 50]
    assert seed.data.tolist() == [1, 10]


def test_a_gradient_of_a_gradient_is_not_added_up_in_place() -> None:
    x = leaf(2)
    (first,) = qnn.grad((x * x * x * x).sum(), x, create_graph=True)
    (second,) = qnn.grad(first.sum(), x, create_graph=True)
    assert (first.item(), second.item()) == (32, 48)


# Residuals


@pytest.fixture
def halved() -> Iterator[Op]:
    """An operation whose forward says by how much it divided, and whose derivative is told."""

    def vjp(
        g: Tensor, y: Tensor, inputs: Any, needs: Any, attributes: Any, *, residual: float
    ) -> list[Tensor]:
        return [g * (1 / residual)]

    yield op(
        "test_halved",
        lambda x, *, by: (x / x.dtype.type(by), float(by)),
        shape=lambda s, **_: s,
        vjp=vjp,
        residual=True,
    )
    OPS.pop("test_halved")


def test_the_derivative_is_given_what_its_own_forward_made(halved: Op) -> None:
    x = leaf(8)
    y = halved(halved(x, by=2), by=4)
    assert y.item() == 1
    y.backward()
    assert x.grad.data.tolist() == [1 / 8]
    assert y.node.residual is None  # freed with the graph


def test_a_residual_is_returned_whether_it_is_recorded_or_not(halved: Op) -> None:
    for record in (True, False):
        with contextlib.nullcontext() if record else no_grad():
            y, residual = halved.with_residual(leaf(8), by=2)
        assert (y.item(), residual, y.requires_grad) == (4, 2.0, record)


def test_a_residual_is_kept_for_derivatives_of_derivatives(halved: Op) -> None:
    x = leaf(3)
    (first,) = qnn.grad((halved(x, by=2) * x * x).sum(), x, create_graph=True)
    (second,) = qnn.grad(first.sum(), x)
    assert (first.item(), second.item()) == (13.5, 9)


# Walks within walks, and beside each other


def test_a_derivative_may_differentiate() -> None:
    shared = leaf(3)
    square = shared * shared

    def vjp(g: Tensor, y: Tensor, x: Tensor) -> Tensor:
        # Another walk over a graph that the outer one walks over too.
        (inner,) = qnn.grad(square, shared, retain_graph=True)
        return g * inner

    identity = op("test_nested", np.positive, shape=lambda s: s, vjps=[vjp])
    try:
        (identity(square) + square).backward()
    finally:
        del OPS["test_nested"]
    assert shared.grad.data.tolist() == [(6 + 1) * 6]


def test_threads_walk_over_one_graph() -> None:
    x = leaf(1, 2)
    middle = x * x
    y = (middle * middle * middle).sum()
    found: list[object] = []

    def walk() -> None:
        for _ in range(200):
            (gradient,) = qnn.grad(y, x, retain_graph=True)
            found.append(gradient.data.tolist())

    threads = [threading.Thread(target=walk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[6, 192]] * 800


def test_a_walk_that_fails_leaves_the_mode_as_it_was() -> None:
    x = leaf(1)
    with pytest.raises(GraphError):
        Tensor([1.0]).backward()
    assert (x * 2).requires_grad


def test_an_operation_takes_as_many_inputs_as_it_has() -> None:
    # A ufunc would take one more as the array to write into.
    x, y = leaf(1, 2), leaf(3, 4)
    for call in (lambda: OPS["exp"](x, y), lambda: OPS["add"](x, x, y), lambda: OPS["add"](x)):
        with pytest.raises(TypeError, match=r"inputs, . were given"):
            call()
    assert y.data.tolist() == [3, 4]


# Deep graphs


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_deep_graphs(depth: int) -> None:
    x = leaf(1)
    y = x
    for _ in range(depth):
        y = y + 1
    y.backward()
    assert x.grad.data.tolist() == [1]


def test_a_deep_graph_may_be_dropped_unused() -> None:
    y = leaf(1)
    for _ in range(100_000):
        y = y + 1
    last = weakref.ref(y)
    del y
    assert last() is None


def test_a_deep_graph_twice_differentiated() -> None:
    x = leaf(1)
    y = x
    for _ in range(5_000):
        y = y * 1.0
    (gradient,) = qnn.grad((y * y).sum(), x, create_graph=True)
    assert qnn.grad(gradient, x)[0].data.tolist() == [2]


# no_grad


def test_no_grad_nests() -> None:
    x = leaf(1)
    with no_grad():
        with no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_ends_with_an_exception() -> None:
    x = leaf(1)
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert (x * 2).requires_grad


def test_no_grad_decorates() -> None:
    x = leaf(1)

    @no_grad()
    def double() -> Tensor:
        return x * 2

    assert [double().requires_grad for _ in range(2)] == [False, False]
    assert (x * 2).requires_grad


def test_no_grad_holds_in_its_thread_only() -> None:
    x = leaf(1)
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_backward_inside_no_grad_differentiates_what_was_recorded_before() -> None:
    x = leaf(3)
    y = (x**2).sum()
    with no_grad():
        y.backward()
    assert x.grad.data.tolist() == [6]


# Random expressions against their closed forms


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=5), st.integers(0, 5))
def test_polynomials(values: list[float], degree: int) -> None:
    x = leaf(*values)
    y = leaf(*([0.0] * len(values)))
    for power in range(degree + 1):
        y = y + (power + 1) * x**power
    y.sum().backward()
    expected = sum((p + 1) * p * x.data ** (p - 1) for p in range(1, degree + 1))
    np.testing.assert_allclose(x.grad.data, expected + 0 * x.data, rtol=1e-9, atol=1e-12)
