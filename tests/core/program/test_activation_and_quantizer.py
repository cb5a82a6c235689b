"""An activation and the quantizer behind it are one in a program: the tape's bits, less memory."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops
from qnn_core.autodiff.mode import effect, recording
from qnn_core.machine import cpu
from qnn_core.ops.linear import LinearProduct
from qnn_core.ops.quantized_product import quantized_product
from qnn_core.program.program import Program
from qnn_core.program.record import Recorder

ACTIVATIONS: dict[str, Callable[[Any], qnn.Tensor]] = {
    "relu": ops.relu,
    "hardtanh": ops.hardtanh,
    "clip to 0..1": lambda x: ops.clip(x, 0, 1),
    "clip to -1..0": lambda x: ops.clip(x, -1, -0.0),
    "clip above": lambda x: ops.clip(x, -np.inf, 0.5),
    "clip below": lambda x: ops.clip(x, 0.125, np.inf),
}
Activation = Callable[[Any], qnn.Tensor]


def having(bits: int) -> list[str]:
    """Return the spec of each scheme that has so many bits, and a program."""
    found = []
    for scheme in qnn.schemes():
        with suppress(qnn.errors.SpecError):
            if not qnn.get_quantizer(f"{scheme}:{bits}").trained:
                found.append(f"{scheme}:{bits}")
    return found


class Net(qnn.Module):
    """Data times a parameter, which is one at first; an activation; and a quantized layer."""

    def __init__(
        self,
        shape: tuple[int, int],
        activation: Activation,
        input: str = "uniform:3",
    ) -> None:
        self.factor = qnn.Parameter(np.ones(shape, np.float32))
        self.activation = activation
        self.last = qnn.QuantLinear(shape[1], 3, weight="symmetric:2", input=input, seed=1)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.last(self.activation(x * self.factor))


def program_of(model: Any, x: Any) -> Program:
    """Return the program of a model's second call."""
    given = qnn.Tensor(x)
    model.train()(given)  # scales begin with what the first data are
    recorder = Recorder((given,))
    with recording(recorder):
        y = model(given)
    return Program(recorder.finished(y), ((given.shape, given.dtype),))


def planned(model: Any, x: Any) -> list[str]:
    """Return what a program of a model does, by the classes of its instructions."""
    return [type(instruction).__name__ for instruction in program_of(model, x).instructions]


def trained(
    build: Callable[[], Any], data: list[Any], *, compiled: bool, change: Any = None
) -> list[Any]:
    """Train; return outputs and gradients, asked for twice, and what was raised in their place.

    Args:
        change: is given the model and the number of a step before it.
    """
    model = build().train()
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.01)
    seen: list[Any] = []

    def gradients() -> None:
        seen.extend(b"" if p.grad is None else p.grad.array.tobytes() for p in model.parameters())
        optimizer.zero_grad()

    def step(x: Any) -> None:
        y = model(x)
        loss = (y * y).mean()
        loss.backward(retain_graph=True)
        gradients()
        loss.backward()
        seen.append(y.array.tobytes())
        optimizer.step()
        gradients()

    done = qnn.compiled(step) if compiled else step
    for n, x in enumerate(data):
        if change is not None:
            change(model, n)
        try:
            done(x)
        except qnn.errors.NonFiniteError as error:
            seen.append(str(error))
    if compiled:
        assert "a program" in repr(done)
    return seen


def normal(*shape: int, count: int = 5) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for _ in range(count)]


def check(build: Callable[[], Any], data: list[Any], change: Any = None) -> None:
    plain = trained(build, data, compiled=False, change=change)
    assert trained(build, data, compiled=True, change=change) == plain


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_activation_is_no_instruction_of_its_own(name: str) -> None:
    found = planned(Net((5, 4), ACTIVATIONS[name]), normal(5, 4)[0])
    # What is left are products, of data and of scales.
    assert {*found} <= {"Multiply", "Exp", "Step", "QuantizedLinear"}


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
@pytest.mark.parametrize("spec", [spec for bits in (1, 2, 3, 4, 8) for spec in having(bits)])
def test_every_scheme(spec: str, name: str) -> None:
    check(lambda: Net((18, 7), ACTIVATIONS[name], spec), normal(18, 7))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("scale", ["learned", "lsq", "fixed", "0.25"])
