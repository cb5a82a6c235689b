"""What is done to a raw input before the model, in the file: a mean and a deviation, or a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import DtypeError, ShapeError, SpecError
from ..graph import Input
from .emission import Emission

Array = NDArray[Any]
Function = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
Raw = Literal["uint8", "float32"]

PIXELS = np.arange(256, dtype=np.uint8)

# Pixels of bytes are numbers from 0 to 1.
BYTE = np.asarray(255, np.float32)


@dataclass(frozen=True, eq=False)
class Transform:
    """What is done to a raw input; one of both.

    Attributes:
        raw: dtype of the input.
        table: float32, what each of the 256 bytes becomes; None for mean and deviation.
        mean: float32 of shape () or (channels,).
        factor: 1 / deviation, likewise.
    """

    raw: Raw
    table: NDArray[np.float32] | None
    mean: NDArray[np.float32]
    factor: NDArray[np.float32]


def transform_of(given: tuple[ArrayLike, ArrayLike] | Function, raw: Raw) -> Transform:
    """Return a mean and a deviation, or a function of bytes, as what is written.

    Args:
        given: ``(mean, deviation)``, numbers or one for each channel: ``(x - mean) * (1 /
            deviation)`` in float32, of bytes divided by 255. Or a function of an array of uint8: it
            is tried on the 256 bytes, and must make a number of each, whatever the place.
        raw: dtype of the input.

    Raises:
        DtypeError: if a function is to act on floats, whose values are no table.
        ShapeError: if a function makes anything but one number of each byte.
        SpecError: if a mean is not finite, a deviation not above 0, or it is neither.

    Example:
        >>> transform_of((0.5, 0.25), "float32").factor
        array(4., dtype=float32)
        >>> transform_of(lambda x: x / np.float32(255), "uint8").table[[0, 51, 255]]
        array([0. , 0.2, 1. ], dtype=float32)
    """
    none = np.zeros((), np.float32)
    if raw not in ("uint8", "float32"):
        raise SpecError(f"export_onnx: raw must be 'uint8' or 'float32', got {raw!r}")
    if callable(given):
        if raw != "uint8":
            raise DtypeError(
                "export_onnx: a transform that is a function becomes a table of the 256 bytes "
                f"(raw='uint8'), not of {raw}: for that give (mean, deviation)"
            )
        return Transform(raw, _table(given), none, none)
    try:
        mean, deviation = (np.asarray(part, np.float32) for part in given)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"export_onnx: transform must be (mean, deviation), a function or None, got {given!r}"
        ) from error
    if not (np.all(np.isfinite(mean)) and np.all(deviation > 0) and np.all(np.isfinite(deviation))):
        raise SpecError(f"export_onnx: a finite mean and a deviation above 0, got {given!r}")
    if mean.ndim > 1 or deviation.ndim > 1:
        raise ShapeError("export_onnx: mean and deviation are numbers, or one for each channel")
    return Transform(raw, None, mean, np.asarray(np.float32(1) / deviation))


def _table(function: Function) -> NDArray[np.float32]:
    # As a batch of 256 samples of one pixel, and as one sample: a function of each pixel alone
    # gives the same numbers.
    try:
        column = np.asarray(function(PIXELS[:, None].copy()))
        row = np.asarray(function(PIXELS[None, ::-1].copy()))
    except Exception as error:
        raise ShapeError(
            "export_onnx: transform fails on bytes of shapes (256, 1) and (1, 256), where it must "
            f"make a number of each: {type(error).__name__}: {error}"
        ) from error
    if column.size != 256 or row.size != 256:
        raise ShapeError(
            f"export_onnx: transform makes {column.size} and {row.size} numbers of 256 bytes"
        )
    table = column.reshape(-1)
    if table.dtype != np.float32 or not np.array_equal(table, row.reshape(-1)[::-1]):
        raise DtypeError(
            "export_onnx: transform must make one float32 number of each byte, the same in every "
            f"place; it makes {table.dtype}, and others in another place"
            if table.dtype == np.float32
            else f"export_onnx: transform must make float32 numbers, it makes {table.dtype}"
        )
    if not np.all(np.isfinite(table)):
        raise SpecError("export_onnx: transform makes numbers that are not finite")
    return table


def write_input(e: Emission, given: Input, name: str, transform: Transform | None) -> None:
    """Write an input of the model, and what is done to it."""
    document = e.document
    if transform is None:
        e.put(given.name, document.input(name, "float32", given.shape))
        return
    x = document.input(name, transform.raw, given.shape)
    if transform.table is not None:
        index = document.cast(x, "int32", f"{name}_index")
        table = document.constant(transform.table, f"{name}_table")
        e.put(given.name, document.add("Gather", [table, index], f"{name}_values", axis=0))
        return
    y = document.cast(x, "float32", f"{name}_floats") if transform.raw == "uint8" else x
    steps = [("Sub", transform.mean), ("Mul", transform.factor)]
    if transform.raw == "uint8":
        steps.insert(0, ("Div", BYTE))
    for type, array in steps:
        if array.ndim and array.shape != given.shape[-1:]:
            raise ShapeError(
                f"export_onnx: {array.size} means or deviations do not fit {given.name} of shape "
                f"{given.shape}: one for each entry of its last axis is needed"
            )
        y = document.add(
            type, [y, document.constant(array, f"{name}_{type.lower()}")], f"{name}_values"
        )
    e.put(given.name, y)


def applied(transform: Transform | None, raw: Array) -> NDArray[np.float32]:
    """Return what a transform makes of a raw input, as the file does."""
    if transform is None:
        return np.asarray(raw, np.float32)
    if transform.table is not None:
        return transform.table[raw]
    x = raw.astype(np.float32)
    if transform.raw == "uint8":
        x /= BYTE
    return np.asarray((x - transform.mean) * transform.factor, np.float32)
