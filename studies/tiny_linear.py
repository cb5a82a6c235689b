"""The best fully connected net that fits into a file of 12.3 kB."""

from functools import partial
from typing import Any

import qnn_core as qnn
from _study.images import digits
from _study.plan import USUAL, Study
from qnn_compare import Config, Target
from tiny_convolutional import PIXELS


def net(*, weight: Any, input: Any, seed: int) -> qnn.Sequential:
    """Return 144-116-60-10 with batch normalization, the last layer quantized as the others."""
    return qnn.MLP(
        [144, 116, 60, 10],
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
    name="tiny_linear",
    title="MNIST in 12.3 kB without convolutions",
    about="""
    The target counts the whole file that `qnn.pack` writes: codes, thresholds, scales, the graph
    and the header of the file.

    The net, 144-116-60-10, takes the 20 x 20 pixels in the middle, shrunk to 12 x 12, linearly and
    without aliasing. All its weights have 4 bits (-7 to 7), pixels 4, other inputs 3. All scales
    are learned, one for a tensor. Batch normalization is float in training, and thresholds on
    integers when packed. The training images are shifted, turned and scaled at random, each time in
    another way.

    The target is that of BitNetMCU, with augmentation: a fully connected net of 12.3 kB, 99.02 %.
    Its 12.3 are 12,608 bytes of weights alone.
    """,
    notes="""
    Codes of 4 bits are stored deflated: trained weights are rarely large, and 4 to 8 % are saved.

    What was tried, with 50,000 training images, measured on the other 10,000, one seed each, so
    that 0.1 points are chance:

    - all of the image at 16 x 16, 40 epochs, shifts by 1 pixel, turns by 8
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

    The test images were looked at before all was chosen: a first run, with 150 epochs, came to
    99.02 % of them. After that the 300 epochs were tried, and taken for what they gave on the
    images that were held out.
    """,
    build=net,
    configs=(
        Config(
            "fully connected",
            weight="symmetric:4",
            input="uniform:3",
            target=Target(accuracy=0.9902, nbytes=12_300),
        ),
    ),
    data=partial(digits, border=4, side=12, augment={"shift": 1.5, "rotation": 10, "scale": 0.1}),
    recipe={**USUAL, "epochs": 300, "lr": 4e-3},
)
