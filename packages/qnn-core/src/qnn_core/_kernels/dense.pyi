from collections.abc import Callable
from typing import final

from numpy import float32
from numpy.typing import NDArray

from .engine import Multiplier
from .instruction import Instruction
from .training import Book

_Table = NDArray[float32] | None
_Prepare = Callable[[float, float], tuple[float, Multiplier | None, _Table, _Table] | None]

@final
class ChannelSums:
    def __init__(self, few: bool, shape: tuple[int, int, int, int], most: int) -> None: ...

@final
class Linear(Instruction):
    def __init__(self, m: int, n: int, k: int, sums: ChannelSums) -> None: ...

@final
class Factor:
    def __init__(self, book: Book, levels: NDArray[float32], size: int) -> None: ...

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
        prepare: _Prepare,
        sparse: _Table,
    ) -> None: ...
