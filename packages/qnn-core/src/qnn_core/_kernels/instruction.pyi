from typing import Any, final

from numpy import ndarray
from typing_extensions import disjoint_base

@disjoint_base
class Slot:
    array: Any
    shape: tuple[int, ...]
    read: bool
    def __init__(self, shape: tuple[int, ...], read: bool = False) -> None: ...
    def put(self, array: ndarray[Any, Any]) -> None: ...
    def drop(self) -> None: ...
    def renew(self) -> None: ...

@disjoint_base
class Instruction:
    inputs: tuple[Slot, ...]
    output: Slot
    g: Slot | None
    gradients: tuple[Slot | None, ...]
    otherwise: Instruction | None
    residual: Any
    def forward(self, path: int, threads: int) -> int: ...
    def backward(self, path: int, threads: int) -> int: ...

@final
class Sum(Instruction): ...

@final
class Drop(Instruction): ...

@final
class Renew(Instruction): ...

def carry_out(instructions: list[Instruction], path: int, threads: int) -> None: ...
def carry_back(instructions: list[Instruction], path: int, threads: int) -> None: ...
