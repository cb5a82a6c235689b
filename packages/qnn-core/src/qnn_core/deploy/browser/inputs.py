"""What a page takes: a drawing, a signal or numbers, and how it becomes what nets are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import ShapeError, SpecError
from ..graph import Graph, Shape
from ..pixels import LEAST_STD, Transform, pixel_values

InputKind = Literal["drawing", "signal", "numbers"]
KINDS: tuple[InputKind, ...] = ("drawing", "signal", "numbers")

# Of MNIST's training images, on the scale from 0 to 1: what is taken for drawings by default.
MEAN, STD = 0.1307, 0.3081

# Rows of this many numbers are its images.
FLAT, SIDE = 784, 28


@dataclass(frozen=True, eq=False)
class Given:
    """What a page takes.

    Attributes:
        kind: what the user does.
        shape: height and width of a drawing, length and channels of a signal, or the numbers.
        pixels: float32 ``[256]``: what each value of a drawing's pixel is to the nets.
        mean, std: float32, of one element or one for each number: ``(x - mean) * (1 / std)``; None
            where numbers are taken as they are.
        told: what is done to it, in words.
    """

    kind: InputKind
    shape: Shape
    pixels: NDArray[np.float32] | None = None
    mean: NDArray[np.float32] | None = None
    std: NDArray[np.float32] | None = None
    told: str = ""

    @property
    def size(self) -> int:
        """Numbers of a sample."""
        return int(np.prod(self.shape))

    def floats(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return samples as nets are given them; uint8 pixels and numbers are transformed."""
        if self.pixels is not None:
            return self.pixels[raw] if raw.dtype == np.uint8 else raw.astype(np.float32)
        numbers = raw.astype(np.float32)
        if self.mean is None or self.std is None:
            return numbers
        return (numbers - self.mean) * (np.float32(1) / self.std)


def given_of(
    graphs: Sequence[tuple[str, Graph]], kind: InputKind | None, transform: Transform
) -> Given:
    """Return what a page with these nets takes.

    Args:
        graphs: with their names.
        kind: None for what the shapes say: images of one channel and rows of 784 are drawings,
            ``[length, channels]`` signals, all else numbers.
        transform: see `page`.

    Raises:
        ShapeError: if the nets take inputs of several sizes, or none that can be drawn.
        SpecError: for another kind, or a transform that does not fit.
    """
    if kind is not None and kind not in KINDS:
        raise SpecError(f"page: input must be one of {', '.join(KINDS)}, got {kind!r}")
    shapes = {name: graph.inputs[0].shape for name, graph in graphs}
    if len({int(np.prod(shape)) for shape in shapes.values()}) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ShapeError(f"page: nets of one page take the same input; these take {told}")
    drawn, signals = (
        [shape for shape in map(of, shapes.values()) if shape] for of in (_drawn, _signal)
    )
    for what, found in (("images", drawn), ("signals", signals)):
        if len({*found}) > 1 and kind in (None, "drawing" if found is drawn else "signal"):
            told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ShapeError(f"page: nets of one page take the same {what}; these take {told}")
    first = next(iter(shapes.values()))
    if kind is None:
        kind = "drawing" if drawn else "signal" if signals else "numbers"
    if kind == "drawing":
        shape = drawn[0] if drawn else _square(first)
        table = pixel_values(graphs[0][1], (MEAN, STD) if transform is None else transform, "page")
        if table.size != len(table):
            raise SpecError(
                "page: one mean and one std are needed for all pixels of a drawing, got "
                f"{table.size // len(table)} of them"
            )
        return Given("drawing", shape, table.reshape(256), told=_told(transform))
    mean, std = _scaling(transform, first)
    shape = signals[0] if kind == "signal" and signals else first
    if kind == "signal" and not signals:
        raise ShapeError(f"page: a signal is [length, channels]; the nets take {first}")
    told = "" if mean is None else "(x - mean) * (1 / std), in float32"
    return Given(kind, shape, None, mean, std, told)


def _drawn(shape: Shape) -> Shape | None:
    if len(shape) == 3 and shape[2] == 1:
        return shape[:2]
    return (SIDE, SIDE) if shape == (FLAT,) else None


def _signal(shape: Shape) -> Shape | None:
    return shape if len(shape) == 2 else None


def _square(shape: Shape) -> Shape:
    size = int(np.prod(shape))
    side = round(size**0.5)
    if side * side != size or side < 4:
        raise ShapeError(
            f"page: what is drawn has one channel; the nets take {shape}: input='numbers' is for "
            "all shapes"
        )
    return side, side


def _told(transform: Transform) -> str:
    if transform is None:
        return (
            f"(pixel / 255 - {MEAN}) * (1 / {STD}), in float32: MNIST's usual normalization, the "
            "default of a page"
        )
    if transform is np.float32:
        return "the pixels as they are, 0 to 255"
    if callable(transform):
        return f"the function {getattr(transform, '__name__', 'that was given')}, of each pixel"
    mean, std = transform
    return f"(pixel / 255 - {np.asarray(mean)}) * (1 / {np.asarray(std)}), in float32"


def _scaling(
    transform: Transform, shape: Shape
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | tuple[None, None]:
    """Return mean and deviation of numbers, flat, as they are counted around."""
    if transform is None:
        return None, None
    if callable(transform):
        raise SpecError(
            "page: a function is a transform of drawings; numbers take (mean, std), or None"
        )
    try:
        mean, std = (np.asarray(part, np.float32) for part in transform)
        wide = [np.broadcast_to(part, shape).reshape(-1) for part in (mean, std)]
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"page: transform must be (mean, std) for numbers of shape {shape}, got {transform!r}"
        ) from error
    if not (np.all(np.isfinite(mean)) and np.all(np.isfinite(std)) and np.all(std >= LEAST_STD)):
        raise SpecError(
            f"page: a finite mean and an std > 0, not subnormal, are needed, got {transform!r}"
        )
    mean, std = (part[:1] if np.all(part == part[:1]) else part for part in wide)
    return mean, std
