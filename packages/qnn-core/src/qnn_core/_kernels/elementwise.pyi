from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def relu_vjp(grad_n: _Array, x_n: _Array, out_n: _Array) -> None: ...
