"""Optimizers in closed form, schedules, clipping, state."""

import math
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor
from qnn_core.errors import GraphError, NonFiniteError, ShapeError, StateError
from qnn_core.optim import SGD, Adam, AdamW, Constant, Cosine, Step, WarmUp, clip_gradients

EVERY = [
    lambda p: SGD(p, 0.1),
    lambda p: SGD(p, 0.1, momentum=0.9),
    lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    lambda p: Adam(p, 0.1),
    lambda p: AdamW(p, 0.1, weight_decay=0.1),
]


def with_gradient(value: Any, gradient: Any, **options: Any) -> Parameter:
    parameter = Parameter(value, np.float64, **options)
    parameter.grad = Tensor(gradient, np.float64)
    return parameter


def steps(optimizer: Any, gradient: float, count: int) -> float:
    (parameter,) = optimizer.parameters
    for _ in range(count):
        parameter.grad = Tensor(np.full(parameter.shape, gradient), parameter.dtype)
        optimizer.step()
    return parameter.data.ravel()[0].item()


# The formulas step by step are in tests/kernels; here are closed forms.


def test_sgd_on_a_parabola() -> None:
    w = Parameter([1.0], np.float64)
    optimizer = SGD([w], 0.1)
    for _ in range(10):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.data[0] == pytest.approx(0.8**10, rel=1e-12)


def test_momentum_with_a_constant_gradient() -> None:
    w = steps(SGD([Parameter([0.0], np.float64)], 1.0, momentum=0.5), 1.0, 20)
    assert w == pytest.approx(-sum((1 - 0.5**n) / 0.5 for n in range(1, 21)), rel=1e-12)


@pytest.mark.parametrize("gradient", [1e-3, 1.0, -1e3])
def test_adam_with_a_constant_gradient_walks_by_the_learning_rate(gradient: float) -> None:
    w = steps(Adam([Parameter([0.0], np.float64)], 0.1), gradient, 20)
    assert w == pytest.approx(-math.copysign(2.0, gradient), rel=1e-4)


def test_decoupled_decay_without_a_gradient() -> None:
    w = steps(AdamW([Parameter([1.0], np.float64)], 0.1, weight_decay=0.5), 0.0, 5)
    assert w == pytest.approx(0.95**5, rel=1e-12)


@pytest.mark.parametrize("cls", [SGD, Adam, AdamW])
def test_parameters_can_be_left_out_of_decay(cls: Any) -> None:
    kept = Parameter([1.0], np.float64, decay=False)
    assert steps(cls([kept], 0.1, weight_decay=0.5), 0.0, 3) == 1.0
    assert steps(cls([Parameter([1.0], np.float64)], 0.1, weight_decay=0.5), 0.0, 3) < 1.0


@pytest.mark.parametrize("make", EVERY)
def test_bounds(make: Any) -> None:
    optimizer = make([Parameter([0.0], np.float64, bounds=(-0.15, 0.5))])
    assert steps(optimizer, 1.0, 5) == -0.15
    assert steps(optimizer, -1e3, 30) == 0.5


@pytest.mark.parametrize("make", EVERY)
def test_a_missing_gradient_changes_nothing(make: Any) -> None:
    first, second = with_gradient([1.0], [1.0]), Parameter([2.0, 3.0], np.float64)
    optimizer = make([("first", first), ("layer.weight", second)])
    with pytest.raises(GraphError, match=r"layer\.weight of shape \(2,\) has no gradient"):
        optimizer.step()
    assert first.data.tolist() == [1]
    assert optimizer.steps == 0


