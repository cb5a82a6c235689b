"""A processor in an emulator: functions of a program are called, their instructions counted."""

import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ..errors import BoardError
from .cycles import MODELS, Block, count_cycles
from .image import Image
from .instructions import Disassembler, Instruction, Kind
from .targets import Target
from .tools import require_module

# As in link.ld. What a caller hands over lies behind the stack: it is not the program's.
FLASH, FLASH_BYTES = 0x08000000, 1 << 20
RAM, STACK_TOP, HANDED_OVER, RAM_BYTES = 0x20000000, 0x20020000, 0x20020100, 1 << 22
RETURN, PAGE = 0x0F000000, 4096
STACK_BYTES = 0x8000
PAINT = b"\xa5"

Edges = Counter[tuple[int, int]]
Blocks = Counter[tuple[int, int]]
SECONDS = 300  # after which a function is stopped that does not return


@dataclass(frozen=True)
class Call:
    """What a call of a function gave, and what it took.

    Attributes:
        result: the signed 32 bits that it returned.
        instructions: how many ran, exactly.
        cycles: how many they take, by the model of the target.
        mix: how many of each kind.
        stack: bytes below the stack pointer of the caller that were written.

    Example:
        >>> call = Call(7, 1200, 1450, {}, 96)
        >>> call.result, call.cycles / call.instructions > 1
        (7, True)
    """

    result: int
    instructions: int
    cycles: int
    mix: dict[Kind, int]
    stack: int


