"""A program's arrays are used again, and nobody who keeps one of them sees that."""

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops
from qnn_core.autodiff import op
from qnn_core.program.arrays import Arrays

STEPS = 7
# So many that the model is run again twice.
MOST = 20


class View(qnn.Module):
    """What it returns is a view of what a kernel made."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 8, seed=0)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.first(x).reshape(-1, 4)


class Sums(qnn.Module):
    """A weight that is used three times, and what kernels made used by the tape, and back."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 6, seed=0)
        self.last = nn.Linear(6, 4, seed=1)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = ops.relu(self.first(x))
        z = ops.relu(self.first(y)) + y
        return self.last(self.first(z) + ops.tanh(z) + z)


class Passing(qnn.Module):
    """The gradient of a parameter is, on the tape, the very array that came in."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 4, seed=0)
        self.offset = qnn.Parameter(np.zeros((20, 4), np.float32))
        self.last = nn.Linear(4, 4, seed=1)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.last(ops.relu(self.first(x) + self.offset))


class Residual(qnn.Module):
    """Sums that a relu follows alone, that others read too, of one tensor twice, and the last."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 6, seed=0)
        self.norms = [nn.BatchNorm(6), nn.BatchNorm(6)]
        self.offset = qnn.Parameter(np.full((20, 6), 0.25, np.float32))

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = ops.relu(self.norms[0](self.first(x)) + x)
        z = ops.relu(self.norms[1](self.first(y)) + y)
        twice = ops.relu(z + z) + (y + self.offset)
        both = twice + y
        return ops.relu(both) + both


BUILDERS: dict[str, Callable[[], qnn.Module]] = {
    "float": lambda: qnn.MLP([6, 5, 4], batch_norm=True, seed=0),
    "quantized": lambda: qnn.MLP(
        [6, 5, 4], weight="symmetric:2", input="uniform:3", last_weight="binary", seed=0
    ),
    "a view": View,
    "sums": Sums,
    "residual": Residual,
    "passed on": Passing,
    "float64": lambda: Sums().astype(np.float64),
}


def kept(
    build: Callable[[], qnn.Module], *, compiled: bool, layout: Any = "C", steps: int = STEPS
) -> list[Any]:
    """Train, and return all outputs and gradients that there were, as they are at the end."""
    model = build().train()
    optimizer = qnn.optim.SGD(model.named_parameters(), lr=0.05)
    rng = np.random.default_rng(0)
    seen: list[Any] = []

    def step(x: qnn.Tensor, labels: Any) -> None:
        y = model(x)
        loss = ops.softmax_cross_entropy(y, np.resize(labels, len(y)))
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        once = [p.grad for p in model.parameters()]
        optimizer.zero_grad()
        loss.backward()
        gradients = [*once, *[p.grad for p in model.parameters()]]
        seen.extend([y.array, *[g.array for g in gradients]])
        optimizer.step()

    done = qnn.compiled(step) if compiled else step
    for _ in range(steps):
        x = np.asarray(rng.normal(size=(20, 6)), order=layout)
        done(qnn.Tensor(x, next(iter(model.parameters())).dtype), rng.integers(0, 4, 20))
    if compiled:
        assert "a program" in repr(done)
    return seen


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("name", BUILDERS)
def test_what_was_kept_stays(name: str, layout: str) -> None:
    plain = kept(BUILDERS[name], compiled=False, layout=layout)
    again = kept(BUILDERS[name], compiled=True, layout=layout)
    assert len(plain) > 2 * STEPS
    assert [a.shape for a in again] == [a.shape for a in plain]
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


@pytest.mark.parametrize("scale", [1e-36, 1e36])
def test_scales_that_kernels_do_not_take_are_the_tapes(scale: float) -> None:
    def build() -> qnn.Module:
        return qnn.MLP(
            [6, 5, 4],
            weight=f"symmetric:2,scale={scale}",
            input="uniform:3,scale=0.25",
            last_weight="symmetric:2",
            last_input="uniform:3",
            seed=0,
        )

    plain, again = (kept(build, compiled=compiled) for compiled in (False, True))
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


def test_data_that_are_not_finite_are_refused_as_ever() -> None:
    model = qnn.MLP([6, 5, 4], weight="symmetric:2", input="uniform:3", seed=0).train()
    data = np.ones((20, 6), np.float32)

    @qnn.compiled
    def step(x: Any) -> Any:
        loss = model(x).sum()
        loss.backward()
        return loss.item()

    first = [step(data) for _ in range(5)]
    data[3, 2] = np.nan
    with pytest.raises(qnn.errors.NonFiniteError):
        step(data)
    data[3, 2] = 1
    assert step(data) == first[-1]


PICK = op(
    "test_memory_pick",
    lambda a, b: a + b,
    shape=lambda a, b: a,
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: a],
)


class Picking(qnn.Module):
    """The gradient of a parameter is the very array that a kernel made."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 4, seed=0)
        self.offset = qnn.Parameter(np.zeros((20, 4), np.float32))

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return PICK(self.first(x), self.offset)


def test_a_gradient_that_is_what_a_kernel_made_stays() -> None:
    plain, again = (kept(Picking, compiled=compiled) for compiled in (False, True))
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


class Twice(qnn.Module):
    """A relu after a normalization after another relu; and one whose input others read too."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 6, seed=0)
        self.norms = [nn.BatchNorm(6), nn.BatchNorm(6)]
        self.last = nn.Linear(6, 4, seed=1)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = ops.relu(ops.relu(self.norms[0](self.first(x))))
        z = self.norms[1](y)
        return self.last(ops.relu(z) + z)


