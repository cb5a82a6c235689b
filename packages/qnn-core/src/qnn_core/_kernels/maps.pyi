from typing import final

from typing_extensions import disjoint_base

from .instruction import Instruction

@final
class Add(Instruction): ...

@final
class Exp(Instruction): ...

@final
class Multiply(Instruction): ...

@disjoint_base
class Limit(Instruction):
    def __init__(self, low: float, high: float) -> None: ...

@final
class Relu(Limit):
    def __init__(self) -> None: ...
