from numpy import float32, int64
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Offsets = NDArray[int64]

def sums(
    path: int,
    threads: int,
    a: _Floats,
    a_start: int,
    a_row: _Offsets,
    a_term: _Offsets,
    b: _Floats,
    b_start: int,
    b_stride: int,
    c: _Floats,
    c_start: int,
    c_stride: int,
    rows: int,
    terms: int,
    columns: int,
) -> None: ...
def matrix(
    path: int,
    threads: int,
    a: _Floats,
    a_row: int,
    a_term: int,
    b: _Floats,
    c: _Floats,
    rows: int,
    terms: int,
    columns: int,
) -> None: ...
def affine(
    path: int,
    threads: int,
    x: _Floats,
    w: _Floats,
    scale: _Floats,
    bias: _Floats,
    y: _Floats,
    m: int,
    n: int,
    k: int,
) -> None: ...
