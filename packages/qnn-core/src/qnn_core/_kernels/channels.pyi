from numpy import float32, float64
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Sums = NDArray[float64]
_Shape = tuple[int, int, int, int]

def few_sums(x: _Floats, total: _Floats, rows: int, c: int) -> None: ...
def sums(path: int, threads: int, shape: _Shape, x: _Floats, total: _Sums) -> None: ...
def moments(
    path: int, threads: int, shape: _Shape, x: _Floats, mean: _Sums, square: _Sums
) -> None: ...
def products(
    path: int,
    threads: int,
    shape: _Shape,
    x: _Floats,
    g: _Floats,
    constants: _Floats,
    total: _Sums,
    moment: _Sums,
) -> None: ...
def normalize(
    path: int, threads: int, shape: _Shape, x: _Floats, constants: _Floats, y: _Floats
) -> None: ...
def normalize_backward(
    path: int, threads: int, shape: _Shape, x: _Floats, g: _Floats, constants: _Floats, dx: _Floats
) -> None: ...
