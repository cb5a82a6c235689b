"""What a caller of `export_c` can choose."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from ...errors import SpecError
from .lower import Floats

Target = Literal["any", "rv32ec", "rv32emc", "rv32imc", "m0", "m4", "avr"]
Optimize = Literal["size", "speed"]
InputKind = Literal["uint8", "float32"]

# Targets on which a multiplication takes many cycles.
SLOW_MULTIPLIER = ("rv32ec", "avr")

# Words of C and C++ that are no names; headers that NAME.h would stand in front of; what compilers
# and boards define; and what our own C is called.
RESERVED = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl
    concept const consteval constexpr constinit const_cast continue co_await co_return co_yield
    decltype default delete do double dynamic_cast else enum explicit export extern false float
    for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast requires restrict
    return short signed sizeof static static_assert static_cast std struct switch template this
    thread_local throw true try typedef typeid typename typeof union unsigned using virtual
    void volatile wchar_t while xor xor_eq

    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal
    stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath
    threads time uchar wchar wctype

    Arduino abort avr exit free int16_t int32_t int64_t int8_t linux malloc memcpy memset printf
    unix uint16_t uint32_t uint64_t uint8_t

    counters decided depthwise dot fused lanes ordered plain rounded score sorted""".split()  # noqa: SIM905 (a list of them is hard to read)
)


@dataclass(frozen=True)
class Options:
    """See `PackedModel.export_c`.

    Raises:
        SpecError: if one is none of those that there are.
    """

    name: str = "net"
    input: InputKind = "uint8"
    float: Floats = "never"
    target: Target = "any"
    optimize: Optimize = "speed"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,60}", self.name) or self.name in RESERVED:
            raise SpecError(
                "export_c: name must be at most 61 letters, digits and underscores, begin with a "
                f"letter, and be no word or function of C or C++ and no kernel, got {self.name!r}"
            )
        known = {
            "input": (self.input, get_args(InputKind)),
            "float": (self.float, get_args(Floats)),
            "target": (self.target, get_args(Target)),
            "optimize": (self.optimize, get_args(Optimize)),
        }
        for what, (given, allowed) in known.items():
            if given not in allowed:
                raise SpecError(
                    f"export_c: {what} must be one of {', '.join(allowed)}, got {given!r}"
                )

    @property
    def multiplies(self) -> bool:
        """Whether the target has a multiplier worth using."""
        return self.target not in SLOW_MULTIPLIER

    @property
    def modelled(self) -> str:
        """The target whose cycles decide."""
        return "m0" if self.target == "any" else self.target
