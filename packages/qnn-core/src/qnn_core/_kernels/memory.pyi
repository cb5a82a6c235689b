from typing import Any, final

from numpy.typing import DTypeLike, NDArray

@final
class Block:
    def __init__(self, size: int) -> None: ...

def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]: ...
def kept_bytes() -> int: ...