def test_parameters_without_a_name_are_numbered() -> None:
    with pytest.raises(GraphError, match="parameter 1"):
        SGD([with_gradient([1.0], [1.0]), Parameter([1.0])], 0.1).step()


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("arrange", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_a_weight_of_any_layout_is_updated(make: Any, arrange: Any) -> None:
    value, gradient = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    plain, other = with_gradient(value, gradient), with_gradient(value, arrange(gradient))
    other.data = arrange(value)
    make([plain]).step()
    make([other]).step()
    np.testing.assert_array_equal(other.data, plain.data)


@pytest.mark.parametrize("make", EVERY)
def test_state_goes_on_where_it_was(make: Any) -> None:
    one, two = (Parameter([1.0], np.float64) for _ in range(2))
    first, second = make([one]), make([two])
    steps(first, 0.7, 3)
    two.data[:] = one.data
    second.load_state_dict(first.state_dict())
    assert steps(first, -0.2, 4) == steps(second, -0.2, 4)


def test_state_is_a_copy() -> None:
    optimizer = Adam([Parameter([1.0])], 0.1)
    optimizer.state_dict()["mean.0"][:] = 9
    assert optimizer.state_dict()["mean.0"].tolist() == [0]


def test_state_that_does_not_fit() -> None:
    optimizer = Adam([Parameter([1.0])], 0.1)
    good = optimizer.state_dict()
    for wrong in (
        {},
        {**good, "more": np.zeros(1)},
        {**good, "mean.0": np.zeros(2, np.float32)},
        {**good, "mean.0": np.zeros(1)},
    ):
        with pytest.raises(StateError, match="Adam"):
            optimizer.load_state_dict(wrong)
    assert optimizer.steps == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: SGD(p, 0.0), "SGD: lr must be above 0, got 0.0"),
        (lambda p: SGD(p, -1), "lr"),
        (lambda p: SGD(p, np.nan), "lr"),
        (lambda p: SGD(p, np.inf), "lr"),
        (lambda p: SGD(p, "fast"), "lr"),
        (lambda p: SGD(p, 0.1, momentum=1.0), "momentum must be at least 0 and below 1"),
        (lambda p: SGD(p, 0.1, weight_decay=-1), "weight_decay"),
        (lambda p: SGD(p, 0.1, nesterov=True), "nesterov needs a momentum"),
        (lambda p: Adam(p, betas=(1.0, 0.9)), r"betas\[0\]"),
        (lambda p: Adam(p, betas=(0.9, -0.1)), r"betas\[1\]"),
        (lambda p: Adam(p, eps=0), "eps must be above 0"),
        (lambda p: SGD([], 0.1), "no parameters"),
    ],
)
def test_hyperparameters_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make([Parameter([1.0])])


def test_only_parameters_are_optimized() -> None:
    with pytest.raises(TypeError, match="takes parameters"):
        SGD([Tensor([1.0])], 0.1)


