"""Groups of parameters with settings of their own; rates that change; no parameter twice."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor
from qnn_core.errors import FileError, GraphError, StateError
from qnn_core.optim import SGD, Adam, AdamW, Cosine, Step, WarmUp, but_for_rates

# An optimizer, its settings, and others that a group may have.
CASES: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (SGD, {"lr": 0.1}, {"lr": 0.01}),
    (SGD, {"lr": 0.1}, {"momentum": 0.5, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9}, {"momentum": 0.0}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"nesterov": False, "lr": 1}),
    (SGD, {"lr": 0.1, "schedule": Step(2)}, {"schedule": WarmUp(3), "lr": 0.5}),
    (Adam, {"lr": 0.1}, {"lr": 0.01, "betas": (0.5, 0.9)}),
    (Adam, {"lr": 0.1, "weight_decay": 0.1}, {"weight_decay": 0.0, "eps": 1e-3}),
    (AdamW, {"lr": 0.1, "weight_decay": 0.1}, {"weight_decay": 0.5}),
    (AdamW, {"lr": 0.1, "schedule": Cosine(4)}, {"lr": 0.2}),
]


def parameters(count: int = 3, dtype: Any = np.float32) -> list[Parameter]:
    rng = np.random.default_rng(0)
    return [Parameter(rng.normal(size=(2, n + 1)), dtype) for n in range(count)]


def give_gradients(given: list[Parameter], step: int) -> None:
    for n, parameter in enumerate(given):
        rng = np.random.default_rng([n, step])
        parameter.grad = Tensor(rng.normal(size=parameter.shape), parameter.dtype)


@pytest.mark.parametrize(("kind", "usual", "own"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_group_is_updated_as_by_an_optimizer_of_its_own(
    kind: Any, usual: dict[str, Any], own: dict[str, Any], dtype: Any
) -> None:
    grouped, apart = parameters(4, dtype), parameters(4, dtype)
    optimizer = kind([{"params": grouped[:2]}, {"params": grouped[2:], **own}], **usual)
    others = kind(apart[:2], **usual), kind(apart[2:], **{**usual, **own})
    for step in range(6):
        give_gradients(grouped, step)
        give_gradients(apart, step)
        optimizer.step()
        for other in others:
            other.step()
        for mine, theirs in zip(grouped, apart, strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)


@pytest.mark.parametrize(("kind", "usual", "own"), CASES)
def test_one_group_is_the_same_as_none(kind: Any, usual: Any, own: Any) -> None:
    one, other = parameters(), parameters()
    first = kind([{"params": one, **own}], **usual)
    second = kind(other, **{**usual, **own})
    for step in range(3):
        give_gradients(one, step)
        give_gradients(other, step)
        first.step()
        second.step()
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)
    assert first.describe() == second.describe()
    assert first.state_dict().keys() == second.state_dict().keys()


def test_what_a_group_may_hold() -> None:
    model = qnn.MLP([4, 3, 2], seed=0)
    alone, *rest = model.parameters()
    optimizer = SGD([{"params": alone}, {"params": iter(rest), "lr": 1}], lr=0.5)
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 3]
    named = SGD([{"params": model[n].named_parameters()} for n in (0, 2)], lr=0.5)
    assert named.names == ["weight", "bias", "weight", "bias"]
    assert len(SGD(alone, lr=0.1).parameters) == 1


# Rates that change


def test_the_rate_of_all_and_of_one_group() -> None:
    a, b, c = parameters()
    optimizer = SGD([{"params": a}, {"params": b, "lr": 0.01}, {"params": c}], lr=0.1)
    optimizer.lr = 0.2
    assert [g["lr"] for g in optimizer.param_groups] == [0.2, 0.01, 0.2]
    optimizer.param_groups[2]["lr"] = np.float64(0.3)
    optimizer.lr = np.int64(1)
    assert [g["lr"] for g in optimizer.param_groups] == [1.0, 0.01, 0.3]
    assert all(type(g["lr"]) is float for g in optimizer.param_groups)
    for group in optimizer.param_groups:
        group["lr"] /= 10
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.1, 0.001, 0.03])
    del optimizer.param_groups[1]["lr"]
    assert optimizer.param_groups[1]["lr"] == 1.0
    assert optimizer.current_lr == 0.1


def test_the_only_group_is_the_optimizer() -> None:
    optimizer = SGD(parameters(), lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.5
    assert optimizer.lr == optimizer.current_lr == 0.5
    assert set(optimizer.param_groups[0]) == {
        *("params", "lr", "momentum", "weight_decay", "nesterov", "schedule")
    }
    assert len(optimizer.param_groups[0]) == 6


@pytest.mark.parametrize(("kind", "usual", "own"), CASES)
def test_settings_may_change_between_steps(kind: Any, usual: Any, own: Any) -> None:
    w, v = (parameters(1, np.float64) for _ in range(2))
    first = kind(w, **usual)
    for name, value in own.items():
        setattr(first, name, value)
    second = kind(v, **{**usual, **own})
    for step in range(3):
        give_gradients(w, step)
        give_gradients(v, step)
        first.step()
        second.step()
    np.testing.assert_array_equal(w[0].data, v[0].data)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", 0, "SGD: lr must be above 0, got 0"),
        ("lr", np.nan, "lr must be above 0"),
        ("lr", True, "lr must be above 0, got True"),
        ("momentum", 1, "momentum must be at least 0 and below 1, got 1"),
        ("momentum", 0, "nesterov needs a momentum"),
        ("nesterov", 1, "nesterov must be True or False"),
        ("schedule", 0.5, "schedule must be a function of the step"),
        ("weight_decay", "much", "weight_decay"),
    ],
)
def test_what_is_set_is_checked_and_else_stays(name: str, value: Any, message: str) -> None:
    optimizer = SGD([{"params": p} for p in parameters()], 0.1, momentum=0.9, nesterov=True)
    before = optimizer.describe()
    with pytest.raises(ValueError, match=message):
        setattr(optimizer, name, value)
    with pytest.raises(ValueError, match=message):
        optimizer.param_groups[1][name] = value
    assert optimizer.describe() == before


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (lambda a, b: [a, a], ValueError, r"parameter 1 is parameter 0 \(shape \(2, 1\)\)"),
        (lambda a, b: [("w", a), ("v", a)], ValueError, "SGD: v is w"),
        (lambda a, b: [("w", a), ("w", a)], ValueError, "w is given twice"),
        (
            lambda a, b: [{"params": [a, b]}, {"params": b}],
            ValueError,
            "parameter 2 is parameter 1",
        ),
        (lambda a, b: [{"params": [a]}, {"params": a}], ValueError, "parameter 1 is parameter 0"),
        (lambda a, b: [{"params": a, "rate": 1}], ValueError, r"no hyperparameter 'rate'.*lr"),
        (lambda a, b: [{"params": a, "lrr": 1}], ValueError, "did you mean 'lr'"),
        (lambda a, b: [{"params": a, "lr": -1}], ValueError, "lr must be above 0"),
        (lambda a, b: [{"lr": 1}], ValueError, "'params'"),
        (lambda a, b: [{"params": a}, b], ValueError, "groups are dictionaries"),
        (lambda a, b: [{"params": []}], ValueError, "no parameters"),
        (lambda a, b: {"params": [a]}, TypeError, "a list of groups; got a dict"),
        (lambda a, b: [{"params": 3}], TypeError, "got a int"),
        (lambda a, b: [{"params": [3]}], TypeError, "takes parameters, .* got 3"),
    ],
)
def test_groups_are_checked(groups: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        SGD(groups(*parameters(2)), lr=0.1)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_shared_layer_gives_its_parameters_once(kind: Any) -> None:
    layer = qnn.Linear(2, 2, seed=0)
    optimizer = kind(qnn.nn.Sequential(layer, layer).parameters(), lr=0.1)
    assert len(optimizer.parameters) == 2
    with pytest.raises(ValueError, match="parameter 2 is parameter 0"):
        kind([*layer.parameters(), *layer.parameters()], lr=0.1)


def test_the_parameters_of_a_group_stay() -> None:
    optimizer = SGD(parameters(), lr=0.1)
    with pytest.raises(ValueError, match="cannot be changed"):
        optimizer.param_groups[0]["params"] = []


# Parameters that are not trained


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_parameter_that_was_left_out_goes_on_as_if_it_were_new(kind: Any) -> None:
    given, fresh = parameters(2, np.float64), parameters(2, np.float64)
    optimizer = kind(given, lr=0.1)
    given[1].requires_grad = False
    for step in range(5):
        given[0].grad = Tensor(np.ones(given[0].shape), np.float64)
        if step == 2:
            given[1].grad = Tensor(np.ones(given[1].shape), np.float64)  # a stale one counts not
        optimizer.step()
    np.testing.assert_array_equal(given[1].data, fresh[1].data)
    twin_parameters = copy.deepcopy(given)
    twin = kind(twin_parameters, lr=0.1)
    twin.load_state_dict(optimizer.state_dict())
    later = kind([fresh[1]], lr=0.1)
    given[1].requires_grad = twin_parameters[1].requires_grad = True
    for step in range(3):
        for each in (given, fresh, twin_parameters):
            give_gradients(each, step)
        optimizer.step()
        twin.step()
        later.step()
    np.testing.assert_array_equal(given[1].data, fresh[1].data)
    np.testing.assert_array_equal(given[1].data, twin_parameters[1].data)


def test_a_gradient_that_is_missing_is_still_an_error() -> None:
    given = parameters(2)
    give_gradients(given[:1], 0)
    with pytest.raises(GraphError, match="parameter 1"):
        SGD(given, lr=0.1).step()


def test_clipping_passes_over_parameters_that_are_not_trained() -> None:
    a, b = Parameter([0.0]), Parameter([0.0])
    a.grad, b.grad = Tensor([3.0]), Tensor([4.0])
    b.requires_grad = False
    assert qnn.optim.clip_gradients([a, b], 1.0) == 3
    assert b.grad.item() == 4


# State, descriptions, resumed runs


def test_state_goes_on_where_it_was_with_groups() -> None:
    def make() -> tuple[list[Parameter], Adam]:
        given = parameters()
        return given, Adam([{"params": given[:1], "lr": 0.5}, {"params": given[1:]}], lr=0.1)

    (one, first), (two, second) = make(), make()
    for step in range(3):
        give_gradients(one, step)
        first.step()
    for mine, theirs in zip(two, one, strict=True):
        mine.data[...] = theirs.data
    second.load_state_dict(first.state_dict())
    for step in range(3, 6):
        for given, optimizer in ((one, first), (two, second)):
            give_gradients(given, step)
            optimizer.step()
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)
    with pytest.raises(StateError):
        Adam(parameters(2), lr=0.1).load_state_dict(first.state_dict())


def test_descriptions() -> None:
    a, b, c = parameters()
    assert (
        SGD([a, b], 0.1, momentum=0.9, schedule=Cosine(3)).describe()
        == "SGD(lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)"
    )
    grouped = Adam([{"params": [a, b]}, {"params": c, "lr": 1, "betas": (0, 0.5)}], lr=0.1)
    assert grouped.describe() == (
        "Adam(betas=(0.9, 0.999), eps=1e-08, lr=0.1, weight_decay=0.0; groups: "
        "2 parameters with lr=0.1, 1 parameters with betas=(0.0, 0.5), lr=1.0)"
    )
    assert but_for_rates(grouped.describe()) == (
        "Adam(betas=(0.9, 0.999), eps=1e-08, lr, weight_decay=0.0; groups: "
        "2 parameters with lr, 1 parameters with betas=(0.0, 0.5), lr)"
    )


X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
BATCHES = [(X, np.arange(20) % 2)] * 3


def run(path: Path, epochs: int, resume: bool = False, **settings: Any) -> qnn.History:
    model = qnn.MLP([4, 3, 2], seed=0)
    groups = [
        {"params": model[0].parameters()},
        {"params": model[2].parameters(), "lr": settings.pop("second", 0.2)},
    ]
    optimizer = SGD(groups, **{"lr": 0.1, **settings})
    return qnn.fit(
        model,
        BATCHES,
        epochs=epochs,
        optimizer=optimizer,
        checkpoint=path,
        resume=resume,
        progress=False,
    )


def test_a_run_goes_on_with_another_rate_and_its_history_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    run(path, 2)
    history = run(path, 4, resume=True, lr=0.01, second=0.02)
    assert [epoch.lr for epoch in history.epochs] == [0.1, 0.1, 0.01, 0.01]
    # The same as a run whose rates were changed in between.
    model = qnn.MLP([4, 3, 2], seed=0)
    optimizer = SGD(
        [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.2}], lr=0.1
    )

    def lower(epoch: Any) -> None:
        if epoch.epoch == 2:
            optimizer.lr = 0.01
            optimizer.param_groups[1]["lr"] = 0.02

    whole = qnn.fit(model, BATCHES, epochs=4, optimizer=optimizer, on_epoch=lower, progress=False)
    assert [epoch.loss for epoch in whole.epochs] == [epoch.loss for epoch in history.epochs]


@pytest.mark.parametrize("other", [{"momentum": 0.5}, {"weight_decay": 0.1}])
def test_a_run_does_not_go_on_with_other_settings(tmp_path: Path, other: Any) -> None:
    path = tmp_path / "run.qnn"
    run(path, 1)
    with pytest.raises(FileError, match="of another run, whose optimizer is"):
        run(path, 2, resume=True, **other)
