from numpy import float32, uint8
from numpy.typing import NDArray

def pad(
    path: int,
    threads: int,
    x: NDArray[float32] | NDArray[uint8],
    table: NDArray[float32] | None,
    y: NDArray[float32],
    padding: tuple[int, int],
) -> None: ...