def test_every_activation_and_scale(scale: str, name: str) -> None:
    check(lambda: Net((18, 7), ACTIVATIONS[name], f"uniform:4,scale={scale}"), normal(18, 7))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (1, 17), (17, 1), (17, 241), (4097, 1)])
@pytest.mark.parametrize("name", ["relu", "hardtanh"])
@pytest.mark.parametrize("path", cpu.paths())
def test_every_path_and_awkward_sizes(path: str, name: str, shape: tuple[int, int]) -> None:
    plain = trained(lambda: Net(shape, ACTIVATIONS[name]), normal(*shape), compiled=False)
    with cpu.using(path):
        again = trained(lambda: Net(shape, ACTIVATIONS[name]), normal(*shape), compiled=True)
    assert again == plain


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
def test_several_threads(name: str) -> None:
    # 30 pieces: so many that they are shared.
    plain = trained(lambda: Net((400, 300), ACTIVATIONS[name]), normal(400, 300), compiled=False)
    with qnn.threads(2):
        again = trained(lambda: Net((400, 300), ACTIVATIONS[name]), normal(400, 300), compiled=True)
    assert again == plain


AWKWARD = [0.0, -0.0, 1.0, -1.0, 0.125, 0.5, 1e-45, -1e-45, 3e38, -3e38, np.nextafter(1, 2)]
NOT_FINITE = [np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("number", [*AWKWARD, *NOT_FINITE], ids=str)
@pytest.mark.parametrize("input", ["uniform:3", "symmetric:2", "logarithmic:5"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinities, which the tape's NumPy meets
def test_awkward_numbers_in_between(name: str, number: float, input: str) -> None:
    data = normal(5, 7, count=8)
    data[4][2:4, 3:] = data[6][::2, 0] = number
    check(lambda: Net((5, 7), ACTIVATIONS[name], input), data)


class Alone(qnn.Module):
    """An activation that no quantizer is behind."""

    def __init__(self, shape: tuple[int, int], activation: Activation) -> None:
        self.factor = qnn.Parameter(np.ones(shape, np.float32))
        self.activation = activation

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.activation(x * self.factor)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("path", cpu.paths())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as above
def test_an_activation_alone(path: str, name: str) -> None:
    data = normal(3, 11)
    data[3].ravel()[: len(AWKWARD)] = AWKWARD
    data[4].ravel()[: len(NOT_FINITE)] = NOT_FINITE
    assert planned(Alone((3, 11), ACTIVATIONS[name]), data[0]) == [
        "Multiply",
        "Relu" if name == "relu" else "Limit",
    ]
    plain = trained(lambda: Alone((3, 11), ACTIVATIONS[name]), data, compiled=False)
    with cpu.using(path):
        assert trained(lambda: Alone((3, 11), ACTIVATIONS[name]), data, compiled=True) == plain


@pytest.mark.parametrize("low", [np.float64(0.1), np.float32(0.1), 1e-60, -1e-60])
def test_limits_that_numpy_compares_in_its_own_way_are_left_to_it(low: Any) -> None:
    def build() -> Any:
        return Alone((3, 11), lambda x: ops.clip(x, low, 1))

    data = normal(3, 11)
    data[4].ravel()[:3] = 0.1, 0.0, -0.0
    assert planned(build(), data[0]) == ["Multiply", "Step"]
    check(build, data)


@pytest.mark.parametrize("number", NOT_FINITE, ids=str)
def test_a_number_that_the_activation_limits_is_as_good_as_any(number: float) -> None:
    data = normal(5, 7)
    data[4][2, 3] = number
    model = Net((5, 7), ops.hardtanh).train()
    step = qnn.compiled(lambda x: model(x).array.copy())
    for x in data[:4]:
        step(x)
    if np.isnan(number):
        with pytest.raises(qnn.errors.NonFiniteError):
            step(data[4])
    else:
        assert np.isfinite(step(data[4])).all()


@pytest.mark.parametrize("name", ["relu", "hardtanh", "clip below"])
@pytest.mark.parametrize("scale", [1e36, 1e-36, 0.3])
def test_scales_that_kernels_do_not_take_in_between(scale: float, name: str) -> None:
    def change(model: Any, n: int) -> None:
        if n in (4, 5):
            model.last.input_quantizer.log_scale.data[...] = np.log(scale)
        if n == 6:
            model.last.input_quantizer.log_scale.data[...] = -0.5

    check(lambda: Net((5, 7), ACTIVATIONS[name]), normal(5, 7, count=8), change)


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
def test_a_path_that_changes_in_between(name: str) -> None:
    def run(*, compiled: bool) -> list[bytes]:
        model = qnn.MLP(
            [90, 70, 40, 4], weight="symmetric:2", input="uniform:2", activation=name, seed=1
        ).train()

        def step(x: Any) -> bytes:
            y = model(x)
            gradients = qnn.grad(y.sum(), list(model.parameters()))
            return b"".join([y.array.tobytes(), *(g.array.tobytes() for g in gradients)])

        done = qnn.compiled(step) if compiled else step
        found = []
        for n, x in enumerate(normal(64, 90, count=6)):
            with cpu.using("base" if n == 4 else cpu.paths()[-1]):
                found.append(done(x))
        return found

    assert run(compiled=True) == run(compiled=False)


class Read(Net):
    """The activation's output is read by another, too."""

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self.activation(x * self.factor)
        return self.last(y) + y.sum()


SHAPES: list[tuple[int, ...]] = []


def note(y: qnn.Tensor, residual: Any) -> None:
    SHAPES.append(y.shape)


class Measured(Net):
    """Something is done beside the operations to the activation's output: it asks for a shape."""

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self.activation(x * self.factor)
        effect(note, y, reads=False)
        return self.last(y)


class Sides(qnn.Module):
    """The activation's output is on both sides of the product."""

    def __init__(self, shape: tuple[int, int], activation: Activation) -> None:
        self.factor = qnn.Parameter(np.ones(shape, np.float32))
        self.activation = activation
        self.quantizers = qnn.get_quantizer("uniform:3"), qnn.get_quantizer("uniform:2")
        self.product = LinearProduct()

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self.activation(x * self.factor)
        both = (y, 0.5, 0), (y, 1, 0)
        return quantized_product(*both, quantizers=self.quantizers, product=self.product)


def calibrated(shape: tuple[int, int], activation: Activation) -> Net:
    """Return a net whose quantizer looks at all that comes in, beside the operations."""
    return Net(shape, activation, "uniform:4,scale=calibrated")


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
@pytest.mark.parametrize("net", [Read, Sides, calibrated])
def test_an_activation_that_others_read_stays(net: Any, name: str) -> None:
    data = normal(5, 7)
    found = planned(net((5, 7), ACTIVATIONS[name]), data[0])
    assert ("Relu" if name == "relu" else "Limit") in found
    check(lambda: net((5, 7), ACTIVATIONS[name]), data)


def test_of_what_is_left_out_the_shape_is_known() -> None:
    x, model = normal(5, 7)[0], Measured((5, 7), ops.relu)
    program = program_of(model, x)
    assert "Relu" not in {type(instruction).__name__ for instruction in program.instructions}
    SHAPES.clear()
    y = program.run((qnn.Tensor(x),)).array
    assert SHAPES == [(5, 7)]
    assert y.tobytes() == model(x).array.tobytes()


def test_what_is_left_out_has_no_memory() -> None:
    x = normal(50, 70)[0]
    program = program_of(Net((50, 70), ops.relu), x)
    y = program.run((qnn.Tensor(x),))
    outputs = [instruction.output.array for instruction in program.instructions]
    assert y.array is outputs[-1]
    assert [a.shape for a in outputs if a is not None and a.size == x.size] == [x.shape]


class Itself(qnn.Module):
    """A product whose weight is what is before the activation of its data, and read by a third."""

    def __init__(self, turned: bool) -> None:
        self.turned = turned
        self.factor = qnn.Parameter(np.full((6, 6), 1.1, np.float32))
        self.quantizers = qnn.get_quantizer("uniform:3"), qnn.get_quantizer("symmetric:3")
        self.product = LinearProduct()
        self.other = nn.Linear(6, 6, seed=2)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        z = x * self.factor
        sides = (ops.relu(z), 0.4, 0), (z, 0.3, 0)
        y = quantized_product(*sides, quantizers=self.quantizers, product=self.product)
        other = self.other(z)
        return other + y if self.turned else y + other


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_before_the_activation_may_be_the_weight(turned: bool) -> None:
    check(lambda: Itself(turned), normal(6, 6))


class OfParameter(qnn.Module):
    """What the activation takes is nobody's but the user's, who may write to it."""

    def __init__(self) -> None:
        self.factor = qnn.Parameter(np.linspace(-1, 1, 35).reshape(5, 7))
        self.last = qnn.QuantLinear(7, 3, weight="symmetric:2", input="uniform:3", seed=1)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.last(ops.relu(self.factor)) + x.sum()


def test_what_others_may_write_to_is_not_read_later() -> None:
    data = normal(5, 7)
    assert "Relu" in planned(OfParameter(), data[0])
    check(OfParameter, data)


class Three(qnn.Module):
    """What is before an activation, or a normalization, is read by three: the sum has an order."""

    def __init__(self, joint: Callable[[Any], qnn.Tensor], norm: bool) -> None:
        self.joint = joint
        self.factor = qnn.Parameter(np.full((20, 6), 1.1, np.float32))
        self.norm = nn.BatchNorm(6) if norm else None
        self.last = qnn.QuantLinear(6, 3, weight="symmetric:2", input="uniform:3", seed=1)
        self.others = [nn.Linear(6, 3, seed=2), nn.Linear(6, 3, seed=3)]

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        z = x * self.factor
        first = ops.relu(z if self.norm is None else self.norm(z))
        others = self.others[0](ops.tanh(z)), self.others[1](ops.sigmoid(z))
        return self.joint([self.last(first), *others])


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_sums_of_gradients_have_the_order_of_the_tape(order: Any, norm: bool) -> None:
    def joint(parts: list[qnn.Tensor]) -> qnn.Tensor:
        a, b, c = (parts[n] for n in order)
        return a * 0.7 + (b + c * 1.3)

    check(lambda: Three(joint, norm), normal(20, 6))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("scale", [0.5, 1e36])
def test_derivatives_of_derivatives(name: str, scale: float) -> None:
    def curvature(*, compiled: bool) -> list[Any]:
        model = Net((5, 7), ACTIVATIONS[name]).train()
        found: list[Any] = []

        def step(x: Any) -> None:
            last = len(found) == 4
            if last:
                model.last.input_quantizer.log_scale.data[...] = np.log(scale)
            loss = (model(x) ** 2).sum()
            (g,) = qnn.grad(loss, [model.factor], create_graph=last)
            if last:
                (g,) = qnn.grad((g * g).sum(), [model.last.bias])
            found.append(g.array)

        done = qnn.compiled(step) if compiled else step
        for x in normal(5, 7):
            done(x)
        return found

    again, plain = curvature(compiled=True), curvature(compiled=False)
    assert [a.tobytes() for a in again] == [a.tobytes() for a in plain]


def test_several_programs_at_a_time() -> None:
    model = Net((5, 7), ops.relu).train()
    data = normal(5, 7, count=3)

    def several() -> list[bytes]:
        losses = [(model(x) ** 2).sum() for x in data]
        found = [qnn.grad(loss, list(model.parameters())) for loss in losses]
        return [g.array.tobytes() for gradients in found for g in gradients]

    step, plain = qnn.compiled(several), several()
    assert [step() for _ in range(5)] == [plain] * 5
