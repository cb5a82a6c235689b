"""What a net costs on a target, and whether its code is right there."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .avr import run_avr, selftest_avr
from .build import build
from .image import Image
from .machine import Call, Machine
from .net import CNet
from .targets import Target, find_target

WARNINGS = ("-Wall", "-Wextra")


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a net costs on a target.

    Attributes:
        target: name of the target.
        flash: bytes: code, tables and constants of what predicts, nothing else.
        static: bytes of RAM that are taken all the time.
        scratch: bytes of RAM that the caller lends.
        stack: bytes, the most of all inputs.
        instructions: [samples] int64, exact; None on AVR, where cycles are.
        cycles: [samples] int64, by the model of the target; exact on AVR.
        classes: [samples] int32.
        sums: [samples, outputs] int32.

    Example:
        >>> none = np.zeros(0, np.int32)
        >>> m = Measurement("m4", 18480, 0, 1900, 180, None, np.array([424_000]), none, none)
        >>> m.ram
        2080
    """

    target: str
    flash: int
    static: int
    scratch: int
    stack: int
    instructions: NDArray[np.int64] | None
    cycles: NDArray[np.int64]
    classes: NDArray[np.int32]
    sums: NDArray[np.int32]

    @property
    def ram(self) -> int:
        """Bytes of RAM in all, without the input."""
        return self.static + self.scratch + self.stack


def measure(
    folder: str | Path,
    target: str,
    inputs: NDArray[Any],
    *,
    name: str | None = None,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
) -> Measurement:
    """Run a net that was exported as C on an emulated target, and measure it.

    Takes about a second an image; `qnn_core.boards.run_many` answers for many, and does not count.

    Args:
        folder: with NAME.h and NAME.c.
        target: name of the target; see `TARGETS`.
        inputs: [samples, ...] of the net's dtype.
        name: of the net, where the folder has several.
        optimize: flag of the compiler.
        flags: more of them.

    Raises:
        MissingToolError: if a compiler or emulator is not installed; the message says which.
        BoardError: if the code cannot be compiled, faults, or uses memory that it was not given.
        ShapeError: if the inputs are not the net's.
        SpecError: if there is no such target.

    Example:
        >>> m = measure("digits", "m4", images)  # doctest: +SKIP
        >>> m.flash, m.ram, m.instructions.mean()  # doctest: +SKIP
        (18480, 2080, 346991.0)
    """
    board, net = find_target(target), CNet.find(folder, name)
    rows = net.check_inputs(inputs)
    with tempfile.TemporaryDirectory() as temporary:
        builder = _Builder(net, board, Path(temporary), optimize, flags)
        # One function alone: the other one and the self-test would count as its flash.
        image = builder.build(net.predict)
        sizes = image.flash, image.static, net.scratch
        if board.core == "avr":
            runs = run_avr(net, board, rows, optimize=optimize)
            stack = int(runs.stack.max(initial=0))
            return Measurement(target, *sizes, stack, None, runs.cycles, runs.classes, runs.sums)
        calls = _Caller(net, Machine(image, board)).predict(rows)
        sums = np.zeros((len(rows), 0), np.int32)
        if net.has_sums:
            sums = _Caller(net, Machine(builder.build(net.sums), board)).sums(rows)
    return Measurement(
        target,
        *sizes,
        max((call.stack for call in calls), default=0),
        np.array([call.instructions for call in calls], np.int64),
        np.array([call.cycles for call in calls], np.int64),
        np.array([call.result for call in calls], np.int32),
        sums,
    )


def selftest(
    folder: str | Path,
    target: str,
    *,
    name: str | None = None,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
) -> int:
    """Run the self-test of a net that was exported as C on an emulated target.

    On Arm and RISC-V every access to memory is watched.

    Returns:
        0, or the number of the first test vector that differs.

    Raises:
        MissingToolError: as `measure`.
        BoardError: as `measure`; and if it accesses a word that is not aligned, or writes to what
            is not its own.
        SpecError: if there is no such target.

    Example:
        >>> selftest("digits", "m4")  # doctest: +SKIP
        0
    """
    board, net = find_target(target), CNet.find(folder, name)
    if board.core == "avr":
        return selftest_avr(net, board, optimize=optimize)
    with tempfile.TemporaryDirectory() as temporary:
        builder = _Builder(net, board, Path(temporary), optimize, flags)
        machine = Machine(builder.build(net.selftest, net.test_source), board)
        return machine.check(net.selftest, machine.hand_over(bytes(net.scratch)))


@dataclass(frozen=True)
class _Builder:
    """Builds a net for a target, in a folder, with one function at a time as its entry."""

    net: CNet
    target: Target
    folder: Path
    optimize: str
    flags: Sequence[str]

    def build(self, entry: str, *more_sources: Path) -> Image:
        sources = [self.net.source, *more_sources]
        flags = [*WARNINGS, *self.flags]
        elf = self.folder / f"{entry}.elf"
        return build(elf, sources, self.target, [entry], optimize=self.optimize, flags=flags)


class _Caller:
    """A net on a machine, with memory for its input, its scratch and its sums."""

    def __init__(self, net: CNet, machine: Machine) -> None:
        self._net, self._machine = net, machine
        self._input = machine.hand_over(bytes(net.input_bytes))
        self._scratch = machine.hand_over(bytes(net.scratch))
        self._sums = machine.hand_over(bytes(4 * net.outputs))

    def predict(self, rows: NDArray[Any]) -> list[Call]:
        return [self._call(row, self._net.predict, self._scratch) for row in rows]

    def sums(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Return [samples, outputs] int32."""
        table = np.empty((len(rows), self._net.outputs), np.int32)
        for row, sums in zip(rows, table, strict=True):
            self._call(row, self._net.sums, self._sums, self._scratch)
            sums[:] = np.frombuffer(self._machine.read(self._sums, sums.nbytes), "<i4")
        return table

    def _call(self, row: NDArray[Any], function: str, *arguments: int) -> Call:
        self._machine.write(self._input, row.tobytes())
        return self._machine.call(function, self._input, *arguments)
