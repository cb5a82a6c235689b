"""Products of integers and sums that leave zeros out are a program's too: the tape's bits."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import ops
from qnn_core.machine import cpu

STEPS = 4
# Kernels: planes, ternary weights, bytes, int16 (more levels than bytes hold), floats.
SPECS = [
    ("symmetric:2", "symmetric:2"),
    ("symmetric:2", "binary"),
    ("symmetric:2,grid=even", "uniform:2"),
    ("uniform:4", "uniform:4"),
    ("logarithmic:3", "uniform:8"),
    ("logarithmic:5", "logarithmic:5"),
    ("logarithmic:8", "logarithmic:8"),
    ("symmetric:8,axis=0", "uniform:8"),
]


def data(zeros: bool, ground: float = 0) -> list[Any]:
    """Return batches; of 300 numbers in each sample few are not `ground`, or all are none."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(STEPS):
        x = rng.normal(size=(64, 300)) * (rng.random((64, 300)) < (0.15 if zeros else 1)) + ground
        made.append((x.astype(np.float32), rng.integers(0, 4, 64)))
    return made


def trained(weight: str, input: str, batches: list[Any], *, compiled: bool) -> list[Any]:
    """Train, and return all outputs and, at each step, all parameters."""
    # 64 x 300 x 250 products are enough to look for zeros, and 64 x 250 x 70 are many.
    model = qnn.MLP([300, 250, 70, 4], weight=weight, input=input, batch_norm=True, seed=1)
    optimizer = qnn.optim.Adam(model.train().named_parameters(), lr=0.01)
    seen: list[Any] = []

    def step(x: Any, labels: Any) -> None:
        y = model(x)
        loss = ops.softmax_cross_entropy(y, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.extend([y.array.tobytes(), *[p.array.tobytes() for p in model.parameters()]])

    done = qnn.compiled(step) if compiled else step
    for x, labels in batches:
        done(x, labels)
    if compiled:
        assert "a program" in repr(done)
    return seen


@pytest.mark.parametrize(("zeros", "ground"), [(True, 0), (False, 0), (True, -0.5)])
@pytest.mark.parametrize(
    ("weight", "input"), [*SPECS, ("binary", "binary"), ("symmetric:3", "uniform:4")]
)
def test_every_kernel_of_a_product(weight: str, input: str, zeros: bool, ground: float) -> None:
    batches = data(zeros, ground)
    plain = trained(weight, input, batches, compiled=False)
    assert trained(weight, input, batches, compiled=True) == plain
    assert len(plain) > STEPS


@pytest.mark.parametrize("path", cpu.paths())
@pytest.mark.parametrize("threads", [1, 2])
def test_every_path_and_several_threads(path: str, threads: int) -> None:
    batches = data(True)
    plain = trained("symmetric:2", "uniform:3", batches, compiled=False)
    with cpu.using(path), qnn.threads(threads):
        assert trained("symmetric:2", "uniform:3", batches, compiled=True) == plain


def test_a_path_that_changes_in_between() -> None:
    batches = data(False)
    model = qnn.MLP([300, 250, 4], weight="symmetric:2", input="symmetric:2", seed=1).train()

    @qnn.compiled
    def step(x: Any) -> Any:
        y = model(x)
        y.sum().backward()
        return y.array.copy()

    x = batches[0][0]
    first = [step(x) for _ in range(4)][-1]
    with cpu.using("base"):
        assert step(x).tobytes() == first.tobytes()
    assert step(x).tobytes() == first.tobytes()
