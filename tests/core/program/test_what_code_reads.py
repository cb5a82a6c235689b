"""What a forward reads: it is noticed where that changes, or is the reason for no program."""

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops, optim
from qnn_core.errors import GraphError

RNG = np.random.default_rng(0)
XS = [RNG.normal(size=(20, 6)).astype(np.float32) for _ in range(10)]
STEPS, CHANGED = 10, 5
BOX, SETTINGS = [1.0], SimpleNamespace(factor=1.0)
OUTSIDE: list[Any] = [None]
FACTOR = 1.0
Call = Callable[[Any, int], Any]


def with_x(model: Any, n: int) -> Any:
    return model(XS[n])


def trained(
    model: Any, change: Callable[[Any], Any], call: Call, every: int, *, compiled: bool
) -> tuple[Any, dict[str, str]]:
    """Train a model, with a change after some steps; return all bits, and the reasons."""
    model = model.train()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    bits = []

    def step(n: int) -> None:
        y = call(model, n)
        (y * y).mean().backward()
        bits.append(y.data.tobytes())
        if n % every == every - 1:
            optimizer.step()
            optimizer.zero_grad()

    made = qnn.compiled(step)
    for n in range(STEPS):
        if n == CHANGED:
            change(model)
        (made if compiled else step)(n)
    return (bits, [p.data.tobytes() for p in model.parameters()]), made.reasons


def both(
    build: Callable[[], Any],
    change: Callable[[Any], Any] = lambda model: None,
    call: Call = with_x,
    every: int = 1,
) -> dict[str, str]:
    """Check that a step has the same bits compiled and not; return the reasons."""
    runs = []
    for compiled in (True, False):
        globals()["FACTOR"] = BOX[0] = SETTINGS.factor = Named.factor = 1.0
        np.random.seed(0)  # noqa: NPY002 # some draw there
        runs.append(trained(build(), change, call, every, compiled=compiled))
    assert runs[0][0] == runs[1][0]
    return runs[0][1]


class Own(nn.Module):
    """A layer, and what is done with its output."""

    def __init__(self) -> None:
        self.layer = nn.Linear(6, 4, seed=0)
        self.settings, self.numbers = SimpleNamespace(factor=1.0), {1.0}
        self.buffer = qnn.Buffer(1.0)
        self.rng = np.random.default_rng(5)

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        return y * self.more(x, y)

    def more(self, x: Any, y: Any) -> Any:
        raise NotImplementedError


class ReadsList(Own):
    """Reads a list that has a global name."""

    def more(self, x: Any, y: Any) -> Any:
        return BOX[0]


class Inherits(ReadsList):
    """Has no code of its own."""


def factor() -> float:
    return FACTOR


class ReadsByFunction(Own):
    """Calls a function that reads a global name."""

    def more(self, x: Any, y: Any) -> Any:
        return factor()


class ReadsObject(Own):
    """Reads an object that it holds."""

    def more(self, x: Any, y: Any) -> Any:
        return self.settings.factor


class ReadsGlobalObject(Own):
    """Reads an object that has a global name."""

    def more(self, x: Any, y: Any) -> Any:
        return SETTINGS.factor


class Named(Own):
    """Reads an attribute of its class."""

    factor = 1.0

    def more(self, x: Any, y: Any) -> Any:
        return self.factor


class ReadsSet(Own):
    """Reads a set."""

    def more(self, x: Any, y: Any) -> Any:
        return sum(self.numbers)


def enclosing() -> Any:
    box = BOX

    class Inside(Own):
        def __init__(self) -> None:
            super().__init__()
            self.function = lambda: box[0]

        def more(self, x: Any, y: Any) -> Any:
            return self.function() * box[0]

    return Inside()


def other_class(model: Any) -> None:
    model.layers[1].__class__ = nn.Tanh


def in_the_set(model: Any) -> None:
    model.numbers.clear()
    model.numbers.add(0.5)


def in_the_box(model: Any) -> None:
    BOX[0] = 0.5


