from typing import Any

from numpy.typing import NDArray

def maximum(
    x: NDArray[Any], y: NDArray[Any], geometry: tuple[int, ...], start: int, stop: int
) -> int: ...
def maximum_gradient(
    x: NDArray[Any],
    g: NDArray[Any],
    dx: NDArray[Any],
    geometry: tuple[int, ...],
    start: int,
    stop: int,
) -> int: ...
def maximum_choice(
    x: NDArray[Any],
    h: NDArray[Any],
    y: NDArray[Any],
    geometry: tuple[int, ...],
    start: int,
    stop: int,
) -> int: ...
def mean(
    x: NDArray[Any], y: NDArray[Any], geometry: tuple[int, ...], start: int, stop: int
) -> int: ...
def mean_gradient(
    g: NDArray[Any], dx: NDArray[Any], geometry: tuple[int, ...], start: int, stop: int
) -> int: ...
