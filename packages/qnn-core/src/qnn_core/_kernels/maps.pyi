from typing import final

from .instruction import Instruction

@final
class Add(Instruction): ...

@final
class Exp(Instruction): ...

@final
class Multiply(Instruction): ...

@final
class Relu(Instruction): ...
