"""A study of two layers: what the store is made of that the fuzzer damages."""

from typing import Any

import numpy as np
import qnn_core as qnn


def data() -> Any:
    """Return three classes of six numbers."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=90)
    x = (np.eye(3)[labels].repeat(2, axis=1) + rng.normal(size=(90, 6))).astype(np.float32)
    return (x[:60], labels[:60]), (x[60:], labels[60:])


def net(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return a net of two layers."""
    return qnn.MLP([6, 8, 3], weight=weight, input=input, seed=seed)
