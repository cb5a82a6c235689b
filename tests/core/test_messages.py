"""What is said to whoever does here what PyTorch would take."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops, optim, torch_names
from qnn_core.errors import DtypeError, QnnError, ShapeError, StateError

X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
Y = np.arange(20) % 3
TABLES = {name: table for name, table in vars(torch_names).items() if name.startswith("OF_")}
OWNERS: dict[str, Any] = {
    "OF_QNN": qnn,
    "OF_NN": nn,
    "OF_OPS": ops,
    "OF_OPTIM": optim,
    "OF_TENSOR": qnn.Tensor(X),
    "OF_MODULE": nn.Linear(4, 3),
}


def net() -> qnn.MLP:
    return qnn.MLP([4, 8, 3], seed=0)


def fit(model: Any, **options: Any) -> Any:
    given = {"epochs": 1, "optimizer": optim.SGD(model.parameters(), lr=0.1)} | options
    return qnn.fit(model, (X, Y), **given)


class Returnless(nn.Module):
    def __init__(self) -> None:
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        self.layer(x)


ENTRIES = [pytest.param(t, n, id=f"{t}-{n}") for t, names in TABLES.items() for n in names]


@pytest.mark.parametrize(("table", "name"), ENTRIES)
def test_a_name_of_pytorch_is_answered_with_ours(table: str, name: str) -> None:
    answer = re.escape(f"has no attribute '{name}'; here: ")
    with pytest.raises(AttributeError, match=answer) as raised:
        getattr(OWNERS[table], name)
    assert raised.value.name == name
    named = re.findall(r"`(qnn[\w.]*)`", TABLES[table][name])
    for ours in named:
        found: Any = qnn
        for part in ours.split(".")[1:]:
            found = getattr(found, part)
        assert ours in str(raised.value)


@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS)
def test_other_names_are_missing_as_ever(owner: Any) -> None:
    assert not hasattr(owner, "no_such_name")
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_name'$"):
        _ = owner.no_such_name


def fit_on(labels: Any) -> Any:
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = ops.softmax_cross_entropy
    return qnn.fit(model, (X, labels), epochs=1, optimizer=optimizer, loss=loss, metric=None)


def twice() -> None:
    loss = net()(qnn.Tensor(X)).sum()
    loss.backward()
    loss.backward()


def unrecorded() -> None:
    with qnn.no_grad():
        loss = net()(qnn.Tensor(X)).sum()
    loss.backward()


MISTAKES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "parameters without a call": (
        lambda: optim.SGD(net().parameters, lr=0.1),
        TypeError, r"such as model.parameters\(\).* got a method",
    ),
    "a model in place of parameters": (
        lambda: optim.SGD(net(), lr=0.1), TypeError, r"such as model.parameters\(\), got Linear",
    ),
    "another model's optimizer": (
        lambda: fit(net(), optimizer=optim.SGD(net().parameters(), lr=0.1)),
        StateError, r"none of the parameters of this MLP: make it of model.parameters\(\)",
    ),
    "an optimizer's name": (
        lambda: fit(net(), optimizer="adam"), TypeError, "an optimizer is needed, such as",
    ),
    "a loss's name": (
        lambda: fit(net(), loss="cross_entropy"),
        TypeError, "such as qnn.ops.softmax_cross_entropy, got 'cross_entropy'",
    ),
    "channels first": (
        lambda: nn.Conv2d(3, 8, 3)(qnn.Tensor(np.zeros((2, 3, 32, 32)))),
        ShapeError, "are the channels first",
    ),
    "one-hot labels": (
        lambda: fit_on(np.eye(3)[Y]), ShapeError, r"one-hot rows that is labels.argmax\(axis=1\)",
    ),
    "labels of floats": (
        lambda: fit_on(Y.astype(np.float32)), DtypeError, r"labels.astype\(int\)",
    ),
    "labels from 1": (lambda: fit_on(Y + 1), ValueError, r"label 3 at .* is not in 0\.\.2"),
    "labels before scores": (
        lambda: ops.softmax_cross_entropy(Y, net()(qnn.Tensor(X))),
        TypeError, "scores come first, then labels",
    ),
    "a list in Sequential": (
        lambda: nn.Sequential([nn.ReLU()]), TypeError, r"Sequential\(\*layers\) takes",
    ),
    "a function in Sequential": (
        lambda: nn.Sequential(ops.relu), TypeError, "in the forward of a Module of your own",
    ),
    "no return": (lambda: fit(Returnless()), TypeError, "Returnless: .* is a return missing"),
    "no forward": (lambda: nn.Module()(qnn.Tensor(X)), NotImplementedError, "define forward"),
    "backward twice": (twice, QnnError, "pass retain_graph=True"),
    "backward without a graph": (unrecorded, QnnError, r"made inside no_grad\(\)"),
    "numpy of what is trained": (
        lambda: net()(qnn.Tensor(X)).numpy(), QnnError, r"take \.data or \.detach\(\)",
    ),
    "a path as a state": (
        lambda: net().load_state_dict("model.pt"),  # type: ignore[arg-type] # refused
        TypeError, r"got a str; qnn.load_state\(path\) reads one",
    ),
    "a state as a model": (
        lambda: qnn.save(net().state_dict(), "x"),  # type: ignore[arg-type] # refused
        QnnError, r"got a dict; qnn.save_state\(model, path\)",
    ),
    "a dtype as a quantizer": (
        lambda: nn.QuantLinear(4, 3, weight="int8"), QnnError, "such as 'symmetric:8'",
    ),
    "evaluation before training": (
        lambda: nn.QuantLinear(4, 3, input="uniform:4").eval()(qnn.Tensor(X)),
        StateError, r"train first, or qnn.calibrate\(model, data\)",
    ),
    "dropout in percent": (lambda: nn.Dropout(50), ValueError, "at least 0 and below 1, got 50"),
}  # fmt: skip # a table


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_met_with_what_to_do(mistake: str) -> None:
    make, error, message = MISTAKES[mistake]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("sign", ["+=", "-=", "*=", "/="])
def test_a_parameter_that_would_not_change_says_so(sign: str) -> None:
    model = net()
    before = model[0].weight.data.copy()
    program = f"w = model[0].weight\nw {sign} 0.5"
    with pytest.raises(TypeError, match=re.escape(f"parameter.data[...] {sign} array")):
        exec(program, {"model": model})
    assert np.array_equal(model[0].weight.data, before)
    exec(f"model[0].weight.data[...] {sign} 0.5", {"model": model})
    assert not np.array_equal(model[0].weight.data, before)


def test_tensors_are_added_up_as_ever() -> None:
    total = qnn.Tensor(0.0)
    total += net()(qnn.Tensor(X)).sum()
    total -= 1.0
    total.backward()
    assert total.node is not None


def test_what_trains_beside_the_model_is_no_mistake() -> None:
    model, scale = net(), qnn.Parameter([1.0])
    optimizer = optim.SGD([*model.parameters(), scale], lr=0.1)
    history = fit(
        model,
        optimizer=optimizer,
        loss=lambda outputs, labels: ops.softmax_cross_entropy(outputs * scale, labels),
        metric=None,
    )
    assert history.last.loss > 0
