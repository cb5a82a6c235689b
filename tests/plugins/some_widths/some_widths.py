"""Sound from two bits; at one bit it divides by zero instead of saying so."""

from dataclasses import dataclass

from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class SomeWidths(Quantizer):
    bits: int = 3

    @property
    def levels(self):
        q = 2 ** (self.bits - 1) - 1
        return [n / q for n in range(-q, q + 1)]
