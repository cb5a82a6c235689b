"""A step that is compiled has the bits of one that is not: every scheme, layer, optimizer."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn, ops, optim

STEPS = 6
Step = Callable[..., Any]


def state_of(model: qnn.Module, optimizer: optim.Optimizer) -> dict[str, bytes]:
    states = {f"model.{n}": a for n, a in model.state_dict().items()}
    states |= {f"optimizer.{n}": a for n, a in optimizer.state_dict().items()}
    return {name: array.tobytes() for name, array in states.items()}


def run(
    build: Callable[[], qnn.Module],
    data: list[tuple[Any, Any]],
    make: Callable[[Any], optim.Optimizer] = lambda p: optim.Adam(p, lr=0.01),
    *,
    compiled: bool,
) -> tuple[Any, dict[str, str]]:
    """Train a net; return its losses and states, and why there was no program."""
    model = build().train()
    optimizer = make(model.named_parameters())
    losses = []

    def step(x: Any, target: Any) -> None:
        y = model(x)
        loss = (
            ops.softmax_cross_entropy(y, target)
            if np.asarray(target).dtype.kind == "i"
            else ops.mean_squared_error(y, target)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data.tobytes())

    made = qnn.compiled(step)
    for x, target in data:
        (made if compiled else step)(x, target)
    return (losses, state_of(model, optimizer)), made.reasons


def batches(*shape: int, classes: int = 4, count: int = STEPS) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=shape).astype(np.float32), rng.integers(0, classes, shape[0]))
        for _ in range(count)
    ]


def check(build: Any, data: Any, *make: Any, reasons: tuple[str, ...] = ()) -> None:
    plain, _ = run(build, data, *make, compiled=False)
    compiled, found = run(build, data, *make, compiled=True)
    assert compiled == plain
    assert [any(part in why for part in reasons) for why in found.values()] == [True] * len(reasons)


# Of their quantizers, fields are trained: a new quantizer at each step.
TRAINED = ("is another one at each step",)


def having(bits: int) -> list[str]:
    """Return the spec of each scheme that has so many bits."""
    found = []
    for scheme in qnn.schemes():
        with suppress(qnn.errors.SpecError):
            qnn.get_quantizer(f"{scheme}:{bits}")
            found.append(f"{scheme}:{bits}")
    return found


EVERY = [spec for bits in (1, 2, 4, 8) for spec in having(bits)]


@pytest.mark.parametrize("spec", EVERY)
def test_every_scheme(spec: str) -> None:
    def build() -> qnn.Module:
        return qnn.MLP([12, 16, 9, 4], weight=spec, input=spec, last_weight=spec, seed=1)

    check(build, batches(20, 12), reasons=TRAINED if qnn.get_quantizer(spec).trained else ())


def test_every_scheme_has_been_tried() -> None:
    assert {spec.partition(":")[0] for spec in EVERY} == set(qnn.schemes())


@pytest.mark.parametrize("weight", ["symmetric:3", "uniform:4,axis=0", "binary"])
@pytest.mark.parametrize("scale", ["learned", "lsq", "pact", "calibrated", "fixed", "0.25"])
def test_every_scale(weight: str, scale: str) -> None:
    def build() -> qnn.Module:
        of_weight = weight
        if scale != "pact":
            of_weight += f"{',' if ':' in weight else ':'}scale={scale}"
        input = f"uniform:4,scale={scale}"
        return qnn.MLP([12, 16, 4], weight=of_weight, input=input, batch_norm=True, seed=1)

    check(build, batches(20, 12))


OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "sgd, decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, schedule=optim.Cosine(STEPS)),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str) -> None:
    def build() -> qnn.Module:
        return qnn.MLP(
            [12, 16, 4], weight="binary", input="uniform:2", weight_bounds=(-1, 1), seed=1
        )

    check(build, batches(20, 12), OPTIMIZERS[name])


class Own(qnn.Module):
    """A forward of one's own, with a weight that is used twice."""

    def __init__(self) -> None:
        self.inner = qnn.QuantLinear(12, 12, weight="symmetric:2", input="uniform:2", seed=0)
        self.last = [qnn.Linear(12, 4, seed=1), qnn.Dropout(0.25, seed=2)]
        self.factor = 0.5

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = ops.tanh(self.inner(x)) * self.factor + self.inner(x)
        return self.last[1](self.last[0](np.concatenate([y[:, :6], ops.sigmoid(y[:, 6:])], axis=1)))