def test_a_relu_is_one_with_the_normalization_before_it() -> None:
    plain, again = (kept(Twice, compiled=compiled) for compiled in (False, True))
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


def test_derivatives_of_derivatives_of_what_became_one() -> None:
    def curvature(*, compiled: bool) -> list[Any]:
        model = qnn.MLP([6, 5, 4], batch_norm=True, seed=0).train()
        found = []

        def step(x: Any) -> None:
            loss = (model(x) ** 2).sum()
            (g,) = qnn.grad(loss, [model.layers[0].weight], create_graph=len(found) == STEPS - 1)
            if g.requires_grad:
                (g,) = qnn.grad((g * g).sum(), [model.layers[0].weight])
            found.append(g.array)

        done = qnn.compiled(step) if compiled else step
        for n in range(STEPS):
            done(np.random.default_rng(n).normal(size=(20, 6)).astype(np.float32))
        return found

    again, plain = curvature(compiled=True), curvature(compiled=False)
    assert [a.tobytes() for a in again[:-1]] == [a.tobytes() for a in plain[:-1]]
    # The tape is asked for the last one, in which it takes sums in another order.
    np.testing.assert_allclose(again[-1], plain[-1], rtol=1e-5, atol=1e-5)


def test_codes_that_come_in_are_the_tapes() -> None:
    model = qnn.MLP([6, 5, 4], seed=0).train()
    x = ops.fake_quantize(np.ones((20, 6), np.float32), 0.3, quantizer="uniform:3")
    step = qnn.compiled(lambda x: model(x).array.tobytes())
    assert x.quantized is not None
    assert len({step(x) for _ in range(5)}) == 1
    assert "a program" not in repr(step)


@pytest.mark.parametrize("name", BUILDERS)
def test_what_was_kept_stays_where_the_model_was_run_again(name: str) -> None:
    plain, again = (kept(BUILDERS[name], compiled=c, steps=MOST) for c in (False, True))
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


@contextmanager
def without_collector() -> Iterator[None]:
    """Let memory go by the last reference alone."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_program_lets_go_of_its_arrays_while_the_model_is_run_again() -> None:
    model = qnn.MLP([6, 5, 4], batch_norm=True, seed=0).train()
    data = np.ones((20, 6), np.float32)
    outputs: list[Any] = []
    lasted = []

    @qnn.compiled
    def step(x: Any) -> None:
        y = model(x)
        lasted.append(bool(outputs) and outputs[-1]() is not None)
        outputs.append(weakref.ref(y.array))
        y.sum().backward()

    with without_collector():
        for _ in range(MOST):
            step(data)
    # The first three are the tape's, or follow it: each has an output of its own.
    again = [n for n, same in enumerate(lasted) if n > 2 and not same]
    # What was run again, and the first run after it.
    assert again == [9, 10, 17, 18]


def test_memory_goes_with_the_last_reference() -> None:
    model = qnn.MLP([6, 5, 4], batch_norm=True, seed=0).train()
    found: list[Any] = []

    @qnn.compiled
    def step(x: Any) -> Any:
        y = model(x)
        found.append(y)
        return y.sum()

    with without_collector():
        for _ in range(STEPS):
            loss = step(np.ones((20, 6), np.float32))
        assert "a program" in repr(step)
        arrays = [weakref.ref(y.array) for y in found[2:]]
        found.clear()
        # The graph of the last run leads to its program.
        del step
        loss.backward()
        assert all(p.grad is not None for p in model.parameters())
        loss = None
        assert [ref() for ref in arrays] == [None] * len(arrays)


class Interruption:
    """Raises a KeyboardInterrupt at one of the lines of a function of Python, as Ctrl-C may."""

    def __init__(self, function: Any, line: int) -> None:
        self.code = function.__code__
        self.left = line

    def __call__(self, frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code is not self.code:
            return None
        return self._at_line

    def _at_line(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._at_line


# As many as the functions have lines to come to, with all their rounds.
@pytest.mark.parametrize("line", range(1, 25))
@pytest.mark.parametrize("function", [Arrays.rest, Arrays.take])
def test_an_interrupted_rest_breaks_nothing(function: Any, line: int) -> None:
    model = qnn.MLP([8, 16, 4], weight="symmetric:2", input="uniform:2", seed=0).train()
    x = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    seen = set()

    @qnn.compiled
    def step() -> None:
        y = model(x)
        seen.add(y.array.tobytes())
        (y * y).mean().backward()

    before, stopped = sys.gettrace(), 0
    interruption = Interruption(function, line)
    try:
        for _ in range(MOST):
            sys.settrace(interruption)
            try:
                step()
            except KeyboardInterrupt:
                stopped += 1
            finally:
                sys.settrace(before)
    finally:
        sys.settrace(before)
    assert stopped == (interruption.left <= 0)
    assert len(seen) == 1
    assert "a program" in repr(step)
