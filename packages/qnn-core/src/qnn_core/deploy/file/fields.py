"""Fields of a description, believed only after they were checked."""

import math
from typing import Any

from ...errors import FileError

# An array without elements takes no bytes of a file: the product of its other lengths is limited,
# so that NumPy can make it.
MOST_OF_NOTHING = 2**20


def get(entry: dict[str, Any], key: str, kind: Any, where: str) -> Any:
    """Return a field of that type, or raise a FileError."""
    value = entry.get(key, ...)
    # A bool is an int to Python, and no number here.
    if value is ... or not isinstance(value, kind) or isinstance(value, bool):
        wanted = getattr(kind, "__name__", str(kind))
        given = "nothing" if value is ... else type(value).__name__
        raise FileError(f"{where}: {key!r} must be {wanted}, got {given}")
    return value


def get_shape(entry: dict[str, Any], where: str) -> tuple[int, ...]:
    """Return the field "shape"."""
    shape = get(entry, "shape", list, where)
    if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise FileError(f"{where}: a shape must be up to 32 whole numbers, got {shape!r:.80}")
    return tuple(shape)


def get_names(entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return a field that is a list of names."""
    names = get(entry, key, list, where)
    if not all(isinstance(name, str) for name in names):
        raise FileError(f"{where}: {key!r} must be names")
    return tuple(names)


def limited(where: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an array if it can be."""
    if 0 in shape and math.prod(n for n in shape if n) > MOST_OF_NOTHING:
        raise FileError(f"{where}: an array of shape {shape} cannot be")
    return shape
