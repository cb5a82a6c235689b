from typing import final

from numpy import float32
from numpy.typing import NDArray

from .instruction import Instruction

@final
class NormalizeBatch(Instruction):
    moments: tuple[NDArray[float32], NDArray[float32]]
    def __init__(self, shape: tuple[int, int, int, int], most: int, eps: float) -> None: ...
