"""What kind of instruction each is, as far as cycles and the mix of a program depend on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .tools import require_module

Kind = Literal[
    "load",
    "store",
    "branch",
    "jump",
    "call",
    "push",
    "pop",
    "pop pc",
    "multiply",
    "divide",
    "other",
]

EQUAL_OR_SIGN = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc")
ORDER = ("hi", "ls", "ge", "lt", "gt", "le", "hs", "lo")

# Whole names; else the first name that one begins with; else it is another instruction.
ARM_NAMES: dict[str, Kind] = {
    **{f"b{condition}": "branch" for condition in EQUAL_OR_SIGN + ORDER},
    **dict.fromkeys(("cbz", "cbnz"), "branch"),
    **dict.fromkeys(("b", "bx", "tbb", "tbh"), "jump"),
    **dict.fromkeys(("bl", "blx"), "call"),
}
ARM_BEGINNINGS: dict[str, Kind] = {
    **dict.fromkeys(("ldr", "vldr"), "load"),
    **dict.fromkeys(("str", "vstr"), "store"),
    **dict.fromkeys(("push", "vpush", "stm"), "push"),
    **dict.fromkeys(("pop", "vpop", "ldm"), "pop"),
    **dict.fromkeys(("udiv", "sdiv"), "divide"),
    **dict.fromkeys(("mul", "mla", "mls", "sml", "smu", "smm", "uml", "umu", "umaal"), "multiply"),
}
RISCV_NAMES: dict[str, Kind] = {
    **dict.fromkeys(("lb", "lbu", "lh", "lhu", "lw", "lwsp"), "load"),
    **dict.fromkeys(("sb", "sh", "sw", "swsp"), "store"),
    **dict.fromkeys(("j", "jr", "ret"), "jump"),
    **dict.fromkeys(("jal", "jalr"), "call"),
}
RISCV_BEGINNINGS: dict[str, Kind] = {
    **dict.fromkeys(("beq", "bne", "blt", "bge", "bgt", "ble"), "branch"),
    "mul": "multiply",
    **dict.fromkeys(("div", "rem"), "divide"),
}


@dataclass(frozen=True)
class Instruction:
    """An instruction as cycle models see it.

    Attributes:
        kind: what it does; "push" and "pop" are of several registers, on the stack or elsewhere.
        registers: how many it loads or stores.
    """

    kind: Kind
    registers: int = 1


class Disassembler:
    """Reads instructions; blocks that were read are kept.

    Args:
        core: "arm" (Thumb) or "riscv" (32 bits, with compressed instructions).

    Raises:
        MissingToolError: without capstone.
    """

    def __init__(self, core: str) -> None:
        cs = require_module("capstone")
        self._core = core
        if core == "arm":
            self._reader = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS)
        else:
            self._reader = cs.Cs(cs.CS_ARCH_RISCV, cs.CS_MODE_RISCV32 | cs.CS_MODE_RISCVC)
        self._reader.detail = True

    def read(self, code: bytes, address: int) -> list[Instruction]:
        """Return the instructions of bytes of code that lie at an address."""
        classify = _arm if self._core == "arm" else _riscv
        return [classify(instruction) for instruction in self._reader.disasm(code, address)]


def _arm(instruction: Any) -> Instruction:
    name = instruction.mnemonic.partition(".")[0]
    kind = _kind(name, ARM_NAMES, ARM_BEGINNINGS)
    if kind in ("push", "pop"):
        # A base that is no stack pointer is an operand too.
        registers = len(instruction.operands) - name.startswith(("ldm", "stm"))
        return Instruction("pop pc" if "pc" in instruction.op_str else kind, registers)
    writes_pc = kind == "other" and instruction.op_str.startswith("pc,")
    return Instruction("jump" if writes_pc else kind)


def _riscv(instruction: Any) -> Instruction:
    name = instruction.mnemonic.removeprefix("c.")
    return Instruction(_kind(name, RISCV_NAMES, RISCV_BEGINNINGS))


def _kind(name: str, names: Mapping[str, Kind], beginnings: Mapping[str, Kind]) -> Kind:
    other: Kind = "other"
    begins = (kind for beginning, kind in beginnings.items() if name.startswith(beginning))
    return names[name] if name in names else next(begins, other)
