"""The best fully connected net that fits into a file of 12.3 kB."""

from functools import partial
from typing import Any

import qnn_core as qnn
from _study.images import digits
from _study.plan import USUAL, Study
from _study.teacher import teacher
from qnn_compare import Config, Target
from tiny_convolutional import PIXELS


def net(*, weight: Any, input: Any, seed: int, kind: str = "mlp") -> qnn.Sequential:
    """Return 144-118-60-10 with batch normalization, all layers quantized alike, or a teacher."""
    if kind == "teacher":
        return teacher(seed=seed, side=12)
    return qnn.MLP(
        [144, 118, 60, 10],
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

    The net, 144-118-60-10, takes the 20 x 20 pixels in the middle, shrunk to 12 x 12, linearly and
    without aliasing. All its weights have 4 bits (-7 to 7), pixels 4, other inputs 3. All scales
    are learned, one for a tensor. Batch normalization is float in training, and thresholds on
    integers when packed. The training images are shifted, turned and scaled at random, each time in
    another way.

    It learns from a teacher as well: a float convolutional net of 68,000 weights, which sees the
    same 12 x 12 pixels, moved alike. Nine tenths of the loss are the distance to the teacher's
    probabilities (Hinton et al. 2015, temperature 1), one tenth that to the labels.

    The target is above that of BitNetMCU, with augmentation: a fully connected net of 12.3 kB,
    99.02 %. Its 12.3 are 12,608 bytes of weights alone.
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
    - a teacher, 40 epochs: 98.86 without one (98.27 of the moved training images right), 98.92 at
      temperature 4 and half of the loss (98.02), 99.00 at temperature 1 and nine tenths (98.31),
      which was taken. The teacher has 99.36 after 15 epochs; one of twice the work 99.40
    - ternary weights (144-240-80-10, 13.0 kB), 40 epochs, no teacher: 98.56

    Two hidden outputs more than before, 118, take up bytes that were left.

    It misses its target by 0.04 points, and is 0.06 above the net without a teacher, which had 300
    epochs: both are less than what the choice of the test images adds. 98.8 % of the moved training
    images are right, so it is short of weights, or of bits. Not tried: more than 200 epochs with a
    teacher, a start with a float net, other uses of the bytes with a teacher.

    The test images were looked at before, in studies of this net without a teacher: a first run,
    with 150 epochs, came to 99.02 % of them; 144-116-60-10 after 300 epochs, three seeds, to 99.10
    (99.04 to 99.15), with 11,979 bytes.
    """,
    build=net,
    configs=(
        Config("teacher", kind="teacher", recipe={"epochs": 15}),
        Config(
            "fully connected",
            weight="symmetric:4",
            input="uniform:3",
            teacher="teacher",
            recipe={"temperature": 1, "teacher_weight": 0.9},
            target=Target(accuracy=0.9920, nbytes=12_300),
        ),
    ),
    data=partial(digits, border=4, side=12, augment={"shift": 1.5, "rotation": 10, "scale": 0.1}),
    recipe={**USUAL, "epochs": 200, "lr": 4e-3},
    seeds=2,
)
