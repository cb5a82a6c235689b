from dataclasses import dataclass

from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Unfinished(Quantizer):
    bits: int = 2
