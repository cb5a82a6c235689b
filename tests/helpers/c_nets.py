"""Small packed nets that have a form in C, without training: only their quantizers see data."""

from typing import Any

import numpy as np
import qnn_core as qnn
from numpy.typing import NDArray

MEAN, STD = 0.25, 0.5

THROUGHOUT = {
    "weight": "symmetric:4",
    "input": "uniform:4",
    "first_weight": "symmetric:4",
    "first_input": "uniform:8",
    "last_weight": "symmetric:4",
    "last_input": "uniform:4",
}


def pixels(count: int, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return uint8 images."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def as_trained(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the nets take, of images."""
    made: NDArray[np.float32] = (images / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    return made


def packed(model: qnn.Sequential, *shape: int) -> qnn.PackedModel:
    """Return a model packed, once its quantizers and its normalizations have seen images."""
    images = as_trained(pixels(32, *shape, seed=1))
    for _ in range(3):
        model(images)
    return qnn.pack(model.eval(), images)


def linear_net(**options: Any) -> qnn.PackedModel:
    """Return a net of 20 inputs, 8 hidden units and 4 classes."""
    how = THROUGHOUT | options
    return packed(qnn.MLP([20, 8, 4], batch_norm=True, seed=0, **how), 20)


def image_net(**options: Any) -> qnn.PackedModel:
    """Return a LeNet of a few channels for images of 16 x 16."""
    how = THROUGHOUT | options
    size: dict[str, Any] = {"shape": (16, 16, 1), "channels": (2, 3), "hidden": 8}
    return packed(qnn.LeNet(**size, batch_norm=True, seed=0, **how), 16, 16)
