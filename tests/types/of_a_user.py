"""A module of a user: `mypy --strict` has nothing to say of it, and it runs."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import qnn_core as qnn
from numpy.typing import NDArray
from qnn_compare import compare
from qnn_core import Tensor
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Ternary(Quantizer):
    """A scheme of its own."""

    bits: int = 2

    @property
    def levels(self) -> list[int]:
        return [-1, 0, 1]


class Block(qnn.Module):
    def __init__(self, width: int, seed: int = 0) -> None:
        self.norm = qnn.BatchNorm(width)
        self.inner = qnn.QuantLinear(width, width, weight=Ternary(), input="uniform:2", seed=seed)

    def forward(self, x: Tensor) -> Tensor:
        return qnn.ops.relu(x + self.norm(self.inner(x)))


class Net(qnn.Module):
    """Several parts, and two outputs."""

    def __init__(self, seed: int = 0) -> None:
        self.blocks = [Block(8, seed), Block(8, seed + 1)]
        self.body = qnn.Sequential(qnn.Linear(8, 8), qnn.ReLU())
        self.last = qnn.Linear(8, 3, seed=seed)
        self.gain = qnn.Parameter(1.0)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.last(self.body(x) * self.gain)


class Twice(qnn.Module):
    def __init__(self) -> None:
        self.net = Net()

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(left), self.net(right)


def train(model: qnn.Module, x: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    optimizer = qnn.optim.Adam(model.named_parameters(), lr=1e-2)
    loss = Tensor(0.0)
    for _ in range(3):
        optimizer.zero_grad()
        loss = qnn.ops.softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 8)), np.arange(30) % 3
    model = Net()
    before = train(model, x, y)
    optimizer = qnn.optim.SGD(model.parameters(), 0.1)
    history = qnn.fit(model, [(x, y)], epochs=1, optimizer=optimizer)
    assert history.last.loss < before
    left, right = Twice()(x, x)
    assert (left - right).sum().item() == 0.0
    qnn.pack(model, x).save(folder / "net.qnn")
    packed = qnn.load(folder / "net.qnn")
    assert np.abs(packed(x) - model.eval()(x).data).max() == 0
    print(qnn.summary(model, x))
    build = partial(qnn.MLP, [8, 4, 3], batch_norm=True)
    data = ((x[:20], y[:20]), (x[20:], y[20:]))
    found = compare(build, data, weights=[Ternary], bits=[2, 32], seeds=2, epochs=1, executor=1)
    print(found.table("markdown"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
