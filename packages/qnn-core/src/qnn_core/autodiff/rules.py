"""Shape rules that are NumPy's own: a ufunc checks its operands by them itself."""

from typing import Any

from ..errors import ShapeError

Shape = tuple[int, ...]
"""Length of each axis.

Example:
    >>> shape: Shape = (2, 3)
"""


def same(shape: Shape, **_: Any) -> Shape:
    """One input; the output has its shape."""
    return shape


class Broadcasting:
    """Two or more inputs, stretched against each other as NumPy does.

    Args:
        name: of the operation, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *shapes: Shape, **_: Any) -> Shape:
        """Return the common shape."""
        return broadcast(self.name, *shapes)


def broadcast(name: str, *shapes: Shape) -> Shape:
    """Return the common shape, or raise a ShapeError with the operation's name and all shapes."""
    result = shapes[0]
    for shape in shapes[1:]:
        if shape == result:
            continue
        longer, shorter = (result, shape) if len(result) >= len(shape) else (shape, result)
        lead = len(longer) - len(shorter)
        merged = list(longer)
        for axis, length in enumerate(shorter, start=lead):
            if merged[axis] == 1:
                merged[axis] = length
            elif length not in (1, merged[axis]):
                listed = " and ".join(str(s) for s in shapes)
                raise ShapeError(f"{name}: shapes {listed} cannot be broadcast together")
        result = tuple(merged)
    return result
