"""A line of the table of nets on emulated microcontrollers, and how a peer's program gets one."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from qnn_core.boards import Machine, build, find_target

# Headers of a C library, which is not installed: what peers use of them when they are measured.
HEADERS = {
    "stdio.h": "int printf(const char *, ...);\n",
    "string.h": "#include <stddef.h>\nvoid *memset(void *, int, size_t);\n"
    "void *memcpy(void *, const void *, size_t);\n",
}


@dataclass(frozen=True)
class Row:
    """What a net costs on a target.

    Attributes:
        net: what it is.
        target: name of the target.
        optimize: flag of the compiler.
        flash: bytes.
        ram: bytes: static data, scratch and stack, without the input.
        instructions: of an image, the mean; None on AVR.
        cycles: of an image, the mean, by the model of the target.
    """

    net: str
    target: str
    optimize: str
    flash: int
    ram: int
    instructions: float | None
    cycles: float


@dataclass(frozen=True)
class Program:
    """A peer's program: one function takes the address of an input and returns a class.

    Attributes:
        net: what it is.
        function: its name.
        sources: C files.
        flags: of the compiler.
        headers: texts of more headers, by name.
    """

    net: str
    function: str
    sources: Sequence[Path]
    flags: Sequence[str]
    headers: Mapping[str, str]

    def measure(self, target: str, optimize: str, inputs: Sequence[bytes]) -> tuple[Row, list[int]]:
        """Run some inputs; return the row and the classes."""
        board = find_target(target)
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (HEADERS | dict(self.headers)).items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            elf = Path(folder) / "peer.elf"
            flags = [f"-I{folder}", "-w", *self.flags]
            image = build(elf, self.sources, board, [self.function], optimize=optimize, flags=flags)
            machine = Machine(image, board)
        place = machine.hand_over(bytes(len(inputs[0])))
        calls = []
        for content in inputs:
            machine.write(place, content)
            calls.append(machine.call(self.function, place))
        row = Row(
            self.net,
            target,
            optimize,
            image.flash,
            image.static + max(call.stack for call in calls),
            mean(call.instructions for call in calls),
            mean(call.cycles for call in calls),
        )
        return row, [call.result for call in calls]