NOTICED: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "global list": (ReadsList, in_the_box),
    "inherited code": (Inherits, in_the_box),
    "function": (ReadsByFunction, lambda model: globals().update(FACTOR=0.5)),
    "object": (ReadsObject, lambda model: setattr(model.settings, "factor", 0.5)),
    "global object": (ReadsGlobalObject, lambda model: setattr(SETTINGS, "factor", 0.5)),
    "class": (Named, lambda model: setattr(Named, "factor", 0.5)),
    "set": (ReadsSet, in_the_set),
    "enclosing": (enclosing, in_the_box),
    "class of a part": (
        lambda: nn.Sequential(nn.Linear(6, 4, seed=0), nn.ReLU()),
        other_class,
    ),
}


@pytest.mark.parametrize("name", NOTICED)
def test_what_code_leads_to_is_noticed(name: str) -> None:
    assert both(*NOTICED[name]) == {}


class Branches(Own):
    """Decides on numbers of its input, which long are of one kind."""

    def more(self, x: Any, y: Any) -> Any:
        return 2.0 if x.data.max() < 2.5 else 1.0


class ComparesTensors(Own):
    """Likewise, of an operation's output."""

    def more(self, x: Any, y: Any) -> Any:
        return 2.0 if ops.max(x) < 2.5 else 1.0


class ReadsBuffer(Own):
    """Takes the number of a buffer."""

    def more(self, x: Any, y: Any) -> Any:
        return float(self.buffer)


class ReadsWeight(Own):
    """Computes with its weight in NumPy."""

    def more(self, x: Any, y: Any) -> Any:
        return float(np.abs(self.layer.weight.data).mean())


class Detaches(Own):
    """Passes something on that no gradient flows through."""

    def more(self, x: Any, y: Any) -> Any:
        return ops.tanh(y).detach()


class Differentiates(Own):
    """Follows its own gradient."""

    def more(self, x: Any, y: Any) -> Any:
        return qnn.grad((y * y).sum(), [y], retain_graph=True)[0] * 0.05


class Draws(Own):
    """Draws what it does, mostly the same."""

    def more(self, x: Any, y: Any) -> Any:
        return 2.0 if self.rng.random() < 0.85 else 1.0


class DrawsOfAll(Own):
    """Likewise, from NumPy's common generator."""

    def more(self, x: Any, y: Any) -> Any:
        return 2.0 if np.random.random() < 0.75 else 1.0  # noqa: NPY002 # as somebody may


class Iterates(Own):
    """Goes through what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = iter([1.0] * 6 + [2.0] * STEPS)

    def more(self, x: Any, y: Any) -> Any:
        return next(self.turns)


class CountsInAnObject(Own):
    """Counts its calls in an object."""

    def more(self, x: Any, y: Any) -> Any:
        self.settings.factor += 1
        return 1.0 if self.settings.factor < 5 else 2.0


class Captures(Own):
    """Gives something out by a list."""

    def more(self, x: Any, y: Any) -> Any:
        OUTSIDE[0] = y
        return 1.0


class TakesOutside(Own):
    """Takes what was computed before."""

    def more(self, x: Any, y: Any) -> Any:
        return OUTSIDE[0]


def twice(model: Any, n: int) -> Any:
    return model(XS[n]) + model(XS[n])


def with_gate(model: Any, n: int) -> Any:
    OUTSIDE[0] = model.layer.bias * 2.0
    return model(XS[n])


REASONS: dict[type[Any], tuple[str, Call, int]] = {
    Branches: ("reads the numbers", with_x, 1),
    ComparesTensors: ("reads the numbers", with_x, 1),
    ReadsBuffer: ("reads the numbers", with_x, 1),
    ReadsWeight: ("reads the numbers", with_x, 5),
    Detaches: ("reads the numbers", twice, 1),
    Differentiates: ("reads the numbers", twice, 1),
    Draws: ("draws random numbers", with_x, 1),
    DrawsOfAll: ("draws random numbers", with_x, 1),
    Iterates: ("it holds a list_iterator", with_x, 1),
    CountsInAnObject: ("changes attributes", with_x, 1),
    Captures: ("changes attributes", with_x, 1),
    TakesOutside: ("takes a tensor that was made outside", with_gate, 1),
}


@pytest.mark.parametrize("kind", REASONS)
def test_what_is_read_beside_operations_is_a_reason(kind: type[Any]) -> None:
    reason, call, every = REASONS[kind]
    (found,) = both(kind, call=call, every=every).values()
    assert reason in found


class Two(nn.Module):
    """Takes two inputs, or an anchor of its own."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(6, 4, seed=0), nn.Linear(6, 4, seed=1)
        self.anchor = qnn.Buffer(XS[0])

    def forward(self, x: Any, z: Any) -> Any:
        return self.first(x) - self.second(z) * self.first(self.anchor)


