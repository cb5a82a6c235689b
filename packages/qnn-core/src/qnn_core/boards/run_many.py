"""Many inputs, in seconds: a net's code for a target, as a program of its own in QEMU."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BoardError
from .avr import run_avr
from .net import CNet
from .targets import Target
from .tools import C_SOURCES, require_command, run

EMULATORS = {"arm": "qemu-arm", "riscv": "qemu-riscv32"}
# Nothing sets the register that relaxed addresses of RISC-V are relative to.
LINK = {"arm": (), "riscv": ("-Wl,--no-relax",)}
BARE = ("-ffreestanding", "-fno-builtin", "-nostdlib", "-fno-tree-loop-distribute-patterns")

Answers = tuple[NDArray[np.int32], NDArray[np.int32]]


def run_many(net: CNet, target: Target, inputs: NDArray[Any], *, optimize: str = "-O2") -> Answers:
    """Return what a net's code answers on a target, for many inputs.

    On Arm and RISC-V the code that was compiled for the microcontroller runs in QEMU under
    Linux, at nearly the speed of this machine; on AVR it runs in simavr, slowly.

    Args:
        net: exported as C.
        target: what to compile for.
        inputs: [samples, ...] of the net's dtype.
        optimize: flag of the compiler.

    Returns:
        classes: [samples] int32.
        sums: [samples, outputs] int32.

    Raises:
        MissingToolError: if a compiler or emulator is not installed.
        BoardError: if the code cannot be compiled, or fails.
        ShapeError: if the inputs are not the net's.

    Example:
        >>> net, target = CNet.find("digits"), find_target("m4")  # doctest: +SKIP
        >>> classes, sums = run_many(net, target, images)  # doctest: +SKIP
        >>> classes.shape, sums.shape  # doctest: +SKIP
        ((1000,), (1000, 10))
    """
    rows = net.check_inputs(inputs)
    if target.core == "avr":
        runs = run_avr(net, target, rows, optimize=optimize)
        return runs.classes, runs.sums
    emulator = EMULATORS[target.core]
    require_command(target.compiler, target.package)
    require_command(emulator, "qemu-user")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "net"
        flags = ["-std=gnu99", optimize, *BARE, *LINK[target.core], *net.flags()]
        sources = [C_SOURCES / "linux.c", net.source, C_SOURCES / "support.c"]
        run([target.compiler, *target.flags, *flags, "-o", program, *sources, "-lgcc"])
        answers = np.frombuffer(run([emulator, program], rows.tobytes()), "<i4")
    if answers.size != len(rows) * (1 + net.outputs):
        raise BoardError(f"{net.name} on {target.name} answered {answers.size} numbers")
    table = answers.reshape(len(rows), 1 + net.outputs).astype(np.int32)
    return table[:, 0], table[:, 1:]
