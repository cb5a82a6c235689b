"""The comparison that the original work published, made by `qnn.compare`: does it see the fault?"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import qnn_core as qnn
import qnn_data
from qnn_data.transforms import Compose, Flatten, ToFloat

sys.path.append(str(Path(__file__).parents[2] / "apps"))

from _paradox.original_layers import OriginalLinear, Scheme


def net(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return the original's net with its own layers: 4 bits, or float, as `weight` says."""
    hidden = Scheme(bits=None if weight is None else weight.bits)
    return qnn.Sequential(
        OriginalLinear(784, 100, hidden, seed),
        qnn.nn.Sigmoid(),
        OriginalLinear(100, 10, Scheme(bits=None), seed + 1000),
    )


def sgd(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
    """Return the original's optimizer: at a rate of 0.01, float is far from its end."""
    return qnn.optim.SGD(model.parameters(), 0.01)


def test_replaying_the_original_raises_the_flag_and_names_the_cause() -> None:
    data = qnn_data.load("mnist-mini", transform=Compose([ToFloat(), Flatten()]))
    with ThreadPoolExecutor(1) as executor:
        found = qnn.compare(
            net, data, weights=["symmetric"], activations=[None], bits=[4, 32], seeds=3, epochs=6,
            optimizer=sgd, executor=executor, progress=False,
        )  # fmt: skip
    assert not found.failures
    (flag,) = found.suspicions
    assert flag.config == "symmetric:4 x float"
    assert flag.difference > 0.05
    assert "float is under-trained" in flag.reason
    assert flag.advice == "train float longer or with a higher learning rate"
    text = " ".join(str(found).split())
    assert "symmetric:4 x float beats the float baseline" in text
    # Its layers take their scale from the batch: no packed model could give their answers.
    assert "not packed, symmetric:4 x float:" in text
    assert found.nbytes(found.config("symmetric:4 x float")) is None
    assert found.nbytes(found.config("float")) is not None
