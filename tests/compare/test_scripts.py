"""What a script defines reaches the processes that train, however the script is run."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from dataclasses import dataclass

import numpy as np
import qnn_core as qnn
from qnn_core.autodiff import op
from qnn_core.ops.shapes import same
from qnn_core.quantizer import Quantizer

softsign = op("script_softsign", lambda x: x / (1 + np.abs(x)), shape=same,
              vjps=[lambda g, y, x: g * (1 - abs(y)) ** 2])
joint = op("script_joint", np.tanh, shape=same,
           vjp=lambda g, y, inputs, needs, attributes: [g * (1 - y * y)])


@dataclass(frozen=True)
class Own(Quantizer):
    bits: int = 2

    @property
    def levels(self):
        return np.arange(2**self.bits) - 2 ** (self.bits - 1) + 0.5


class Soft(qnn.Module):
    def forward(self, x):
        return joint(softsign(x))


class Scaled(qnn.optim.SGD):
    pass


def loss(outputs, labels):
    return qnn.ops.softmax_cross_entropy(outputs, labels) * 1.0


def optimizer(model, steps):
    return Scaled(model.parameters(), 0.05)


def build(weight, input, seed):
    own = None if weight is None else Own(2)
    return qnn.Sequential(
        qnn.QuantLinear(4, 8, weight=weight, input=None, seed=seed),
        Soft(),
        qnn.QuantLinear(8, 2, weight=weight, input=own, seed=seed + 1),
    )


def data():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(int)
    return (x[:40], y[:40]), (x[40:], y[40:])


found = qnn.compare(build, data, weights=["symmetric"], activations=[None], bits=[2, 32], seeds=2,
                    epochs=2, optimizer=optimizer, loss=loss, executor=2, progress=False)
print([result.reason for result in found.failures], found.complete,
      {result.difference for result in found.results.values()})
"""
RUN_PATH = "import runpy, sys; runpy.run_path(sys.argv[1])"


@pytest.mark.parametrize("how", ["script", "-c", "run_path", "-m"])
def test_operations_layers_losses_and_quantizers_of_a_script(how: str, tmp_path: Path) -> None:
    file = tmp_path / "own_script.py"
    file.write_text(SCRIPT, "utf-8")
    commands = {
        "script": [str(file)],
        "-c": ["-c", SCRIPT],
        "run_path": ["-c", RUN_PATH, str(file)],
        "-m": ["-m", "own_script"],
    }
    command = [sys.executable, *commands[how]]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("[] True"), run.stdout