NETS: dict[str, tuple[Callable[[], qnn.Module], list[Any]]] = {
    "mlp, batch norm, dropout": (
        lambda: qnn.MLP([12, 16, 4], batch_norm=True, dropout=0.5, seed=1),
        batches(20, 12),
    ),
    "few rows": (lambda: qnn.MLP([12, 16, 4], weight="symmetric:2", seed=1), batches(3, 12)),
    "wide": (
        lambda: qnn.MLP([90, 400, 4], weight="symmetric:2", input="uniform:2", seed=1),
        batches(33, 90),
    ),
    "own": (Own, batches(20, 12)),
    "lenet": (
        lambda: qnn.LeNet(
            shape=(16, 16, 1),
            channels=(4, 6),
            hidden=8,
            weight="symmetric:4",
            input="uniform:4",
            batch_norm=True,
            seed=1,
        ),
        batches(6, 16, 16, 1),
    ),
    "resnet": (
        lambda: qnn.ResNet((8, 8, 3), weight="symmetric:2", input="uniform:4", seed=1),
        batches(4, 8, 8, 3),
    ),
    "dscnn": (
        lambda: qnn.DSCNN((20, 10, 1), channels=8, blocks=2, weight="symmetric:4", seed=1),
        batches(3, 20, 10, 1),
    ),
    "signals": (
        lambda: nn.Sequential(
            qnn.QuantConv1d(2, 6, 3, weight="symmetric:4", input="uniform:8", seed=0),
            nn.BatchNorm(6),
            nn.HardTanh(),
            nn.MaxPool1d(2),
            nn.GlobalAvgPool1d(),
            nn.Linear(6, 4, seed=1),
        ),
        batches(7, 20, 2),
    ),
    "activations": (
        lambda: nn.Sequential(
            nn.Linear(12, 9, seed=0),
            nn.LeakyReLU(0.1),
            nn.HardSwish(),
            nn.Sigmoid(),
            nn.Tanh(),
            nn.Clip(-0.5, 0.5),
            nn.Linear(9, 4, seed=1),
            nn.Softmax(),
        ),
        batches(18, 12),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_every_kind_of_net(name: str) -> None:
    check(*NETS[name])


def test_double_precision() -> None:
    def build() -> qnn.Module:
        return qnn.MLP([12, 16, 4], weight="symmetric:3", batch_norm=True, seed=1).astype("f8")

    check(build, [(x.astype(np.float64), y) for x, y in batches(20, 12)])


def test_batches_of_several_lengths() -> None:
    data = [part for pair in zip(batches(20, 12), batches(7, 12), strict=True) for part in pair]
    check(lambda: qnn.MLP([12, 16, 4], weight="symmetric:3", batch_norm=True, seed=1), data * 2)


def test_regression() -> None:
    rng = np.random.default_rng(0)
    data = [(x, rng.normal(size=(20, 2)).astype(np.float32)) for x, _ in batches(20, 12)]
    check(lambda: qnn.MLP([12, 16, 2], weight="symmetric:3", seed=1), data)


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize("scheme", ["symmetric:2", "uniform:4,scale=calibrated"])
def test_fit(scheme: str, clip_norm: float | None) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 12)).astype(np.float32), rng.integers(0, 4, 50)
    states = []
    for compiled in (True, False):
        model = qnn.MLP(
            [12, 16, 4], weight=scheme, input=scheme, batch_norm=True, dropout=0.2, seed=1
        )
        optimizer = optim.Adam(model.named_parameters(), lr=0.01)
        history = qnn.fit(
            model,
            (x, y),
            epochs=4,
            optimizer=optimizer,
            batch_size=16,
            validation=(x, y),
            clip_norm=clip_norm,
            compiled=compiled,
        )
        measured = [(e.loss, e.accuracy, e.val_loss) for e in history.epochs]
        states.append((state_of(model, optimizer), measured))
    assert states[0] == states[1]


def quantized(kind: Any, *sizes: int) -> Any:
    return kind(*sizes, weight="symmetric:2", input="uniform:2", seed=1)


def few(*shape: int, positive: bool = False) -> np.ndarray:
    """Return data of which most are zero."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * (rng.random(shape) < 0.15)
    return (np.abs(x) if positive else x).astype(np.float32)


# The sums that a scale's gradient is taken by are other ones where the data need none.
@pytest.mark.parametrize(
    ("build", "x", "wanted"),
    [
        (lambda: [quantized(qnn.QuantLinear, 784, 128)], few(100, 784), ["0.input_quantizer"]),
        (
            lambda: [quantized(qnn.QuantLinear, 784, 128)],
            few(100, 784, positive=True),
            ["0.input_quantizer"],
        ),
        (
            lambda: [nn.Conv2d(1, 4, 3, seed=0), nn.ReLU(), quantized(qnn.QuantConv2d, 4, 8, 3)],
            few(8, 12, 12, 1),
            ["2.input_quantizer", "2.weight"],
        ),
        (
            lambda: [quantized(qnn.QuantConv2d, 2, 8, 3)],
            few(8, 12, 12, 2, positive=True),
            ["0.input_quantizer"],
        ),
    ],
)
def test_gradients_of_some_parameters_only(build: Any, x: np.ndarray, wanted: list[str]) -> None:
    def gradients(compiled: bool) -> list[bytes]:
        model = nn.Sequential(*build()).train()
        some = [p for n, p in model.named_parameters() if any(w in n for w in wanted)]
        assert some
        seen: list[bytes] = []

        def step() -> None:
            y = model(x)
            seen.extend(g.array.tobytes() for g in qnn.grad((y * y).mean(), some))

        done = qnn.compiled(step) if compiled else step
        for _ in range(4):
            done()
        return seen

    assert gradients(True) == gradients(False)
