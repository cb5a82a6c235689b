from collections.abc import Callable
from typing import final

from numpy import float32
from numpy.typing import NDArray

from .instruction import Instruction
from .training import Book

_Grid = Callable[[float], tuple[NDArray[float32], float, int] | None]

@final
class ChannelSums:
    def __init__(self, few: bool, shape: tuple[int, int, int, int], most: int) -> None: ...

@final
class Linear(Instruction):
    def __init__(self, m: int, n: int, k: int, sums: ChannelSums) -> None: ...

@final
class Factor:
    def __init__(self, book: Book, greatest: float, grid: _Grid, size: int) -> None: ...

@final
class QuantizedLinear(Instruction):
    def __init__(
        self,
        m: int,
        n: int,
        k: int,
        data: Factor,
        weight: Factor,
        sums: ChannelSums,
        limit: float,
    ) -> None: ...
