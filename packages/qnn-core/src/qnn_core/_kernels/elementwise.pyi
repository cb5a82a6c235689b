from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def relu_vjp(grad_n: Array, x_n: Array, out_n: Array) -> None: ...
