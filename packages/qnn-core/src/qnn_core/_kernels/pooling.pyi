from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]
_Geometry = tuple[int, ...]

def maximum(
    path: int, threads: int, geometry: _Geometry, batch: int, x: _Array, y: _Array
) -> None: ...
def maximum_gradient(
    path: int, threads: int, geometry: _Geometry, batch: int, x: _Array, g: _Array, dx: _Array
) -> None: ...
def maximum_choice(
    path: int, threads: int, geometry: _Geometry, batch: int, x: _Array, h: _Array, y: _Array
) -> None: ...
def mean(
    path: int, threads: int, geometry: _Geometry, batch: int, x: _Array, y: _Array
) -> None: ...
def mean_gradient(
    path: int, threads: int, geometry: _Geometry, batch: int, g: _Array, dx: _Array
) -> None: ...
