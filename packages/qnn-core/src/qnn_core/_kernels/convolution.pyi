from numpy import float32, int64
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Offsets = NDArray[int64]

def input_gradient(
    path: int,
    threads: int,
    g: _Floats,
    w: _Floats,
    x: _Floats,
    first: _Offsets,
    source: _Offsets,
    target: _Offsets,
    batch: int,
    n: int,
    c: int,
) -> None: ...
def input_gradient_of_few(
    path: int,
    threads: int,
    g: _Floats,
    w: _Floats,
    x: _Floats,
    shift: _Offsets,
    batch: int,
    n: int,
    c: int,
    output: tuple[int, int],
    image: tuple[int, int],
    line: int,
    plane: int,
    first: int,
    step: tuple[int, int],
) -> None: ...
