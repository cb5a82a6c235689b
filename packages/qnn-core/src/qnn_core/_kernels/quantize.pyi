from typing import Any

from numpy import float32, uint8
from numpy.typing import NDArray

Array = NDArray[Any]
Codes = NDArray[uint8]

def encode(
    x_rn: Array,
    scale_rn: Array,
    shift_rn: Array,
    threshold_t: NDArray[float32],
    per_step: float,
    code_rn: Codes,
) -> int: ...
def decode(
    code_rn: Codes, scale_rn: Array, shift_rn: Array, level_l: Array, out_rn: Array
) -> None: ...
def clip_surrogate(
    x_rn: Array,
    scale_rn: Array,
    shift_rn: Array,
    code_rn: Codes,
    level_l: Array,
    window_rn: Array,
    slope_rn: Array,
) -> None: ...
