"""Programs in the middle of what else is done with models and tensors."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops
from qnn_core.errors import GraphError, NonFiniteError

X = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)


def mlp(**more: Any) -> Any:
    given: dict[str, Any] = {"weight": "symmetric:3", "input": "uniform:4", "seed": 1}
    model = qnn.MLP([12, 16, 4], **given | more).train()
    model(X)
    return model


def gradients(model: Any) -> list[bytes]:
    """Return the gradients, and forget them."""
    found = []
    for parameter in model.parameters():
        found.append(b"" if parameter.grad is None else parameter.grad.data.tobytes())
        parameter.grad = None
    return found


@pytest.mark.parametrize("calls", [2, 3, 7])
def test_several_calls_before_a_backward(calls: int) -> None:
    model = mlp()

    def several() -> list[bytes]:
        outputs = [model(X * np.float32(n + 1)) for n in range(calls)]
        loss = outputs[0].sum()
        for y in outputs[1:]:
            loss = loss + (y * y).sum()
        loss.backward()
        return gradients(model)

    step = qnn.compiled(several)
    plain = several()
    assert [step() for _ in range(5)] == [plain] * 5
    assert not step.reasons


def test_gradients_add_up_over_backwards() -> None:
    model = mlp()

    def twice() -> list[bytes]:
        model(X).sum().backward()
        y = model(X)
        (y * y).sum().backward(retain_graph=True)
        y.sum().backward()
        return gradients(model)

    step = qnn.compiled(twice)
    assert [step() for _ in range(5)] == [twice()] * 5


def test_what_was_given_out_stays_as_it_was() -> None:
    model, kept = mlp(), []

    @qnn.compiled
    def step(n: int) -> None:
        y = model(X * np.float32(n))
        y.sum().backward()
        arrays = [y.data, *(p.grad.data for p in model.parameters() if p.grad is not None)]
        kept.append([(array, array.copy()) for array in arrays])
        gradients(model)

    for n in range(1, 7):
        step(n)
    assert not step.reasons
    assert len(kept) == 6
    for given in kept:
        for array, then in given:
            np.testing.assert_array_equal(array, then)


def test_derivatives_of_derivatives_are_left_to_the_tape() -> None:
    model = nn.Sequential(nn.Linear(12, 5, seed=0), nn.Tanh(), nn.Linear(5, 4, seed=1)).train()
    parameters = list(model.parameters())

    def penalty() -> list[Any]:
        y = model(X)
        first = qnn.grad((y * y).sum(), parameters, create_graph=True)
        total = (first[0] * first[0]).sum()
        for g in first[1:]:
            total = total + (g * g).sum()
        return [g.data for g in qnn.grad(total, parameters)]

    step, plain = qnn.compiled(penalty), penalty()
    for n in range(6):
        for ours, tapes in zip(step(), plain, strict=True):
            # The third is the program's, whose sums are taken in another order.
            tolerance = 1e-5 * float(np.abs(tapes).max()) if n == 2 else 0
            np.testing.assert_allclose(ours, tapes, rtol=0, atol=tolerance)
    assert step.reasons == {"Sequential of (20, 12)": "its derivatives are differentiated again"}


def test_what_was_written_between_is_an_error() -> None:
    model, tensor = mlp(), qnn.Tensor(X.copy())

    @qnn.compiled
    def step(x: Any, write: Callable[[], Any]) -> None:
        loss = model(x).sum()
        write()
        loss.backward()

    for _ in range(4):
        step(tensor, lambda: None)
    layer = model.layers[0]
    with pytest.raises(GraphError, match=r"was written to after"):
        step(tensor, lambda: layer.weight.data.fill(0.5))
    with pytest.raises(GraphError, match=r"was written to after"):
        step(tensor, lambda: tensor.data.fill(0.5))
    step(tensor, lambda: layer.bias.data.fill(0.5))  # no derivative reads it
    assert not step.reasons


@pytest.mark.parametrize("first", [nn.Reshape(12), nn.Flatten(), nn.Permute(0, 1)])
def test_a_view_of_an_input_that_was_written_between(first: Any) -> None:
    model, tensor = nn.Sequential(first, nn.Linear(12, 4, seed=0)).train(), qnn.Tensor(X.copy())

    @qnn.compiled
    def step(write: Callable[[], Any]) -> None:
        loss = model(tensor).sum()
        write()
        loss.backward()

    for _ in range(4):
        step(lambda: None)
    with pytest.raises(GraphError, match=r"was written to after"):
        step(lambda: tensor.data.fill(0.5))


def test_what_was_written_between_and_is_not_read_on_the_way() -> None:
    model = mlp()

    def step(write: bool) -> bytes:
        loss = model(X).sum()
        if write:
            model.layers[-1].weight.data.fill(0.5)
        (found,) = qnn.grad(loss, [model.layers[-1].bias])
        return found.data.tobytes()

    done = qnn.compiled(step)
    assert [done(n == 4) for n in range(6)] == [step(False)] * 6
    assert not done.reasons


@pytest.mark.parametrize("view", [[], [nn.Reshape(2, 2)]])
def test_an_output_that_its_derivative_reads(view: list[Any]) -> None:
    model = nn.Sequential(nn.Linear(12, 4, seed=0), nn.Tanh(), *view).train()

    @qnn.compiled
    def step(write: Callable[[Any], Any]) -> None:
        y = model(X)
        write(y)
        y.sum().backward()

    for _ in range(4):
        step(lambda y: None)
    with pytest.raises(GraphError, match=r"its output, .* was written to after"):
        step(lambda y: y.data.fill(0.5))


@pytest.mark.parametrize("last", [nn.ReLU(), nn.Reshape(2, 2)])
def test_an_output_that_no_derivative_reads(last: Any) -> None:
    model = nn.Sequential(nn.Linear(12, 4, seed=0), nn.BatchNorm(4), last).train()

    def step() -> list[bytes]:
        y = model(X)
        loss = y.sum()
        y.data.fill(0)
        loss.backward()
        return gradients(model)

    done = qnn.compiled(step)
    assert [done() for _ in range(5)] == [step()] * 5
    assert not done.reasons


class Itself(qnn.Module):
    """Returns a parameter that it has used."""

    def __init__(self) -> None:
        self.weight = qnn.Parameter([0.5, -0.5])

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        ops.relu(self.weight)
        return self.weight


def test_a_parameter_that_is_returned() -> None:
    model = Itself().train()

    @qnn.compiled
    def step() -> list[bytes]:
        model(X).sum().backward()
        return gradients(model)

    assert [step() for _ in range(5)] == [[np.ones(2, np.float32).tobytes()]] * 5
    assert list(step.reasons.values()) == ["what it returns is a parameter"]


def test_a_step_that_fails_leaves_the_next_as_it_was() -> None:
    bad = X.copy()
    bad[3, 5] = np.nan
    runs = []
    for compiled in (True, False):
        model = mlp(batch_norm=True)

        def step(x: Any, model: Any = model) -> list[bytes]:
            model(x).sum().backward()
            return gradients(model)

        made: Any = qnn.compiled(step) if compiled else step
        bits = [made(X) for _ in range(4)]
        with pytest.raises(NonFiniteError, match=r"cannot quantize nan at index \(3, 5\)"):
            made(bad)
        runs.append([*bits, *(made(X) for _ in range(3))])
    assert runs[0] == runs[1]


def test_evaluation_is_left_alone() -> None:
    model = mlp(batch_norm=True)
    step = qnn.compiled(lambda: [model.eval()(X).data.tobytes()])
    plain = step()
    assert [step() for _ in range(5)] == [plain] * 5


def test_no_grad_is_no_grad() -> None:
    model = mlp()

    @qnn.compiled
    def step(x: Any) -> Any:
        return model(x)

    for _ in range(4):
        assert step(X).requires_grad
    with qnn.no_grad():
        assert not step(X).requires_grad


def test_inputs_that_require_gradients_get_them() -> None:
    model = mlp()

    def of_input() -> bytes:
        x = qnn.Tensor(X, requires_grad=True)
        model(x * 2.0).sum().backward()
        assert x.grad is not None
        return x.grad.data.tobytes()

    step = qnn.compiled(of_input)
    assert [step() for _ in range(5)] == [of_input()] * 5


def test_copies_and_pickles_of_a_model_in_training() -> None:
    model = mlp(batch_norm=True)
    step = qnn.compiled(lambda: model(X).sum().backward())
    for _ in range(4):
        step()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.eval()(X).data, copy.deepcopy(model).eval()(X).data)


def test_threads_do_not_meet() -> None:
    model = mlp()

    def gradient(n: int) -> bytes:
        (found,) = qnn.grad(model(X * np.float32(n)).sum(), [model.layers[0].weight])
        return found.data.tobytes()

    step = qnn.compiled(gradient)
    wanted = [gradient(n) for n in range(1, 5)]
    for _ in range(3):
        step(1)
    wrong: list[int] = []

    def work(n: int) -> None:
        wrong.extend(n for _ in range(50) if step(n) != wanted[n - 1])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_output_is_differentiated_in_several_threads() -> None:
    model = nn.Sequential(nn.Linear(12, 200, seed=0), nn.ReLU(), nn.Linear(200, 200, seed=1))
    parameters = list(model.train().parameters())

    def gradients_of_losses() -> list[Any]:
        y = model(X)
        losses = [(y * float(n)).sum() for n in range(1, 4)]
        found: list[Any] = [None] * 3

        def walk(n: int) -> None:
            each = qnn.grad(losses[n], parameters, retain_graph=True)
            found[n] = [g.data.tobytes() for g in each]

        threads = [threading.Thread(target=walk, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    step, plain = qnn.compiled(gradients_of_losses), gradients_of_losses()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        assert [step() for _ in range(30)] == [plain] * 30
    finally:
        sys.setswitchinterval(interval)
    assert not step.reasons


def test_a_trace_is_of_forward() -> None:
    model = mlp().eval()

    def names() -> list[str]:
        return [node.op.name for node in qnn.trace(model, X[:1]).nodes]

    step = qnn.compiled(names)
    assert [step() for _ in range(4)] == [names()] * 4


def test_a_decorated_step_keeps_its_name() -> None:
    @qnn.compiled
    def step(x: Any) -> Any:
        """Do it."""
        return ops.relu(x)

    assert (step.__name__, step.__doc__) == ("step", "Do it.")
    assert step([-1.0]).data.tolist() == [0.0]
