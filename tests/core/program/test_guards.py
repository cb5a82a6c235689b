"""What a program takes for granted, and what happens where that does not hold."""

import itertools
import os
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 12)).astype(np.float32)
Y = RNG.integers(0, 4, 20)


def mlp(**more: Any) -> Any:
    given: dict[str, Any] = {"weight": "symmetric:3", "input": "uniform:4", "seed": 1}
    return qnn.MLP([12, 16, 4], **given | more)


def rich() -> Any:
    return mlp(batch_norm=True, dropout=0.5)


class Trained:
    """A net in training, compiled or not."""

    def __init__(self, model: Any, *, compiled: bool) -> None:
        self.model = model.train()
        self.optimizer = optim.Adam(model.parameters(), lr=0.01)
        self.step: Any = qnn.compiled(self._step) if compiled else self._step

    def _step(self, x: Any = X) -> bytes:
        loss = ops.softmax_cross_entropy(self.model(x), Y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        bits: bytes = loss.data.tobytes()
        return bits

    def run(self, change: Callable[[Any], None] = lambda model: None) -> list[Any]:
        bits: list[Any] = [self.step() for _ in range(4)]
        change(self.model)
        bits += [self.step() for _ in range(4)]
        return [*bits, {n: a.tobytes() for n, a in self.model.state_dict().items()}]


def of_kind(model: Any, kind: type[Any]) -> Any:
    return next(module for _, module in model.named_modules() if type(module) is kind)


def frozen_layer(model: Any) -> None:
    of_kind(model, qnn.QuantLinear).requires_grad_(False)


def frozen_range(model: Any) -> None:
    of_kind(model, qnn.QuantLinear).weight_quantizer.freeze()


def evaluation(model: Any) -> None:
    of_kind(model, nn.BatchNorm).freeze()


def other_layer(model: Any) -> None:
    at = [type(layer) for layer in model.layers].index(nn.ReLU)
    model.layers[at] = nn.HardTanh()


def other_rate(model: Any) -> None:
    of_kind(model, nn.Dropout).rate = 0.9


def other_state(model: Any) -> None:
    other = rich()
    other(X)
    model.load_state_dict(other.state_dict())


def other_zero_point(model: Any) -> None:
    qparams = qnn.QParams(np.array(0.1, np.float32), np.array(3, np.float32))
    of_kind(model, qnn.QuantLinear).input_quantizer.take_qparams(qparams)


def other_array(model: Any) -> None:
    weight = of_kind(model, qnn.QuantLinear).weight
    weight.data = weight.data * np.float32(2)


def other_numbers(model: Any) -> None:
    of_kind(model, qnn.QuantLinear).weight.data[...] *= np.float32(0.5)


CHANGES = [
    frozen_layer,
    frozen_range,
    evaluation,
    other_layer,
    other_rate,
    other_state,
    other_zero_point,
    other_array,
    other_numbers,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change: Callable[[Any], None]) -> None:
    compiled, plain = (Trained(rich(), compiled=c).run(change) for c in (True, False))
    assert compiled == plain
    assert Trained(rich(), compiled=False).run() != plain  # it does change something


@pytest.mark.parametrize("scale", ["learned", "calibrated"])
def test_fields_of_quantizers_are_trained_after_two_calls_alike(scale: str) -> None:
    """As where gradients of several calls are added up before a step of the optimizer."""
    runs = []
    for compiled in (True, False):
        model = mlp(weight=f"codebook:3,scale={scale}").train()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(model: Any = model, optimizer: Any = optimizer) -> list[bytes]:
            losses = [ops.softmax_cross_entropy(model(X), Y) for _ in range(4)]
            optimizer.zero_grad()
            for loss in losses:
                loss.backward()
            optimizer.step()
            return [loss.data.tobytes() for loss in losses]

        done: Any = qnn.compiled(step) if compiled else step
        runs.append([done() for _ in range(4)])
    assert runs[0] == runs[1]


FACTOR = [1.0]
OPTIONS = SimpleNamespace(scale=1.0)


class Reads(qnn.Module):
    """Reads numbers from everywhere."""

    def __init__(self) -> None:
        self.inner = mlp()
        self.scale, self.table, self.mask = 1.0, [1.0, {"a": (1.0,)}], np.ones(4)
        self.options = SimpleNamespace(scale=1.0, more=SimpleNamespace(scale=1.0))

    def forward(self, x: qnn.Tensor) -> Any:
        y = self.inner(x) * self.scale * self.table[0] * self.table[1]["a"][0]
        y = y * self.options.scale * self.options.more.scale
        return y * self.mask * FACTOR[0] * OPTIONS.scale


def scale(model: Any) -> None:
    model.scale = 0.5


def in_a_list(model: Any) -> None:
    model.table[0] = 0.5


def deep_in_a_list(model: Any) -> None:
    model.table[1]["a"] = (0.5,)


def in_an_array(model: Any) -> None:
    model.mask[2] = 0.5


def in_an_object(model: Any) -> None:
    model.options.scale = 0.5


def deep_in_an_object(model: Any) -> None:
    model.options.more.scale = 0.5


READ = [scale, in_a_list, deep_in_a_list, in_an_array, in_an_object, deep_in_an_object]


@pytest.mark.parametrize("change", READ)
def test_what_forward_reads_is_noticed(change: Callable[[Any], None]) -> None:
    compiled, plain = (Trained(Reads(), compiled=c).run(change) for c in (True, False))
    assert compiled == plain
    assert Trained(Reads(), compiled=False).run() != plain


def test_a_global_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(model: Any) -> None:
        monkeypatch.setitem(globals(), "FACTOR", [0.5])

    def held(model: Any) -> None:
        monkeypatch.setattr(OPTIONS, "scale", 0.5)

    for change in (name, held):
        runs = []
        for compiled in (True, False):
            monkeypatch.setitem(globals(), "FACTOR", [1.0])
            monkeypatch.setattr(OPTIONS, "scale", 1.0)
            runs.append(Trained(Reads(), compiled=compiled).run(change))
        assert runs[0] == runs[1]


def test_a_variable_around_a_class_is_noticed() -> None:
    def around(compiled: bool) -> list[Any]:
        factor = 1.0

        class Inside(Reads):
            def forward(self, x: qnn.Tensor) -> Any:
                return super().forward(x) * factor

        def change(model: Any) -> None:
            nonlocal factor
            factor = 0.5

        return Trained(Inside(), compiled=compiled).run(change)

    assert around(True) == around(False)


class Counts(Reads):
    """Counts its calls."""

    calls = 0

    def forward(self, x: qnn.Tensor) -> Any:
        self.calls += 1
        return super().forward(x)


class Collects(Reads):
    """Keeps numbers of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, x: qnn.Tensor) -> Any:
        self.seen.append(x.size)
        return super().forward(x)


class Draws(Reads):
    """Has noise of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x) + self.rng.normal(size=4)


