"""Attributes of nodes: what they may be, lengths that follow the batch, and their form in JSON."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from ...autodiff.packed import Kind
from ...errors import FileError, GraphError
from ...ops.windows import MOST


@dataclass(frozen=True)
class Batch:
    """A length in proportion to the batch.

    Attributes:
        times: the length for one sample.
    """

    times: int


def symbolic(first: Any, second: Any, batch: int) -> Any:
    """Return an attribute, seen with `batch` samples and with one more, with `Batch` where it grew.

    Raises:
        GraphError: if it differs in another way, or is of a kind that a graph cannot hold.
    """
    first, second = _plain(first), _plain(second)
    if type(first) is not type(second):
        raise GraphError(f"it is {first!r} for {batch} samples and {second!r} for {batch + 1}")
    if isinstance(first, tuple) and len(first) == len(second):
        return tuple(symbolic(a, b, batch) for a, b in zip(first, second, strict=True))
    if isinstance(first, slice):
        return slice(*symbolic(_ends(first), _ends(second), batch))
    if np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second:
        return first
    times = second - first if type(first) is int else 0
    if times and (first, second) == (times * batch, times * (batch + 1)):
        return Batch(times)
    raise GraphError(f"it is {first!r} for {batch} samples and {second!r} for {batch + 1}")


def _plain(value: Any) -> Any:
    """Return an attribute as a Python number, a tuple, a slice or an array of whole numbers."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, list):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        if value.dtype == bool and value.ndim == 1:
            return np.flatnonzero(value)
        if value.dtype.kind in "iu":
            return value.astype(np.int64)
    elif value is None or isinstance(value, bool | int | float | tuple | slice | EllipsisType):
        return value
    raise GraphError(f"an attribute of type {type(value).__name__} cannot be packed")


def resolved(value: Any, batch: int) -> Any:
    """Return an attribute with its lengths for a batch of that many samples."""
    if isinstance(value, Batch):
        return value.times * batch
    if isinstance(value, tuple):
        return tuple(resolved(part, batch) for part in value)
    if isinstance(value, slice):
        return slice(*resolved(_ends(value), batch))
    return value


def _ends(value: slice) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


def to_json(value: Any) -> Any:
    """Return an attribute as JSON: tuples as lists, all that JSON has no form for as a table."""
    if isinstance(value, tuple):
        return [to_json(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, Batch):
        return {"batch": value.times}
    if isinstance(value, slice):
        return {"slice": to_json(_ends(value))}
    if isinstance(value, EllipsisType):
        return {"ellipsis": True}
    return {"indices": value.tolist()} if isinstance(value, np.ndarray) else value


def from_json(value: Any) -> Any:
    """Undo `to_json`.

    Raises:
        FileError: for a table of another kind.
    """
    if isinstance(value, list):
        return tuple(from_json(part) for part in value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items() if len(value) == 1 else ((None, None),)
    if kind not in _KINDS:
        raise FileError(f"an attribute is a table of {sorted(map(str, value))}")
    return _KINDS[kind](content)


def _slice(content: Any) -> slice:
    if not isinstance(content, list) or len(content) != 3:
        raise FileError("a slice has three parts")
    return slice(*(from_json(part) for part in content))


def _indices(content: Any) -> Any:
    try:
        array = np.asarray(content)
    except ValueError as error:
        raise FileError("indices are not rectangular") from error
    if (array.dtype.kind not in "iu" and array.size) or not array.ndim:
        raise FileError("indices must be lists of whole numbers")
    return array.astype(np.int64)


def _infinite(content: Any) -> float:
    if content not in ("inf", "-inf"):
        raise FileError("a number written as text must be infinite")
    return float(content)


def _batch(content: Any) -> Batch:
    if type(content) is not int:
        raise FileError("a multiple of the batch must be a whole number")
    return Batch(content)


_KINDS: dict[Any, Callable[[Any], Any]] = {
    "batch": _batch,
    "ellipsis": lambda _: ...,
    "float": _infinite,
    "indices": _indices,
    "slice": _slice,
}


# What a file may say


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_number(value: Any) -> bool:
    # Python's whole numbers have no end; a float has.
    return type(value) in (int, float) and (abs(value) < 2**63 or value in (math.inf, -math.inf))


def _are_lengths(value: Any) -> bool:
    return isinstance(value, tuple) and all(_is_whole(n) or isinstance(n, Batch) for n in value)


def _are_axes(value: Any) -> bool:
    many = isinstance(value, tuple) and all(_is_whole(axis) for axis in value)
    return value is None or _is_whole(value) or many


def _is_part(value: Any) -> bool:
    if isinstance(value, slice):
        return all(end is None or _is_whole(end) or isinstance(end, Batch) for end in _ends(value))
    known = isinstance(value, Batch | EllipsisType | np.ndarray)
    return value is None or _is_whole(value) or known


def _is_index(value: Any) -> bool:
    return all(map(_is_part, value)) if isinstance(value, tuple) else _is_part(value)


def _is_pair(least: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == 2
        and all(_is_whole(n) and least <= n < MOST for n in value)
    )


# Of each kind of attribute that an operation may have, what is one.
VALID: dict[Kind, Callable[[Any], bool]] = {
    "axes": _are_axes,
    "channel": lambda value: value is None or _is_whole(value),
    "flag": lambda value: isinstance(value, bool),
    "index": _is_index,
    "lengths": _are_lengths,
    "number": _is_number,
    "order": lambda value: not _is_whole(value) and _are_axes(value),
    "paddings": _is_pair(0),
    "strides": _is_pair(1),
    "whole": _is_whole,
}
