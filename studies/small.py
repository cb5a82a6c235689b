"""The fully connected net of BitNetMCU: 64-64-64 on images of 16 x 16, weights of 1 to 8 bits."""

from functools import partial
from typing import Any

import qnn_core as qnn
from _study.images import digits
from _study.plan import USUAL, Study
from deep import ONE_BIT
from qnn_compare import Config, Target


def net(*, weight: Any, input: Any, **options: Any) -> qnn.Sequential:
    """Return 256-64-64-64-10 with batch normalization, the last layer quantized as the others.

    Args:
        weight: the quantizer of all weights.
        input: that of all inputs.
        options: more of `qnn.MLP`.
    """
    quantized: dict[str, Any] = {"weight": weight, "input": input}
    last: dict[str, Any] = {"last_weight": weight, "last_input": input}
    return qnn.MLP([256, 64, 64, 64, 10], batch_norm=True, **quantized, **last, **options)


def _config(bits: int, weight: str, accuracy: float, **options: Any) -> Config:
    target = Target(accuracy=accuracy)
    return Config(f"W{bits}", weight=weight, input="uniform:8", target=target, **options)


STUDY = Study(
    name="small",
    title="MNIST at 16 x 16 pixels, 256-64-64-64-10, weights of 1 to 8 bits",
    about="""
    The weights of all four layers have 1, 2, 4 or 8 bits, the inputs of all of them 8 bits. One
    bit is -1 and 1, its latent weights kept within -0.2 and 0.2; two bits are -3, -1, 1, 3; four
    and eight bits are the odd grid, -7 to 7 and -127 to 127. All scales are learned, one for a
    tensor, but for those of one-bit weights: mean|w|, at every step. Biases and batch
    normalization are float in training, and thresholds on integers when packed. The images are
    shrunk from 28 x 28 to 16 x 16, linearly and without aliasing; they are not augmented.

    The marks are what BitNetMCU's logs give for the same widths, weights and epochs: 96.93, 97.86,
    97.98 and 98.05 %, each of one run (its float net: 98.14). It normalizes by the root of the
    mean square where this has batch normalization.
    """,
    notes="""
    A first run of W1 had learned scales of the weights and came to 11.35 %, chance: see ONE_BIT in
    studies/deep.py. The others are first runs.

    Bytes are those of files of version 1; files of version 2 are smaller
    (docs/adr/0026-packed-files-are-two-tensors.md).
    """,
    build=net,
    configs=(
        _config(8, "symmetric:8", 0.981),
        _config(4, "symmetric:4", 0.98),
        _config(2, "symmetric:bits=2,grid=even", 0.979),
        _config(1, ONE_BIT, 0.969, weight_bounds=(-0.2, 0.2)),
    ),
    data=partial(digits, batch_size=200, side=16),
    recipe={**USUAL, "epochs": 30, "lr": 4e-3},
)