class DrawsOutside(Reads):
    """Has noise of NumPy's."""

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x) + np.random.normal(size=4)  # noqa: NPY002 # as many people do


class Throws(Reads):
    """Leaves something out, now and then."""

    def forward(self, x: qnn.Tensor) -> Any:
        y = super().forward(x)
        return y if random.random() < 1.0 else ops.tanh(y)


class Computes(Reads):
    """Makes a mask of its input."""

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x) * float((x.data > -9).mean())


class TakesArray(Reads):
    """Makes a mask of its input, by a way that costs nothing."""

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x) * float((x.array > -9).mean())


COUNT = itertools.count()


def counted() -> float:
    """Return another number each time."""
    return float(next(COUNT))


class Counted(Reads):
    """Takes numbers from outside."""

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x) + counted()


class Turns(Reads):
    """Does one thing or another."""

    def forward(self, x: qnn.Tensor) -> Any:
        y = super().forward(x)
        return y if counted() % 2 else ops.tanh(y)


class Looks(Reads):
    """Does what the numbers say, which is mostly the same."""

    def forward(self, x: qnn.Tensor) -> Any:
        y = super().forward(x)
        return y * 2.0 if y[0, 0] > 1e6 else y


class Decides(Reads):
    """Does one thing or another."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = iter([True, False] * 10)

    def forward(self, x: qnn.Tensor) -> Any:
        y = super().forward(x)
        return y if next(self.turns) else ops.tanh(y)


REASONS: dict[type[Any], str] = {
    Counts: "its forward changes attributes",
    Collects: "its forward changes attributes",
    Draws: "its forward draws random numbers",
    DrawsOutside: "its forward draws random numbers",
    Throws: "its forward draws random numbers",
    Computes: "its forward reads the numbers of a tensor of shape (20, 12) in Python",
    TakesArray: "TakesArray.forward takes Tensor.array",
    Counted: "it holds a count, which is another one at each step",
    Looks: "its forward reads the numbers of a tensor of shape () in Python",
    Decides: "it holds a list_iterator, which is another one at each step",
    Turns: "it holds a count, which is another one at each step",
}


@pytest.mark.parametrize("kind", REASONS)
def test_a_model_that_has_no_program_says_why(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for compiled in (False, True):
        monkeypatch.setitem(globals(), "COUNT", itertools.count())
        np.random.seed(0)  # noqa: NPY002 # what some of them draw from
        trained = Trained(kind(), compiled=compiled)
        runs.append(trained.run())
    assert runs[0] == runs[1]
    (reason,) = trained.step.reasons.items()
    assert reason[0] == f"{kind.__name__} of (20, 12)"
    assert REASONS[kind] in reason[1]


class Pair(Reads):
    """Returns two values."""

    def forward(self, x: qnn.Tensor) -> Any:
        return super().forward(x), x


def test_several_outputs_have_no_program() -> None:
    model = Pair().train()
    step = qnn.compiled(lambda: model(X)[0].sum().backward())
    for _ in range(6):
        step()
    assert step.reasons == {"Pair of (20, 12)": "it returns a tuple, not one tensor"}


class Later(Reads):
    """Does something else after a while, by what nobody sees."""

    def forward(self, x: qnn.Tensor) -> Any:
        y = super().forward(x)
        return ops.tanh(y) if "QNN_TEST_LATER" in os.environ else y


def test_what_shows_only_later_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trained(Later(), compiled=True)
    trained.run()
    monkeypatch.setenv("QNN_TEST_LATER", "1")
    match = r"ran as a program \d+ times, without its forward"
    with pytest.warns(qnn.TrainingWarning, match=match):
        [trained.step() for _ in range(80)]
    assert list(trained.step.reasons.values()) == ["its operations are not the same at each step"]


def test_a_step_says_what_runs() -> None:
    trained = Trained(mlp(), compiled=True)
    assert repr(trained.step) == "compiled(_step)\n  no model was called yet"
    trained.step()
    assert repr(trained.step).endswith("MLP of (20, 12): being recorded")
    trained.run()
    assert repr(trained.step).endswith("MLP of (20, 12): a program")


@pytest.mark.parametrize("wrong", [5, mlp()])
def test_what_is_no_step_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"compiled: a function that trains by one step is needed"):
        qnn.compiled(wrong)
