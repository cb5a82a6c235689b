"""The best that fits into 11 kB, and into 12.3 kB without convolutions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import qnn_core as qnn
from _study.plan import Arm, Recipe, Study

# Pixels of 4 bits: a table for 8 bits would take 2 kB of the file.
PIXELS = "uniform:4"


def net(*, convolutions: Sequence[int] = (), **options: Any) -> qnn.Sequential:
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
    quantized: dict[str, Any] = {"weight": weight, "input": input, "bias": False, "seed": rng}
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
    about="""
    Both marks count the whole file that `qnn.pack` writes: codes, thresholds, scales, the graph
    and the header of the file.

    The convolutional net has 5 x 5 x 20 and pooling, 3 x 3 x 40 and pooling, 3 x 3 x 62, and one
    linear layer. Its first weights have 4 bits, all others 2 (-3, -1, 1, 3, times a scale). The
    pixels have 4 bits, the other layers' inputs, outputs of ReLU, 3.

    The fully connected net, 144-116-60-10, takes the 20 x 20 pixels in the middle, shrunk to
    12 x 12, linearly and without aliasing. All its weights have 4 bits (-7 to 7), pixels 4, other
    inputs 3.

    All scales are learned, one for a tensor. Batch normalization is float in training, and
    thresholds on integers when packed. The training images are shifted, turned and scaled at
    random, each time in another way.

    The marks are those of BitNetMCU, with augmentation: a convolutional net of 11.0 kB, 99.55 %,
    and a fully connected one of 12.3 kB, 99.02 %. Its 12.3 are 12,608 bytes of weights alone.
    """,
    notes="""
    Of 11 kB, codes of the convolutional net are 9,025, thresholds of 122 channels 700, the graph
    and the header of the file 1,100. Codes of 4 bits are stored deflated: trained weights are
    rarely large, and 4 to 8 % are saved. Codes of 2 bits are as they are.

    What was tried, with 50,000 training images, measured on the other 10,000, one seed each, so
    that 0.1 points are chance:

    - fully connected, all of the image at 16 x 16, 40 epochs, shifts by 1 pixel, turns by 8
      degrees, scales by 8 %: 98.40 % with 1 bit (256-256-72-10), 98.55 with 2 (256-144-40-10;
      98.70 after 150 epochs), 98.50 with 3 (256-96-40-10), 98.55 with 4 (256-64-64-10). 2 pixels,
      10 degrees, 10 %: 98.20 with 2 bits
    - the 20 x 20 pixels in the middle, 50 epochs: 98.88 at 14 x 14 with 4 bits (98.76 with 3, 98.79
      with 2, 98.80 with three hidden layers), 98.92 at 12 x 12, 98.97 at 11 x 11, 98.88 at 10 x 10,
      beside 98.77 for all of the image at 16 x 16
    - inputs of 3 bits in place of 4: 98.93 at 12 x 12, and 500 bytes less. Learning rate 0.01:
      98.86 at 14 x 14
    - augmentation: 98.69 with 0.5 pixels, 6 degrees, 6 % at 14 x 14. At 12 x 12, 98.84 with 1, 10,
      10 %; 99.03 with 1.5, 10, 10 %, and 99.10 after 100 epochs. There 98.99 with 1.5, 15, 15 %;
      99.13 if it is halved for the last 20 epochs, which is not more. 11 x 11: 98.99
    - longer training: 99.17 after 300 epochs, with the loss at 0.0285, after 100 at 0.0321
    - convolutional, 40 epochs: 99.52 with 20, 40, 64 channels and 2 bits (11,093 bytes), 99.51 with
      18, 32, 40 and 4 bits (11,610 bytes), 99.40 with 20, 40, 62, 2 bits and 2.5 pixels, 15
      degrees, 15 %

    The convolutional net misses its mark by 0.05 points, which is less than what the choice of the
    test images adds. 99.7 % of its augmented training images are right, so it is not short of
    weights alone. Not tried: distillation from a larger net; more than 50 epochs of it.

    The test images were looked at before all was chosen: a first run of the fully connected net,
    with 150 epochs, came to 99.02 % of them. After that the 300 epochs were tried, and taken for
    what they gave on the images that were held out; and so were the stronger movements of the
    convolutional net's images, which were not taken.
    """,
    net=net,
    arms=(
        Arm(
            "convolutional",
            {
                "convolutions": (20, 40, 62),
                "weight": "symmetric:bits=2,grid=even",
                "input": "uniform:3",
            },
            mark=99.55,
            bytes_mark=11_000,
        ),
        Arm(
            "fully connected",
            {
                "sizes": (144, 116, 60, 10),
                "weight": "symmetric:4",
                "input": "uniform:3",
            },
            mark=99.02,
            bytes_mark=12_300,
            recipe={
                "epochs": 300,
                "border": 4,
                "side": 12,
                "augment": {"shift": 1.5, "rotation": 10, "scale": 0.1},
            },
        ),
    ),
    recipe=Recipe(epochs=50, lr=4e-3, augment={"shift": 2, "rotation": 10, "scale": 0.1}),
    seeds=3,
)
