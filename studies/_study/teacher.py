"""A float net that others learn from: small, since each of their batches goes through it too."""

from typing import Any

import numpy as np
import qnn_core as qnn


def teacher(*, seed: int, side: int) -> qnn.Sequential:
    """3x3x24 and pooling, 3x3x48, 128 hidden, from flat rows of side x side pixels; 28 are halved.

    Args:
        seed: of the initial weights.
        side: height and width of the images.
    """
    rng = np.random.default_rng(seed)
    rest: dict[str, Any] = {"bias": False, "seed": rng}
    halved = [qnn.nn.AvgPool2d(2)] if side == 28 else []
    left = ((side // 2 if halved else side) - 2) // 2 - 2
    return qnn.Sequential(
        qnn.nn.Reshape(side, side, 1),
        *halved,
        qnn.nn.Conv2d(1, 24, 3, **rest),
        qnn.nn.BatchNorm(24),
        qnn.nn.MaxPool2d(2),
        qnn.nn.ReLU(),
        qnn.nn.Conv2d(24, 48, 3, **rest),
        qnn.nn.BatchNorm(48),
        qnn.nn.ReLU(),
        qnn.nn.Flatten(),
        qnn.nn.Linear(48 * left**2, 128, **rest),
        qnn.nn.BatchNorm(128),
        qnn.nn.ReLU(),
        qnn.nn.Linear(128, 10, seed=rng),
    )
