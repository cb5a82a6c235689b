"""BitNetMCU's nets on emulated microcontrollers: a checkout of github.com/cpldcpu/BitNetMCU."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from _boards_row import Program, Row

NETS = {
    "BitNetMCU FC 12k, W4": "BitNetMCU_model_12k.h",
    "BitNetMCU CNN 64": "BitNetMCU_model_cnn_64.h",
}
IMAGE = re.compile(r"^const int8_t input_data_(\d+)\[256\] = \{(.*?)\};", re.MULTILINE)
LABEL = re.compile(r"^const uint8_t label_\d+ = (\d+);", re.MULTILINE)
MACROS = {"rv32ec": ["-DCH32V003"]}  # its code without multiplications


def bitnetmcu(checkout: Path, targets: Sequence[str], levels: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each net, target and level of optimization.

    The inputs are the three images of its demo; it must know their labels.
    """
    images, labels = demo(checkout)
    for net, model in NETS.items():
        for target in targets:
            for level in levels:
                program = Program(
                    net,
                    "BitMnistInference",
                    [checkout / "BitNetMCU_MNIST_dll.c"],
                    ["-std=gnu99", f"-I{checkout}", *MACROS.get(target, [])],
                    {"BitNetMCU_model.h": f'#include "{checkout.resolve()}/mcu/{model}"\n'},
                )
                row, classes = program.measure(target, level, images)
                if classes != labels:
                    raise ArithmeticError(f"{net} on {target} takes {labels} for {classes}")
                yield row


def demo(checkout: Path) -> tuple[list[bytes], list[int]]:
    """Return the images of its demo, and their labels."""
    text = (checkout / "mcu" / "BitNetMCUdemo.c").read_text(encoding="utf-8")
    images = [
        bytes(int(float(number)) & 0xFF for number in numbers.split(","))
        for _, numbers in IMAGE.findall(text)
    ]
    return images, [int(label) for label in LABEL.findall(text)]
