"""The microcontrollers that code is built for and run as: one table."""

from dataclasses import dataclass
from typing import Literal

from ..errors import SpecError, nearest


@dataclass(frozen=True)
class Target:
    """A kind of processor: what compiles for it, and what stands in for it.

    Attributes:
        name: as users say it.
        about: which chips have it.
        core: which emulator runs it, and how its instructions are read.
        compiler: the command.
        flags: of the compiler: the instruction set.
        cycles: name of the cycle model; see `qnn_core.boards.cycles`.
        package: of Debian, with the compiler and what it needs.
        strict: whether a word at an address that 4 does not divide is a fault.

    Example:
        >>> m0 = TARGETS["m0"]
        >>> m0.about, m0.core, m0.compiler
        ('Cortex-M0+: RP2040, SAMD21', 'arm', 'arm-none-eabi-gcc')
    """

    name: str
    about: str
    core: Literal["arm", "riscv", "avr"]
    compiler: str
    flags: tuple[str, ...]
    cycles: str
    package: str
    strict: bool = True

    @property
    def standard(self) -> str:
        """The flag for C99; on AVR with GNU's words, of which ``__flash`` is one."""
        return "-std=gnu99" if self.core == "avr" else "-std=c99"


ARM = "arm-none-eabi-gcc", "gcc-arm-none-eabi"
RISCV = "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf"
AVR = "avr-gcc", "gcc-avr avr-libc"


def _riscv(name: str, about: str, *flags: str) -> Target:
    return Target(name, about, "riscv", RISCV[0], flags, "qingke-v2", RISCV[1])


def _arm(name: str, about: str, cycles: str, *flags: str) -> Target:
    # ARMv7-M loads single words from anywhere; ARMv6-M does not.
    strict = cycles == "cortex-m0+"
    return Target(name, about, "arm", ARM[0], ("-mthumb", *flags), cycles, ARM[1], strict)


# GCC 12 knows no Zmmul, a multiplier without a divider: that is M with -mno-div.
_ALL = (
    _riscv("rv32ec", "RV32EC, no multiplier: CH32V003", "-march=rv32ec", "-mabi=ilp32e"),
    _riscv(
        "rv32emc", "RV32EMC, no divider: CH32V002", "-march=rv32emac", "-mabi=ilp32e", "-mno-div"
    ),
    _riscv("rv32imc", "RV32IMC: ESP32-C3", "-march=rv32imac", "-mabi=ilp32", "-mno-div"),
    _arm("m0", "Cortex-M0+: RP2040, SAMD21", "cortex-m0+", "-mcpu=cortex-m0plus"),
    _arm("m4", "Cortex-M4: STM32F4, nRF52", "cortex-m4", "-mcpu=cortex-m4", "-mfloat-abi=soft"),
    Target("avr", "ATmega1284P", "avr", AVR[0], ("-mmcu=atmega1284p",), "exact", AVR[1]),
)
TARGETS = {target.name: target for target in _ALL}
"""The targets by name.

Example:
    >>> sorted(TARGETS)
    ['avr', 'm0', 'm4', 'rv32ec', 'rv32emc', 'rv32imc']
"""


def find_target(name: str) -> Target:
    """Return the target of a name.

    Raises:
        SpecError: if there is none; the message lists those that there are.

    Example:
        >>> find_target("m4").about
        'Cortex-M4: STM32F4, nRF52'
        >>> find_target("m5")
        Traceback (most recent call last):
            ...
        qnn_core.errors.SpecError: no target 'm5'; known: rv32ec, rv32emc, rv32imc, m0, ...
    """
    if name not in TARGETS:
        raise SpecError(f"no target {name!r}; known: {', '.join(TARGETS)}{nearest(name, TARGETS)}")
    return TARGETS[name]
