"""Validation by packed models: the same bits for every scheme, and told where it is not done."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from every_scheme import SPECS
from qnn_core.autodiff.mode import MODE
from qnn_core.ops import mean_squared_error, softmax_cross_entropy
from qnn_core.training.validation import PACKED, Validation

RNG = np.random.default_rng(0)
X = RNG.normal(size=(230, 9)).astype(np.float32)
Y = RNG.integers(0, 3, 230)
BATCHES = [(X[:100], Y[:100]), (X[100:200], Y[100:200]), (X[200:], Y[200:])]


def trained(model: Any, x: Any = X, y: Any = Y) -> Any:
    optimizer = qnn.optim.SGD(model.parameters(), lr=1e-3)
    qnn.fit(model, (x, y), epochs=1, optimizer=optimizer, metric="accuracy")
    return model


def validation(model: Any, data: Any = BATCHES, **options: Any) -> Validation:
    return Validation(model, data, softmax_cross_entropy, "auto", **{"least": 0.0} | options)


@pytest.mark.parametrize("spec", SPECS)
def test_a_packed_pass_has_the_bits_of_the_model(spec: str) -> None:
    model = trained(qnn.MLP([9, 12, 8, 3], weight=spec, input=spec, activation="hardtanh", seed=0))
    expected = qnn.evaluate(model, BATCHES)
    passes = validation(model)
    first = passes()
    assert passes.how.startswith("as the model")
    second = passes()
    assert passes.how == PACKED
    assert first == second == expected


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_so_has_one_of_a_convolutional_net(bits: int) -> None:
    spec = "binary" if bits == 1 else f"symmetric:{bits}"
    x = RNG.normal(size=(70, 28, 28, 1)).astype(np.float32)
    y = RNG.integers(0, 10, 70)
    model = qnn.LeNet(weight=spec, input=spec, batch_norm=True, activation="hardtanh", seed=0)
    passes = validation(trained(model, x, y), (x, y))
    first, second = passes(), passes()
    assert passes.how == PACKED
    assert first == second == qnn.evaluate(model, (x, y))


def test_each_packed_pass_is_of_the_model_as_it_is_then() -> None:
    model = trained(qnn.MLP([9, 64, 3], weight="symmetric:2", input="uniform:4", seed=0))
    passes = validation(model)
    passes()
    for _ in range(3):
        model.train()
        trained(model)
        assert passes() == qnn.evaluate(model, BATCHES)


class Branching(qnn.Module):
    """A net whose forward looks at values, which a trace does not see."""

    def __init__(self) -> None:
        self.layer = qnn.QuantLinear(9, 3, weight="binary", input="symmetric:2,scale=1", seed=0)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y: qnn.Tensor = self.layer(x)
        return y if x.data[0, 0] > 0 else -y


REFUSED: list[tuple[Any, str]] = [
    (lambda: qnn.MLP([9, 8, 3], seed=0), "it is float"),
    (Branching, "Branching may do in Python what packing does not see"),
]


@pytest.mark.parametrize(("build", "why"), REFUSED)
def test_what_is_not_packed_runs_as_ever_and_says_why(build: Any, why: str) -> None:
    model = build()
    passes = validation(model)
    assert passes() == passes() == qnn.evaluate(model, BATCHES)
    assert passes.how.startswith("as the model: ")
    assert why in passes.how


def test_a_model_that_cannot_be_packed_says_so_and_its_pass_is_whole() -> None:
    model = qnn.MLP([9, 8, 3], weight="symmetric:4", input="symmetric:4", seed=0).astype(np.float64)
    passes = validation(trained(model))
    first, second, third = passes(), passes(), passes()
    assert first == second == third == qnn.evaluate(model, BATCHES)
    assert "it cannot be packed: " in passes.how


def test_a_batch_that_the_packed_model_refuses_is_run_by_the_model() -> None:
    how = {"weight": "symmetric:2", "input": "symmetric:4", "seed": 0}
    model = qnn.Sequential(qnn.QuantConv2d(1, 3, 3, **how), qnn.nn.GlobalAvgPool2d())
    images = [RNG.normal(size=(20, side, side, 1)).astype(np.float32) for side in (8, 10)]
    passes = validation(trained(model, images[0], Y[:20]), [(x, Y[:20]) for x in images])
    first, second, third = passes(), passes(), passes()
    assert first == second == third
    assert "packed it refuses a batch: input0: shape" in passes.how


class Odd(qnn.nn.QuantLinear):
    """A layer of a package of ours in name only, which raises what it likes while it is traced."""

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        if MODE.recorder is not None and not self.training:
            raise LookupError("no traces here")
        return super().forward(x)


Odd.__module__ = "qnn_core.odd"


def test_whatever_is_raised_while_a_model_is_packed_ends_no_training() -> None:
    model = trained(qnn.Sequential(Odd(9, 3, weight="binary", input="symmetric:2", seed=0)))
    passes = validation(model)
    assert passes() == passes() == passes()
    assert "it cannot be packed: no traces here" in passes.how


def test_a_short_pass_is_not_packed() -> None:
    model = trained(qnn.MLP([9, 8, 3], weight="binary", input="symmetric:2", seed=0))
    passes = validation(model, least=60.0)
    assert passes() == passes()
    assert "less than packing takes" in passes.how


@pytest.mark.parametrize("compiled", [True, False])
def test_fit_says_how_it_validated(compiled: bool) -> None:
    model = qnn.MLP([9, 8, 3], weight="binary", input="symmetric:2", seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=1e-3)
    history = qnn.fit(
        model, (X, Y), epochs=2, optimizer=optimizer, validation=BATCHES, compiled=compiled
    )
    assert history.validated.startswith("as the model: ")
    assert ("compiled=False" in history.validated) is not compiled
    assert history.last.val_loss == qnn.evaluate(model, BATCHES).loss


def test_fit_says_nothing_where_it_did_not() -> None:
    model = qnn.MLP([9, 8, 3], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=1e-3)
    assert qnn.fit(model, (X, Y), epochs=1, optimizer=optimizer).validated == ""


def test_other_losses_and_weights_count_as_ever() -> None:
    model = trained(qnn.MLP([9, 8, 3], weight="binary", input="symmetric:2", seed=0))
    data = [(x, np.eye(3)[y], np.arange(len(y)) + 1.0) for x, y in BATCHES]
    passes = Validation(model, data, mean_squared_error, None, least=0.0)
    first, second = passes(), passes()
    assert passes.how == PACKED
    assert first == second == qnn.evaluate(model, data, loss=mean_squared_error, metric=None)
