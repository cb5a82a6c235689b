"""`fit` says in one line when a training has gone nowhere, and nothing where it has not."""

import re
import warnings
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
import qnn_data
from qnn_core import Tensor, ops

TRAIN, _ = qnn_data.load("mnist-mini")
RAW = TRAIN.x.reshape(len(TRAIN), -1)
SCALED, LABELS = TRAIN[:]
SGD, ADAM = qnn.optim.SGD, qnn.optim.Adam


def mlp(**options: Any) -> qnn.MLP:
    return qnn.MLP([784, 32, 32, 10], seed=0, **options)


def fit(
    model: Any, x: Any, y: Any = LABELS, *, kind: Any = ADAM, lr: float = 1e-3, **o: Any
) -> Any:
    optimizer = kind(model.parameters(), lr=lr)
    return qnn.fit(model, (x, y), **{"epochs": 1, "optimizer": optimizer, **o})


def shallow() -> qnn.MLP:
    return qnn.MLP([784, 64, 10], seed=0)


class Dead(qnn.Module):
    """Its first layer gives nothing but zeros to the second."""

    def __init__(self) -> None:
        self.first = qnn.Linear(784, 8, seed=0)
        self.first.bias.data[:] = -1e3
        self.second = qnn.Linear(8, 10, seed=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(ops.relu(self.first(x)))


class Residual(qnn.Module):
    """A branch that passes nothing on, beside one that learns."""

    def __init__(self) -> None:
        self.first = qnn.Linear(784, 32, seed=0)
        self.branch = qnn.QuantLinear(32, 32, input="binary", seed=1)
        self.last = qnn.Linear(32, 10, seed=2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = ops.relu(self.first(x))
        return self.last(hidden + self.branch(hidden))


def column(**options: Any) -> qnn.MLP:
    return qnn.MLP([784, 16, 1], seed=0, **options)


CASES: dict[str, tuple[Any, str]] = {
    "binary after relu": (
        lambda: fit(mlp(weight="binary", input="binary"), SCALED),
        r"inputs of layers\.2 have the same code with Binary.*zero counts as positive",
    ),
    "binary after relu in a branch": (
        lambda: fit(Residual(), SCALED),
        r"inputs of branch have the same code",
    ),
    "rate 100": (
        lambda: fit(shallow(), SCALED, kind=SGD, lr=100),
        r"layers\.\d\.weight has grown .* the learning rate of 100 is probably too great",
    ),
    "rate 100, quantized": (
        lambda: fit(mlp(weight="symmetric:4", input="uniform:4"), SCALED, kind=SGD, lr=100),
        "the learning rate of 100 is probably too great",
    ),
    "raw pixels": (
        lambda: fit(mlp(), RAW, kind=SGD, lr=0.1),
        r"the inputs of layers\.0 go from 0 to 255; .* such as x / 255",
    ),
    "great inputs": (
        lambda: fit(shallow(), SCALED * 100.0 - 50.0, kind=SGD, lr=0.1),
        r"the inputs of layers\.0 go from .*; bring them to about -1 to 1$",
    ),
    "dead": (
        lambda: fit(Dead(), SCALED),
        r"2\.303 is chance: the model \(Dead, relu\) gives the same",
    ),
    "rate too small": (
        lambda: fit(mlp(), SCALED, kind=SGD, lr=1e-9, epochs=4),
        "after 240 steps the model answers no better than always the same",
    ),
    "one column of softmax": (
        lambda: fit(column(), SCALED, LABELS * 0),
        "softmax cross-entropy of one column is always 0",
    ),
    "many short epochs": (
        lambda: fit(mlp(), RAW[:600], LABELS[:600], kind=SGD, lr=0.1, epochs=12),
        "such as x / 255 for pixels",
    ),
    "the same inputs": (
        lambda: fit(mlp(), np.ones_like(SCALED), epochs=2),
        "64 samples that were looked at have all the same inputs",
    ),
    "regression": (
        lambda: fit(
            column(), SCALED, LABELS, kind=SGD, lr=1e-9, epochs=4, loss=ops.mean_squared_error
        ),
        "8.25 is chance",
    ),
    "yes or no": (
        lambda: fit(
            column(),
            SCALED,
            LABELS % 2,
            kind=SGD,
            lr=1e-9,
            epochs=4,
            loss=ops.binary_cross_entropy_with_logits,
        ),
        r"0\.6931 is chance",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_says_what_and_why(name: str) -> None:
    run, message = CASES[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    (warning,) = caught
    assert warning.category is qnn.TrainingWarning
    text = str(warning.message)
    assert text.startswith("fit: ")
    assert "\n" not in text
    assert re.search(message, text), text
    assert warning.filename == __file__


# Every warning is an error here: what is fine must stay silent.

FINE: dict[str, Any] = {
    "float": lambda: fit(mlp(), SCALED, epochs=5),
    "sgd": lambda: fit(mlp(), SCALED, kind=SGD, lr=0.1, epochs=5),
    "raw pixels behind a normalization": lambda: fit(
        qnn.Sequential(qnn.BatchNorm(784), *mlp().layers), RAW, epochs=2
    ),
    "2 bits": lambda: fit(mlp(weight="symmetric:2", input="uniform:2", batch_norm=True), SCALED),
    "1 bit": lambda: fit(
        mlp(weight="binary", input="binary", activation="hardtanh", batch_norm=True), SCALED
    ),
    "logarithmic": lambda: fit(mlp(weight="logarithmic:3", input="logarithmic:3"), SCALED),
    "hinge": lambda: fit(mlp(), SCALED, loss=ops.squared_hinge),
    "regression": lambda: fit(
        column(), SCALED, LABELS, lr=1e-2, epochs=3, loss=ops.mean_squared_error
    ),
    "yes or no": lambda: fit(
        column(), SCALED, LABELS % 2, epochs=3, loss=ops.binary_cross_entropy_with_logits
    ),
    "noise, for a moment": lambda: fit(
        mlp(), SCALED, np.random.default_rng(0).permutation(LABELS), epochs=1
    ),
    "one class": lambda: fit(mlp(), SCALED, LABELS * 0),
    "a loss of one's own": lambda: fit(
        mlp(), SCALED, loss=lambda scores, labels: 2 * ops.softmax_cross_entropy(scores, labels)
    ),
    "few steps": lambda: fit(mlp(), SCALED[:500], LABELS[:500], kind=SGD, lr=1e-9),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_fine_stays_silent(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", qnn.TrainingWarning)
        FINE[name]()
    assert not [str(one.message) for one in said]


def test_it_can_be_left_out() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", qnn.TrainingWarning)
        fit(mlp(), RAW, kind=SGD, lr=0.1)
    assert not said


@pytest.fixture
def counted() -> Any:
    class Counted(qnn.Module):
        """Counts how often it runs, and in evaluation mode it cannot."""

        def __init__(self) -> None:
            self.inner, self.runs = mlp(), 0

        def forward(self, x: Tensor) -> Tensor:
            self.runs += 1
            if not self.training:
                raise RuntimeError("only for training")
            return self.inner(x)

    return Counted()


def test_a_look_changes_nothing_and_ends_nothing(counted: Any) -> None:
    history = fit(counted, SCALED)
    assert counted.runs == 60
    assert len(history.epochs) == 1


def test_a_loss_that_is_not_finite_names_the_layer() -> None:
    with pytest.raises(
        qnn.errors.NonFiniteError, match=r"numbers overflow first in layers\.\d"
    ) as caught:
        fit(mlp(), SCALED, kind=SGD, lr=1e20)
    assert str(caught.value).startswith("fit, epoch 1, batch ")
    model = mlp()
    model.layers[2].weight.data[:] = 3e38
    with pytest.raises(qnn.errors.NonFiniteError, match=r"first in layers\.2 \(Linear, "):
        fit(model, SCALED)
