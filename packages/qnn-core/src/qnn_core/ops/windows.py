"""Arguments and shapes of operations whose windows slide over images, channels last."""

from typing import Any

from ..arguments import number
from ..autodiff import Shape
from ..errors import ShapeError
from ..gemm import Window

Pair = tuple[int, int]
IntPair = int | tuple[int, int]

# Lengths beyond this fit no image, and keep products of a few of them within 64 bits.
MOST = 2**20


def pair(name: str, argument: str, value: Any, least: int) -> Pair:
    """Return a whole number, or two of them, as (vertical, horizontal).

    Raises:
        ShapeError: if it is something else, or below `least`.
    """
    both = value if isinstance(value, tuple | list) else (value, value)
    found = [number(n) for n in both]
    if len(found) != 2 or not all(isinstance(n, int) and least <= n < MOST for n in found):
        raise ShapeError(
            f"{name}: {argument} must be a whole number >= {least}, or a pair of them "
            f"(vertical, horizontal), got {value!r}"
        )
    return int(both[0]), int(both[1])


def same_padding(name: str, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Return the padding with which the output is as large as the input.

    Raises:
        ShapeError: if there is none, equal on both sides: the stride is not 1, or the window even.
    """
    extent = Window(kernel, dilation=dilation).extent
    if stride != (1, 1) or any(n % 2 == 0 for n in extent):
        raise ShapeError(
            f'{name}: padding="same" needs stride 1 and a window of odd extent, got stride '
            f"{stride} and extent {extent}"
        )
    return extent[0] // 2, extent[1] // 2


def windows_of(name: str, x: Shape, window: Window) -> Pair:
    """Return how many windows images of shape `x` have.

    Raises:
        ShapeError: if `x` is no batch of images, or too small for one window, or a window could lie
            in the padding alone.
    """
    if len(x) != 4:
        raise ShapeError(
            f"{name}: images [batch, height, width, channels] are needed, got shape {x}"
        )
    if any(p >= e for p, e in zip(window.padding, window.extent, strict=True)):
        raise ShapeError(
            f"{name}: padding {window.padding} must be smaller than the window, "
            f"{window.extent} from end to end: else it could lie in the padding alone"
        )
    found = window.output(x[1], x[2])
    fits = all(
        n + 2 * p >= e for n, p, e in zip(x[1:3], window.padding, window.extent, strict=True)
    )
    if not fits or 0 in x[1:3]:
        raise ShapeError(
            f"{name}: a window of {window.extent} from end to end does not fit in images of shape "
            f"{x} with padding {window.padding}"
        )
    return found
