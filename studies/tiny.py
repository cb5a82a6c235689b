"""The best that fits into 11 kB, and into 12.3 kB without convolutions."""

from collections.abc import Sequence

import numpy as np
import qnn_core as qnn
from _study.plan import Arm, Recipe, Study

# Pixels of 4 bits: a table for 8 bits would take 2 kB of the file.
PIXELS = "uniform:4"


def net(*, convolutions: Sequence[int] = (), **options: object) -> qnn.Sequential:
    """Return a net of a few thousand weights, with batch normalization.

    Args:
        convolutions: the channels of three; none for a net of linear layers.
        options: see the two functions below.
    """
    return _convolutional(*convolutions, **options) if convolutions else _linear(**options)


def _convolutional(
    one: int, two: int, three: int, *, weight: str, input: str, seed: int
) -> qnn.Sequential:
    """5x5 and pooling, 3x3 and pooling, 3x3, then one linear layer: 24, 12, 10, 5, 3 pixels."""
    rng = np.random.default_rng(seed)
    quantized = {"weight": weight, "input": input, "bias": False, "seed": rng}
    first = quantized | {"weight": "symmetric:4", "input": PIXELS}
    return qnn.Sequential(
        qnn.nn.Reshape(28, 28, 1),
        qnn.QuantConv2d(1, one, 5, **first),
        *_pooled(one),
        qnn.QuantConv2d(one, two, 3, **quantized),
        *_pooled(two),
        qnn.QuantConv2d(two, three, 3, **quantized),
        qnn.nn.BatchNorm(three),
        qnn.nn.ReLU(),
        qnn.nn.Flatten(),
        qnn.QuantLinear(9 * three, 10, **quantized),
    )


def _pooled(channels: int) -> tuple[qnn.Module, ...]:
    # Pooling before ReLU gives the same as after, on a quarter of the numbers.
    return qnn.nn.BatchNorm(channels), qnn.nn.MaxPool2d(2), qnn.nn.ReLU()


def _linear(*, sizes: Sequence[int], weight: str, input: str, seed: int) -> qnn.Sequential:
    return qnn.MLP(
        sizes,
        batch_norm=True,
        bias=False,
        weight=weight,
        input=input,
        first_input=PIXELS,
        last_weight=weight,
        last_input=input,
        seed=seed,
    )


STUDY = Study(
    name="tiny",
    title="MNIST in 11 kB",
    about="",
    net=net,
    arms=(
        Arm(
            "convolutional",
            {
                "convolutions": (20, 32, 38),
                "weight": "symmetric:bits=2,grid=even",
                "input": "uniform:3",
            },
            mark=99.55,
            bytes_mark=11_000,
        ),
    ),
    recipe=Recipe(epochs=40, lr=4e-3, augment={"shift": 2, "rotation": 10, "scale": 0.1}),
    seeds=1,
)
