from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def lookup(pixel_n: _Array, table_v: _Array, out_n: _Array) -> None: ...
