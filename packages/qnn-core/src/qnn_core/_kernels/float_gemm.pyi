from numpy import float32, int64
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Offsets = NDArray[int64]

def sums(
    path: int,
    threads: int,
    a: _Floats,
    a_row: _Offsets,
    a_term: _Offsets,
    b: _Floats,
    c: _Floats,
    rows: int,
    terms: int,
    columns: int,
    scale: _Floats | None = None,
    bias: _Floats | None = None,
) -> None: ...
def sums_in_parts(
    path: int,
    threads: int,
    a: _Floats,
    a_row: _Offsets,
    a_term: _Offsets,
    b: _Floats,
    c: _Floats,
    rows: int,
    terms: int,
    columns: int,
    parts: int,
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
    scale: _Floats | None,
    bias: _Floats | None,
    y: _Floats,
    m: int,
    n: int,
    k: int,
) -> None: ...
def affine_gradients(
    path: int,
    threads: int,
    g: _Floats,
    x: _Floats,
    w: _Floats,
    dx: _Floats | None,
    dw: _Floats | None,
    m: int,
    n: int,
    k: int,
) -> None: ...
