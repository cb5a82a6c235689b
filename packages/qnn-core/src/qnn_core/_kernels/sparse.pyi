from numpy import float32, uint8
from numpy.typing import NDArray

_Floats = NDArray[float32]

LEAST: int
# What other kernels take from here.
__pyx_capi__: dict[str, object]

def sparse_gradients(
    path: int,
    threads: int,
    g: _Floats,
    x: _Floats,
    slope: _Floats,
    shift_slope: _Floats | None,
    code: NDArray[uint8],
    level: _Floats,
    scale: _Floats,
    shift: _Floats,
    dw: _Floats,
    m: int,
    n: int,
    k: int,
) -> tuple[float, float] | None: ...
