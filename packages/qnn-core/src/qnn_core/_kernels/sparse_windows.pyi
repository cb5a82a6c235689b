from numpy import float32, int64
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Offsets = NDArray[int64]

def to_weight(
    path: int,
    threads: int,
    g: _Floats,
    x: _Floats,
    pixel: _Offsets,
    runs: _Offsets,
    run: int,
    sums: _Floats,
) -> None: ...
def to_input(
    path: int,
    threads: int,
    g: _Floats,
    w: _Floats,
    x: _Floats,
    pixel: _Offsets,
    runs: _Offsets,
    run: int,
    padding: tuple[int, int],
) -> None: ...
