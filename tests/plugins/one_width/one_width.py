"""Sound, but with a width that cannot be chosen."""

from dataclasses import dataclass, field

from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class OneWidth(Quantizer):
    bits: int = field(default=2, init=False)

    @property
    def levels(self):
        return [-1, 0, 1]