def same_then_others(model: Any, n: int) -> Any:
    x, z = qnn.Tensor(XS[n]), qnn.Tensor(XS[n] * 2)
    return model(x, x) if n < CHANGED else model(x, z)


def anchor_then_others(model: Any, n: int) -> Any:
    x = qnn.Tensor(XS[n])
    return model(model.anchor, x) if n < CHANGED else model(x, x)


@pytest.mark.parametrize("call", [same_then_others, anchor_then_others])
def test_which_tensors_are_given_does_not_matter(call: Call) -> None:
    assert both(Two, call=call) == {}


def quantized(scale: str) -> Any:
    spec = f"uniform:4,scale={scale}"
    return nn.Sequential(qnn.QuantLinear(6, 4, weight="symmetric:4", input=spec, seed=0))


@pytest.mark.parametrize("scale", ["fixed", "calibrated", "lsq", "learned", "pact"])
@pytest.mark.parametrize("name", ["zero_point", "calibrated", "frozen_scale"])
@pytest.mark.parametrize("in_place", [True, False])
def test_buffers_that_are_written_to(scale: str, name: str, in_place: bool) -> None:
    def change(model: Any) -> None:
        buffer = getattr(model.layers[0].input_quantizer, name)
        if buffer is None:
            return
        value = np.array({"zero_point": 3, "calibrated": 0, "frozen_scale": 0.3}[name], np.float32)
        if in_place:
            buffer.data[...] = value
        else:
            buffer.data = value

    assert both(lambda: quantized(scale), change) == {}


@pytest.mark.parametrize("scale", ["fixed", "calibrated", "lsq"])
def test_qparams_that_are_forgotten_are_fitted_again(scale: str) -> None:
    def call(model: Any, n: int) -> Any:
        return model(XS[n] * np.float32(1 if n < CHANGED else 5))

    def forget(model: Any) -> None:
        model.layers[0].input_quantizer.forget()

    assert both(lambda: quantized(scale), forget, call) == {}


def test_models_that_are_gone_are_let_go_of() -> None:
    made = []

    @qnn.compiled
    def step() -> None:
        model = nn.Linear(6, 4, seed=0).train()
        made.append(weakref.ref(model))
        for _ in range(3):
            model(XS[0]).sum().backward()

    for _ in range(100):
        step()
    gc.collect()
    assert sum(model() is not None for model in made) <= 32


def test_more_shapes_than_there_are_programs_for_is_a_reason() -> None:
    model = nn.Linear(6, 4, seed=0).train()
    step = qnn.compiled(lambda n: model(XS[0][:n]).sum().backward())
    for n in range(1, 12):
        step(n)
    assert step.reasons == {"Linear": "its inputs have more than 8 shapes"}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))])
def test_a_copy_of_an_output_has_no_graph_of_others(copied: Callable[[Any], Any]) -> None:
    model = nn.Linear(6, 4, seed=0).train()
    step = qnn.compiled(lambda n: model(XS[n]))
    for n in range(4):
        step(n).sum().backward()
    y = copied(step(4))
    np.testing.assert_array_equal(y.data, model(XS[4]).data)
    del step
    with pytest.raises(GraphError, match=r"this is a copy of what a compiled step computed"):
        y.sum().backward()
