from typing import Any

from numpy import float32, uint8
from numpy.typing import NDArray

from .search import Search

_Array = NDArray[Any]
_Codes = NDArray[uint8]

def encode(
    x_rn: _Array,
    scale_rn: _Array,
    shift_rn: _Array,
    threshold_t: NDArray[float32],
    per_step: float,
    search: Search | None,
    code_rn: _Codes,
) -> int: ...
def decode(
    code_rn: _Codes, scale_rn: _Array, shift_rn: _Array, level_l: _Array, out_rn: _Array
) -> None: ...
def clip_surrogate(
    x_rn: _Array,
    scale_rn: _Array,
    shift_rn: _Array,
    code_rn: _Codes,
    level_l: _Array,
    surrogate_rn: _Array,
    scale_gradient_rn: _Array,
) -> None: ...
