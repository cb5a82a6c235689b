"""Three hidden layers of 256, at one and two bits: the middle net of BNN-PYNQ."""

from typing import Any

import qnn_core as qnn
from _study.plan import Arm, Recipe, Study


def net(**options: Any) -> qnn.Sequential:
    """Return 784-256-256-256-10 with batch normalization, options as for `qnn.MLP`."""
    return qnn.MLP([784, 256, 256, 256, 10], batch_norm=True, **options)


STUDY = Study(
    name="deep",
    title="MNIST, 784-256-256-256-10 at one and two bits",
    about="""
    The hidden layers have weights of one bit (-1 and 1, times a scale) or of two (-3, -1, 1, 3,
    times a scale); the inputs of all layers but the first are the outputs of ReLU at as many bits:
    0 and s, or 0, s, 2s, 3s. All scales are learned, one for a tensor. The pixels have 8 bits, the
    weights of the output layer too. Biases and batch normalization are float in training, and
    thresholds on integers when packed. Latent weights of one bit are kept within -0.2 and 0.2, and
    the gradient of their sign is passed as it is.

    The marks are those of the issue that asked for this; BNN-PYNQ (the examples of Brevitas)
    trains the same widths for 500 to 1000 epochs, to 97.81 % at one bit and 98.66 % at two, its
    pixels at one and two bits.
    """,
    net=net,
    arms=(
        Arm(
            "W1 A1",
            {
                "weight": "binary:ste=identity",
                "input": "uniform:1",
                "first_input": "uniform:8",
                "last_weight": "symmetric:8",
                "last_input": "uniform:1",
                "weight_bounds": (-0.2, 0.2),
            },
            mark=97.3,
        ),
        Arm(
            "W2 A2",
            {
                "weight": "symmetric:bits=2,grid=even",
                "input": "uniform:2",
                "first_input": "uniform:8",
                "last_weight": "symmetric:8",
                "last_input": "uniform:2",
            },
            mark=98.3,
        ),
    ),
    recipe=Recipe(epochs=25, batch_size=200, lr=3e-3),
)