# Schedules


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), [1, 1, 1, 1, 1]),
        (Step(every=2, factor=0.5), [1, 1, 0.5, 0.5, 0.25]),
        (Cosine(steps=4), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]),
        (Cosine(steps=2, floor=0.2), [1, 0.6, 0.2, 0.2, 0.2]),
        (WarmUp(steps=4), [0.25, 0.5, 0.75, 1, 1]),
        (WarmUp(steps=2, then=Step(every=1, factor=0.1)), [0.5, 1, 1, 0.1, 0.01]),
    ],
)
def test_schedules(schedule: Any, expected: list[float]) -> None:
    assert [schedule(n) for n in range(5)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("make", [lambda: Step(0), lambda: Cosine(-1), lambda: WarmUp(1.5)])
def test_schedules_are_checked(make: Any) -> None:
    with pytest.raises(ValueError, match="whole number >= 1"):
        make()


def test_a_schedule_scales_each_step() -> None:
    optimizer = SGD([Parameter([0.0], np.float64)], 2.0, schedule=Step(every=1, factor=0.5))
    assert optimizer.current_lr == 2
    assert steps(optimizer, 1.0, 3) == -(2 + 1 + 0.5)
    assert optimizer.current_lr == 0.25


# Clipping


def test_clipping_is_by_the_common_norm() -> None:
    a, b = with_gradient([0.0], [3.0]), with_gradient([[0.0]], [[-4.0]])
    assert clip_gradients([a, Parameter([1.0]), b], 0.5) == 5
    np.testing.assert_allclose([a.grad.item(), b.grad.item()], [0.3, -0.4], rtol=1e-12)


def test_small_gradients_are_left_alone() -> None:
    a = with_gradient([0.0], [3.0])
    gradient = a.grad.data
    assert clip_gradients([a], 3.0) == 3
    assert a.grad.data is gradient


@pytest.mark.parametrize("size", [1e25, 1e-30])
def test_norms_beyond_the_squares_of_float32(size: float) -> None:
    a = Parameter([0.0, 0.0])
    a.grad = Tensor([3 * size, 4 * size])
    assert clip_gradients([a], size) == pytest.approx(5 * size, rel=1e-6)
    np.testing.assert_allclose(a.grad.data, [0.6 * size, 0.8 * size], rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite(bad: float) -> None:
    with pytest.raises(NonFiniteError, match=f"norm of the gradients is {bad}"):
        clip_gradients([with_gradient([0.0], [bad])], 1.0)


@pytest.mark.parametrize("norm", [0, -1, np.nan])
def test_the_greatest_norm_is_checked(norm: float) -> None:
    with pytest.raises(ValueError, match="max_norm"):
        clip_gradients([with_gradient([0.0], [1.0])], norm)


@pytest.mark.parametrize(
    ("data", "gradient"),
    [
        (np.ones(200_000, np.float32), np.ones(200_000, np.float32)),  # state of another shape
        (np.ones(2, np.float32), np.ones(3, np.float32)),
        (np.ones(2, np.float32), np.ones((1, 2), np.float32)),
        (np.ones(2, np.float64), np.ones(2, np.float64)),  # state of another dtype
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(data: Any, gradient: Any) -> None:
    first, second = Parameter(np.zeros(2)), Parameter(np.zeros(2))
    optimizer = qnn.optim.Adam([("first", first), ("second", second)], lr=0.1)
    first.grad = Tensor(np.ones(2))
    second.data, second.grad = data, Tensor(gradient, gradient.dtype)
    with pytest.raises(ShapeError, match="second"):
        optimizer.step()
    assert first.data.tolist() == [0, 0]
    assert optimizer.steps == 0


def test_read_only_data_are_refused_before_anything_changes() -> None:
    first, second = Parameter(np.zeros(2)), Parameter(np.zeros(2))
    optimizer = qnn.optim.SGD([("first", first), ("second", second)], lr=0.1)
    first.grad = second.grad = Tensor(np.ones(2))
    second.data.flags.writeable = False
    with pytest.raises(GraphError, match="second"):
        optimizer.step()
    assert first.data.tolist() == [0, 0]


@pytest.mark.parametrize(
    "make", [lambda: qnn.optim.Cosine(10, floor=-3), lambda: qnn.optim.Step(1, factor=-2)]
)
def test_schedules_refuse_negative_learning_rates(make: Any) -> None:
    with pytest.raises(ValueError, match="got -"):
        make()


@pytest.mark.parametrize("change", [{"steps": -(2**53)}, {"skipped": -1}, {"skipped": 3}])
def test_steps_that_were_not_counted_from_zero_are_refused(change: dict[str, int]) -> None:
    parameter = with_gradient([1.0], [1.0])
    optimizer = Adam([parameter], 0.1)
    steps(optimizer, 1.0, 2)
    state = optimizer.state_dict()
    shapes = {"steps": (), "skipped": (1,)}
    wrong = {name: np.full(shapes[name], value) for name, value in change.items()}
    with pytest.raises(StateError, match="steps, of which parameters left out"):
        optimizer.load_state_dict({**state, **wrong})
    assert optimizer.steps == 2


def test_a_scale_without_a_gradient_hears_of_evaluation() -> None:
    model = qnn.MLP([3, 2], last_weight="symmetric:3", seed=0).eval()
    optimizer = SGD(model.named_parameters(), 0.1)
    model(np.ones((4, 3))).sum().backward()
    with pytest.raises(GraphError, match=r"log_scale of shape \(\) .* model\.train\(\)"):
        optimizer.step()