class Machine:
    """A processor with a program in its flash.

    Args:
        image: the program, made by `qnn_core.boards.build`.
        target: what it was made for; not "avr", which `qnn_core.boards.avr` runs.
        model: name of another cycle model than the target's.

    Raises:
        MissingToolError: without unicorn or capstone.
        BoardError: if there is no such processor here, or too little RAM.

    Example:
        >>> target = find_target("m4")  # doctest: +SKIP
        >>> machine = Machine(build("f.elf", ["f.c"], target, ["twice"]), target)  # doctest: +SKIP
        >>> machine.call("twice", 21).result  # doctest: +SKIP
        42
    """

    def __init__(self, image: Image, target: Target, *, model: str | None = None) -> None:
        if target.core == "avr":
            raise BoardError(f"{target.name} is not run here; see qnn_core.boards.avr")
        if image.static > STACK_TOP - STACK_BYTES - RAM:
            raise BoardError(f"{image.path} has {image.static:,} bytes of static data")
        self.image = image
        self._model = MODELS[model or target.cycles]
        self._strict = target.strict
        self._processor = _Processor(target)
        self._read = Disassembler(target.core)
        self._instructions: dict[tuple[int, int], list[Instruction]] = {}
        self._free = HANDED_OVER
        for address, content in image.segments:
            self._processor.write(address, content)

    def hand_over(self, content: bytes, *, align: int = 8) -> int:
        """Put bytes into RAM and return their address; they count neither as static nor as stack.

        Raises:
            BoardError: if RAM is full.
        """
        address = -(-self._free // align) * align
        self._free = address + len(content)
        if self._free > RAM + RAM_BYTES:
            raise BoardError(f"no RAM is left for {len(content)} bytes")
        self._processor.write(address, content)
        return address

    def write(self, address: int, content: bytes) -> None:
        """Change memory."""
        self._processor.write(address, content)

    def read(self, address: int, size: int) -> bytes:
        """Return bytes of memory."""
        return self._processor.read(address, size)

    def call(self, name: str, *arguments: int) -> Call:
        """Call a function and count what it does.

        Args:
            name: of the function.
            arguments: integers or addresses, of 32 bits each.

        Raises:
            BoardError: if there is no such function, it faults, uses more than 32 KiB of stack, or
                does not return.
        """
        blocks, edges = Blocks(), Edges()
        last = 0

        def count(_: Any, address: int, size: int, __: Any) -> None:
            nonlocal last
            blocks[address, size] += 1
            edges[last, address] += 1
            last = address

        with self._processor.hooked("UC_HOOK_BLOCK", count):
            result, stack = self._run(name, arguments)
        counted = list(self._blocks(blocks, edges))
        mix: Counter[Kind] = Counter()
        for block in counted:
            for instruction in block.instructions:
                mix[instruction.kind] += block.runs
        cycles = count_cycles(self._model, counted)
        return Call(result, mix.total(), cycles, dict(mix), stack)

    def check(self, name: str, *arguments: int) -> int:
        """Call a function, watch every access to memory, and return its result.

        Raises:
            BoardError: as `call`, or if a word or half word is not aligned where that is a
                fault, or the function writes
                to what is neither its stack, its data nor handed over.
        """
        faults: list[str] = []

        def watch(_: Any, kind: int, address: int, size: int, *__: Any) -> None:
            self._watch(faults, kind, address, size)

        # Unicorn 2.1 runs some code of a Cortex-M4 wrongly while writes are watched, hooks that do
        # nothing included: there, memory that is not its own is compared afterwards.
        watched = ["UC_HOOK_MEM_READ"] + ["UC_HOOK_MEM_WRITE"] * self._strict
        before = self._not_its_own()
        with ExitStack() as hooks:
            for hook in watched:
                hooks.enter_context(self._processor.hooked(hook, watch))
            result, _ = self._run(name, arguments)
        if not self._strict:
            faults += self._changed(name, before)
        if faults:
            raise BoardError(f"{name}: {faults[0]}, and {len(faults) - 1} more such accesses")
        return result

    def _not_its_own(self) -> dict[int, bytes]:
        """Return memory that no function may write to, by its address: behind stack and inputs."""
        ends = (STACK_TOP, HANDED_OVER), (self._free, RAM + RAM_BYTES)
        return {start: self._processor.read(start, end - start) for start, end in ends}

    def _changed(self, name: str, before: dict[int, bytes]) -> Iterator[str]:
        for start, content in before.items():
            now = self._processor.read(start, len(content))
            for at, (old, new) in enumerate(zip(content, now, strict=True)):
                if old != new:
                    yield f"{name} writes 1 bytes at 0x{start + at:08x}, which are not its own"

    def _run(self, name: str, arguments: tuple[int, ...]) -> tuple[int, int]:
        """Run a function; return its result and the bytes of stack that it used."""
        # Far more than is allowed: a program that uses too much need not write to all of it.
        bottom = RAM + self.image.static
        painted = STACK_TOP - bottom
        self._processor.write(bottom, PAINT * painted)
        try:
            result = self._processor.call(self.image.address(name), arguments)
        except self._processor.fault as error:
            place = self.image.function_at(self._processor.program_counter())
            raise BoardError(f"{name} fails in {place}: {error}") from error
        stack = len(self._processor.read(bottom, painted).lstrip(PAINT))
        if stack > STACK_BYTES:
            raise BoardError(f"{name} needs more than {STACK_BYTES:,} bytes of stack")
        return result, stack

    def _blocks(self, blocks: Blocks, edges: Edges) -> Iterator[Block]:
        """Yield what ran: a block runs as often as it was entered."""
        ends = {address: address + size for address, size in blocks}
        taken: Counter[int] = Counter()
        for (source, destination), times in edges.items():
            if source in ends and ends[source] != destination:
                taken[source] += times
        for (address, size), runs in blocks.items():
            if address != RETURN:
                yield Block(self._instructions_at(address, size), runs, taken[address])

    def _instructions_at(self, address: int, size: int) -> list[Instruction]:
        key = address, size
        if key not in self._instructions:
            code = self._processor.read(address, size)
            self._instructions[key] = self._read.read(code, address)
        return self._instructions[key]

    def _watch(self, faults: list[str], kind: int, address: int, size: int) -> None:
        """Note what is wrong with an access to memory."""
        writes = kind == self._processor.writes
        crooked = self._strict and address % size != 0
        if not crooked and (not writes or self._is_writable(address, size)):
            return
        wrong = "which are not aligned" if crooked else "which are not its own"
        place = self.image.function_at(self._processor.program_counter())
        does = "writes" if writes else "reads"
        faults.append(f"{place} {does} {size} bytes at 0x{address:08x}, {wrong}")

    def _is_writable(self, address: int, size: int) -> bool:
        areas = (
            (RAM, RAM + self.image.static),
            (STACK_TOP - STACK_BYTES, STACK_TOP),
            (HANDED_OVER, self._free),
        )
        return any(start <= address and address + size <= end for start, end in areas)


class _Processor:
    """Unicorn's, with registers by their meaning in a call."""

    def __init__(self, target: Target) -> None:
        unicorn = require_module("unicorn")
        self._unicorn = unicorn
        self.fault: type[Exception] = unicorn.UcError
        self.writes: int = unicorn.UC_MEM_WRITE
        if target.core == "arm":
            names = require_module("unicorn.arm_const")
            mode = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, mode)
            model = "UC_CPU_ARM_CORTEX_M4" if target.name == "m4" else "UC_CPU_ARM_CORTEX_M0"
            self._uc.ctl_set_cpu_model(getattr(names, model))
            registers = [
                f"UC_ARM_REG_{name}" for name in ("R0", "R1", "R2", "R3", "SP", "LR", "PC")
            ]
            self._thumb = 1
        else:
            names = require_module("unicorn.riscv_const")
            self._uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            # RV32E passes six arguments in registers, RV32I eight; no more than six are given.
            arguments = [f"A{number}" for number in range(6)]
            registers = [f"UC_RISCV_REG_{name}" for name in (*arguments, "SP", "RA", "PC")]
            self._thumb = 0
        found = [getattr(names, register) for register in registers]
        *self._arguments, self._stack, self._link, self._counter = found
        for base, size in ((FLASH, FLASH_BYTES), (RAM, RAM_BYTES), (RETURN, PAGE)):
            self._uc.mem_map(base, size)

    def write(self, address: int, content: bytes) -> None:
        self._uc.mem_write(address, bytes(content))

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._uc.mem_read(address, size))

    def program_counter(self) -> int:
        return int(self._uc.reg_read(self._counter)) & ~1

    def hooked(self, kind: str, hook: Callable[..., None]) -> "_Hook":
        return _Hook(self._uc, getattr(self._unicorn, kind), hook)

    def call(self, address: int, arguments: tuple[int, ...]) -> int:
        """Run until the function returns; return what it returns."""
        words = [argument & 0xFFFFFFFF for argument in arguments]
        count = len(self._arguments)
        for register, word in zip(self._arguments, words, strict=False):
            self._uc.reg_write(register, word)
        self._uc.mem_write(STACK_TOP, struct.pack(f"<{len(words[count:])}I", *words[count:]))
        self._uc.reg_write(self._stack, STACK_TOP)
        self._uc.reg_write(self._link, RETURN | self._thumb)
        self._uc.emu_start(address | self._thumb, RETURN, timeout=SECONDS * 1_000_000)
        if self.program_counter() != RETURN:
            raise BoardError(f"the function does not return within {SECONDS} s")
        (result,) = struct.unpack("<i", struct.pack("<I", self._uc.reg_read(self._arguments[0])))
        return int(result)


class _Hook:
    """What Unicorn calls within a ``with`` statement."""

    def __init__(self, uc: Any, kind: int, hook: Callable[..., None]) -> None:
        self._uc, self._kind, self._hook = uc, kind, hook

    def __enter__(self) -> None:
        self._handle = self._uc.hook_add(self._kind, self._hook)

    def __exit__(self, *_: object) -> None:
        self._uc.hook_del(self._handle)
