from typing import Any

from numpy import int64
from numpy.typing import NDArray

_Array = NDArray[Any]

def cross_entropy(logits_rc: _Array, labels_r: NDArray[int64]) -> float: ...
def softmax_minus_one_hot(
    logits_rc: _Array, labels_r: NDArray[int64], factor: float, out_rc: _Array
) -> None: ...
