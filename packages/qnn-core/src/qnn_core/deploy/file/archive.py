"""The two tensors of a file: the description, and all arrays one after the other."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from .compress import deflated, from_bytes, inflated, to_bytes
from .fields import get, get_shape, limited

Array = NDArray[Any]

# What stands readable in the header of the file.
HEAD = ("kind", "version")
DTYPES = ("f4", "i2", "i4", "u1")


def archived(
    arrays: Mapping[str, Array], about: Mapping[str, Any], level: int = 9
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the tensors of a file, and its head, for named arrays and a description.

    The tensor "graph" is the description in JSON, deflated if that is shorter, and "arrays" what
    `to_bytes` returns of each array. The description lists them, in order, with the bytes of each;
    the head has the bytes of the description. `level` is that of zlib.
    """
    stored = {name: to_bytes(array, level) for name, array in arrays.items()}
    body: dict[str, Any] = {key: value for key, value in about.items() if key not in HEAD}
    body["arrays"] = [
        {"name": name, "dtype": a.dtype.str[1:], "shape": list(a.shape), "bytes": len(stored[name])}
        for name, a in arrays.items()
    ]
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    tensors = {"graph": _tensor(deflated(text)), "arrays": _tensor(b"".join(stored.values()))}
    head = {key: about[key] for key in HEAD if key in about}
    return tensors, {**head, "bytes": len(text)}


def extracted(
    tensors: Mapping[str, Array], head: dict[str, Any]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Undo `archived`.

    Raises:
        FileError: if the file is not of this form.
    """
    if sorted(tensors) != ["arrays", "graph"]:
        raise FileError(f"the tensors 'arrays' and 'graph' are needed, got {sorted(tensors)}")
    about = _description(_content(tensors, "graph"), get(head, "bytes", int, "the file"))
    content, at = _content(tensors, "arrays"), 0
    arrays: dict[str, Array] = {}
    for entry in get(about, "arrays", list, "the file"):
        if not isinstance(entry, dict):
            raise FileError(f"an array must be a table, got {entry!r:.80}")
        name = get(entry, "name", str, "an array")
        end = at + get(entry, "bytes", int, name)
        if not at <= end <= len(content) or name in arrays:
            raise FileError(f"{name}: {end - at} bytes of its own are not there")
        arrays[name], at = _array(name, entry, content[at:end]), end
    if at != len(content):
        raise FileError(f"{len(content) - at} bytes belong to no array")
    return arrays, {**about, **{key: head[key] for key in HEAD if key in head}}


def _description(stored: bytes, nbytes: int) -> dict[str, Any]:
    try:
        about = json.loads(inflated(stored, nbytes))
    except ValueError as error:
        raise FileError(f"the description cannot be read: {error}") from error
    if not isinstance(about, dict):
        raise FileError("the description is no table")
    return about


def _array(name: str, entry: dict[str, Any], stored: bytes) -> Array:
    dtype = get(entry, "dtype", str, name)
    if dtype not in DTYPES:
        raise FileError(f"{name}: a dtype must be one of {', '.join(DTYPES)}, got {dtype!r:.80}")
    try:
        return from_bytes(stored, np.dtype(dtype), limited(name, get_shape(entry, name)))
    except FileError as error:
        raise FileError(f"{name}: {error}") from error


def _tensor(content: bytes) -> Array:
    return np.frombuffer(content, np.uint8)


def _content(tensors: Mapping[str, Array], name: str) -> bytes:
    if tensors[name].dtype != np.uint8 or tensors[name].ndim != 1:
        raise FileError(f"the tensor {name!r} must be uint8 of one axis")
    return tensors[name].tobytes()
