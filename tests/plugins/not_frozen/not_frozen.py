from qnn_core.quantizer import Quantizer


class Thawed(Quantizer):  # no @dataclass(frozen=True)
    levels = (-1, 0, 1)
