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

# Words of C and C++ that are no names; macros of limits that would clash are none of ours.
KEYWORDS = frozenset(
    """auto break case char class const continue default delete do double else enum extern float
    for goto if inline int long main namespace new operator private public register restrict
    return short signed sizeof static struct switch template this typedef union unsigned using
    virtual void volatile while""".split()  # noqa: SIM905 (a list of them is hard to read)
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
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,60}", self.name) or self.name in KEYWORDS:
            raise SpecError(
                "export_c: name must be letters, digits and underscores, begin with a letter and "
                f"be no word of C, got {self.name!r}"
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
