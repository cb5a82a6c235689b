from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def draw(
    sample_n: _Array,
    key: int,
    shift_y: float,
    shift_x: float,
    rotation: float,
    scale: float,
    move_nk: _Array,
) -> None: ...
def wide() -> bool: ...
def warp(
    image_nyxc: _Array,
    move_nk: _Array,
    bordered_yxc: _Array,
    seen_p: _Array,
    out_nyxc: _Array,
    avx2: bool,
) -> None: ...
