"""What was done to pixels before training, as the number that each of the 256 becomes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SpecError
from .graph import Graph

# The least normal number of float32: 1 / std is finite above it.
LEAST_STD = np.finfo(np.float32).tiny

Transform = Callable[[Any], Any] | tuple[ArrayLike, ArrayLike] | None


def pixel_values(graph: Graph, transform: Transform, who: str = "export_c") -> NDArray[np.float32]:
    """Return float32 ``[256]``, or ``[256, channels]``: what each value of a pixel is in the model.

    Args:
        graph: of one input.
        transform: ``(mean, std)`` on the scale from 0 to 1, numbers or one for each channel, as in
            ``(pixel / 255 - mean) * (1 / std)`` in float32; or the function itself, of uint8
            ``[n, ...]``, which must act on each pixel alone.
        who: asks, for messages.

    Raises:
        SpecError: if it is missing, or is no such function.
    """
    if transform is None:
        raise SpecError(
            f"{who}: say what was done to the pixels before training: transform=(mean, std) for "
            "(pixel / 255 - mean) / std, or transform=f for a function of uint8 arrays "
            "(numpy.float32 if nothing was done), or input='float32'"
        )
    shape = graph.inputs[0].shape if graph.inputs else ()
    if callable(transform):
        return _of_function(transform, shape, who)
    try:
        mean, std = (np.asarray(part, np.float32) for part in transform)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"{who}: transform must be a function or (mean, std), got {transform!r}"
        ) from error
    finite = np.all(np.isfinite(mean)) and np.all(np.isfinite(std))
    if not finite or np.any(std < LEAST_STD):
        raise SpecError(
            f"{who}: transform must be a finite mean and an std > 0, not subnormal, got "
            f"{transform!r}"
        )
    channels = {part.shape for part in (mean, std)} - {()}
    if channels - {shape[-1:]}:
        raise SpecError(
            f"{who}: mean and std of shapes {mean.shape} and {std.shape} are needed as numbers, "
            f"or one for each of the input's channels: its shape is {shape}"
        )
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    if channels:
        pixels = pixels[:, None]
    return (pixels - mean) * (np.float32(1) / std)


def _of_function(
    transform: Callable[[Any], Any], shape: tuple[int, ...], who: str
) -> NDArray[np.float32]:
    pixels = np.broadcast_to(
        np.arange(256, dtype=np.uint8).reshape(256, *(1,) * len(shape)), (256, *shape)
    )
    table = _called(transform, np.ascontiguousarray(pixels), shape, who)
    values = table.reshape(256, -1)[:, 0].copy()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, *shape), dtype=np.uint8)
    same = np.all(table.reshape(256, -1) == values[:, None])
    given = _called(transform, images, shape, who)
    if not same or not np.array_equal(given.reshape(3, -1), values[images.reshape(3, -1)]):
        raise SpecError(
            f"{who}: transform does not act on each pixel alone: pixels are looked up in a "
            "table of 256 numbers; do the rest before, and give the numbers themselves"
        )
    return values


def _called(
    transform: Callable[[Any], Any], pixels: NDArray[np.uint8], shape: tuple[int, ...], who: str
) -> NDArray[np.float32]:
    """Call a transform with images of the model's shape; flat ones as squares too."""
    shapes = [pixels.shape]
    side = round(np.sqrt(shape[0])) if len(shape) == 1 else 0
    if side * side == np.prod(shape):
        shapes.append((len(pixels), side, side))
    failure: Exception | None = None
    for tried in shapes:
        try:
            made = np.asarray(transform(pixels.reshape(tried)), np.float32)
        except Exception as error:  # whatever a function of somebody else's raises
            failure = failure or error
            continue
        if made.size == pixels.size and np.all(np.isfinite(made)):
            return made
        failure = failure or SpecError(f"it gives shape {made.shape} for {tried}")
    raise SpecError(
        f"{who}: transform must give as many finite numbers as it is given pixels, of uint8 "
        f"[n, {', '.join(map(str, shape))}]: {type(failure).__name__}: {failure}"
    ) from failure
