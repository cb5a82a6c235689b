from numpy import float32, uint8
from numpy.typing import NDArray

_Floats = NDArray[float32]

LEAST: int

def data_gradients(
    path: int,
    threads: int,
    g: _Floats,
    x: _Floats,
    slope: _Floats,
    code: NDArray[uint8],
    level: _Floats,
    scale: _Floats,
    shift: _Floats,
    dw: _Floats,
    m: int,
    n: int,
    k: int,
) -> float | None: ...
