"""AVR, cycle by cycle, in simavr."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingToolError
from .image import Image
from .net import CNet
from .targets import Target
from .tools import C_SOURCES, require_command, run

CHIP, RAM_BYTES, GPIOR0 = "atmega1284p", 16384, 0x3E
HEADER, PACKAGES = "/usr/include/simavr/sim_avr.h", "libsimavr-dev libelf-dev"
DATA = 0x800000  # what the ELF adds to addresses of RAM
STATUS = {
    3: "the input is cut",
    4: f"the program crashed, as one does that needs more than the {RAM_BYTES:,} bytes of RAM",
    5: f"static data and stack need more than the {RAM_BYTES:,} bytes of RAM",
}


@dataclass(frozen=True, eq=False)
class AvrRuns:
    """What a net answered, and what it took.

    Attributes:
        classes: [samples] int32.
        sums: [samples, outputs] int32.
        cycles: [samples] int64, exact.
        stack: [samples] int64, bytes.
    """

    classes: NDArray[np.int32]
    sums: NDArray[np.int32]
    cycles: NDArray[np.int64]
    stack: NDArray[np.int64]


def run_avr(net: CNet, target: Target, inputs: NDArray[Any], *, optimize: str = "-O2") -> AvrRuns:
    """Run a net on an emulated ATmega1284P.

    Args:
        net: exported as C.
        target: "avr".
        inputs: [samples, ...] of the net's dtype.
        optimize: flag of the compiler.

    Raises:
        MissingToolError: if a compiler or simavr's library is not installed.
        BoardError: if the net cannot be compiled, does not fit into RAM, or crashes.
        ShapeError: if the inputs are not the net's.
    """
    rows = net.check_inputs(inputs)
    simulation = _Simulation(target, [net.source], net.flags(), net.outputs, net.input_bytes)
    table = simulation.run(rows.tobytes(), optimize)
    cycles, stack = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    return AvrRuns(table[:, 2].astype(np.int32), table[:, 3:].astype(np.int32), cycles, stack)


def selftest_avr(net: CNet, target: Target, *, optimize: str = "-O2") -> int:
    """Run a net's self-test; return 0 or the number of the first vector that differs.

    Raises:
        MissingToolError: as `run_avr`.
        BoardError: as `run_avr`.
    """
    # As a net of one byte, whose class is the result of the test.
    flags = [flag for flag in net.flags() if not flag.startswith(("-DINPUT", "-DOUTPUTS"))]
    flags += ["-DINPUT_TYPE=uint8_t", "-DINPUTS=1", "-DOUTPUTS=1", f"-DSELFTEST={net.selftest}"]
    sources = [net.source, net.test_source]
    simulation = _Simulation(target, sources, flags, outputs=1, input_bytes=1)
    return int(simulation.run(b"\0", optimize)[0, 2])


@dataclass(frozen=True)
class _Simulation:
    target: Target
    sources: Sequence[Path]
    flags: Sequence[str]
    outputs: int
    input_bytes: int

    def run(self, inputs: bytes, optimize: str) -> NDArray[np.int32]:
        """Return cycles, stack, class and sums of each input, a row each."""
        require_command(self.target.compiler, self.target.package)
        with tempfile.TemporaryDirectory() as folder:
            simulator = _simulator(Path(folder))
            image = self._build(Path(folder) / "net.elf", optimize)
            names = "board_input", "board_answer", "_end"
            given, answer, end = (str(image.address(name) - DATA) for name in names)
            areas = [given, str(self.input_bytes), answer, str(4 * (1 + self.outputs)), end]
            answers = run([simulator, image.path, CHIP, str(GPIOR0), *areas], inputs, STATUS)
        return np.frombuffer(answers, "<i4").reshape(-1, 3 + self.outputs)

    def _build(self, elf: Path, optimize: str) -> Image:
        c99 = ["-std=gnu99", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
        command = [self.target.compiler, *self.target.flags, optimize, *c99, *self.flags]
        run([*command, "-o", elf, C_SOURCES / "avr.c", *self.sources])
        return Image.read(elf)


def require_simavr() -> None:
    """Check that the simulator can be built.

    Raises:
        MissingToolError: if not; the message names the packages of Debian.
    """
    require_command("gcc", "gcc")
    if not Path(HEADER).exists():
        raise MissingToolError(f"there is no {HEADER} (Debian: apt-get install {PACKAGES})")


def _simulator(folder: Path) -> Path:
    require_simavr()
    program = folder / "simulate_avr"
    run(["gcc", "-O1", "-o", program, C_SOURCES / "simulate_avr.c", "-lsimavr", "-lelf"])
    return program
