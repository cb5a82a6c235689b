"""A depthwise-separable net of CMSIS-NN's int8 kernels.

It needs a checkout of github.com/ARM-software/CMSIS-NN. The net:

28x28x1 -> 3x3, stride 2, 16 channels -> twice (depthwise 3x3, pointwise to 16) -> depthwise 3x3,
stride 2, pointwise to 32 -> mean -> 10. Weights are random: these kernels take as long for any.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from _boards_row import Program, Row

NET = "CMSIS-NN depthwise-separable CNN, int8"
WEIGHTS = {
    "conv": 9 * 16, "depthwise_1": 9 * 16, "pointwise_1": 16 * 16, "depthwise_2": 9 * 16,
    "pointwise_2": 16 * 16, "depthwise_3": 9 * 16, "pointwise_3": 16 * 32, "linear": 32 * 10,
}  # fmt: skip
ROOMS = ("ConvolutionFunctions", "PoolingFunctions", "FullyConnectedFunctions")
HERE = Path(__file__).parent


def cmsis_nn(checkout: Path, levels: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each level of optimization, on a Cortex-M4, which the kernels are for."""
    rng = np.random.default_rng(0)
    images = [rng.integers(-128, 128, 784, np.int8).tobytes() for _ in range(3)]
    program = Program(
        NET,
        "depthwise_predict",
        [HERE / "boards_cmsis_nn.c", *kernels(checkout)],
        # Hosted: its kernels read words by memcpy, which is to be a load.
        ["-std=gnu11", "-fhosted", f"-I{checkout / 'Include'}"],
        {"weights.h": weights(rng)},
    )
    for level in levels:
        row, classes = program.measure("m4", level, images)
        if min(classes) < 0:
            raise ArithmeticError(f"{NET}: layer {-min(classes)} refuses")
        yield row


def kernels(checkout: Path) -> list[Path]:
    """Return the C files that an int8 net may need."""
    source = checkout / "Source"
    found = [path for room in ROOMS for path in sorted((source / room).glob("*s8*.c"))]
    support = sorted((source / "NNSupportFunctions").glob("*.c"))
    return found + [path for path in support if not path.stem.endswith(("f16", "f32", "flt"))]


def weights(rng: np.random.Generator) -> str:
    """Return a header of random weights."""
    lines = []
    for name, size in WEIGHTS.items():
        numbers = ", ".join(str(number) for number in rng.integers(-127, 128, size))
        lines.append(f"static const int8_t {name}_weights[{size}] = {{{numbers}}};\n")
    return "".join(lines)
