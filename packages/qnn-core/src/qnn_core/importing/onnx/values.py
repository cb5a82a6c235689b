"""What stands for the values of a file while it is translated: constants and activations."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .document import BATCH, OTHER, Array
from .grid import Grid

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Constant:
    """An array that is known.

    Attributes:
        array: the values; whole numbers where the file has those.
        grid: of quantized weights, how: they are latent weights of a layer that quantizes.
        name: in the file, of what it was made of.
        latent: of codes that the file makes of floats, these.
        other: what it would be if `OTHER` stood for the batch, where that is something else.
    """

    array: Array
    grid: Grid | None = None
    name: str = ""
    latent: Array | None = None
    other: Array | None = None

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return self.array.shape

    @property
    def values(self) -> Array:
        """The values, quantized if there is a grid."""
        return self.array if self.grid is None else self.grid.values(self.array)

    @property
    def of_batch(self) -> bool:
        """Whether it holds numbers that the batch decides, and that are no lengths of it."""
        if self.other is None:
            return False
        if self.array.dtype.kind not in "iu" or self.array.shape != self.other.shape:
            return True
        times = self.array // BATCH
        multiples = (times * BATCH == self.array) & (times * OTHER == self.other)
        return not np.all(multiples | (self.array == self.other))


@dataclass(frozen=True, eq=False)
class Activation:
    """A value that depends on the input.

    Our tensors have their axes in another order than the file's, and may lack some of length 1, so
    that most transpositions and reshapes of a file need no step.

    Attributes:
        name: of the value among our steps.
        shape: lengths of the axes in the file, the batch as `BATCH`.
        order: for each axis of our tensor, that of the file. Those that it lacks have length 1.
        columns: of flattened images, for each of our features the place of it in the file, where
            channels come first; None if it is the same.
        grid: how the file has quantized it, if it has; its axis is one of the file.
        codes: the dtype of the codes that the file has here, which we keep as the values that they
            stand for; ``""`` for none.
    """

    name: str
    shape: Shape
    order: tuple[int, ...]
    columns: Array | None = None
    grid: Grid | None = None
    codes: str = ""

    @property
    def ours(self) -> Shape:
        """The shape of our tensor."""
        return tuple(self.shape[axis] for axis in self.order)

    def but(self, **changes: Any) -> "Activation":
        """Return it with other attributes."""
        return replace(self, **changes)

    def moves(self, order: tuple[int, ...]) -> tuple[tuple[int, ...] | None, Shape | None]:
        """Return the permutation and then the shape that give our tensor another order.

        Either is None if it is not needed.

        Example:
            >>> Activation("x", (9, 3, 1, 5), (0, 1, 2, 3)).moves((0, 2, 3, 1))
            ((0, 2, 3, 1), None)
            >>> Activation("x", (9, 1, 4, 5), (0, 1, 2, 3)).moves((0, 2, 3, 1))
            (None, (9, 4, 5, 1))
        """
        if order == self.order:
            return None, None
        shape = tuple(self.shape[axis] for axis in order)
        if long(self.shape, self.order) == long(self.shape, order):
            return None, None if shape == self.ours else shape
        present = [axis for axis in order if axis in self.order]
        lost = [axis for axis in self.order if axis not in order]
        permutation = tuple(self.order.index(axis) for axis in (*present, *lost))
        moved = tuple(self.ours[axis] for axis in permutation)
        return permutation, None if moved == shape else shape


def long(shape: Shape, order: tuple[int, ...]) -> list[int]:
    """Return the axes of an order that are longer than 1."""
    return [axis for axis in order if shape[axis] != 1]


def channels_last(rank: int) -> tuple[int, ...]:
    """Return the order in which our layers have images, signals and features.

    Example:
        >>> channels_last(4), channels_last(3), channels_last(2)
        ((0, 2, 3, 1), (0, 2, 1), (0, 1))
    """
    return tuple(range(rank)) if rank < 3 else (0, *range(2, rank), 1)


def as_in_file(rank: int) -> tuple[int, ...]:
    """Return the order of the file."""
    return tuple(range(rank))


def aligned(constant: Array, value: Activation) -> Array:
    """Return a constant that broadcasts against our tensor as the file's does against the file's.

    Raises:
        ValueError: if it has more axes than the value, or an axis that our tensor lacks.
    """
    rank = len(value.shape)
    if constant.ndim > rank:
        if any(n != 1 for n in constant.shape[: constant.ndim - rank]):
            raise ValueError("a constant of more axes")
        constant = constant.reshape(constant.shape[constant.ndim - rank :])
    array = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    lacking = tuple(axis for axis in range(rank) if axis not in value.order)
    if any(array.shape[axis] != 1 for axis in lacking):
        raise ValueError("a constant along an axis that is lacking")
    moved = np.transpose(array, (*lacking, *value.order)).reshape(
        tuple(array.shape[axis] for axis in value.order)
    )
    if value.columns is not None and moved.shape[-1] > 1:
        moved = moved[..., value.columns]
    # Axes in front that broadcast anyway say nothing.
    while moved.ndim > 1 and moved.shape[0] == 1:
        moved = moved[0]
    return np.ascontiguousarray(moved)
