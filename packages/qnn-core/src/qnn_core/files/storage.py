"""Files of arrays and a description: safetensors, written atomically, checked when read."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialize

from ..errors import FileError
from .atomic import atomic_write

Array = NDArray[Any]

# Bytes of a header that the format allows.
LONGEST_HEADER = 100_000_000

# What a parser may raise that is given no file of its kind.
TRIPPED = (
    *(SafetensorError, ArithmeticError, AttributeError, LookupError),
    *(MemoryError, RecursionError, TypeError, ValueError),
)


def save_arrays(path: str | Path, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> None:
    """Write arrays and a JSON description to a safetensors file.

    Whoever reads the file, or kills the writer, never sees a part of it.

    Args:
        path: where to; its folder must exist.
        arrays: NumPy arrays by name.
        about: anything that JSON can hold; numbers are kept exactly.

    Raises:
        OSError: see `atomic_write`.
    """
    atomic_write(path, serialize_arrays(arrays, about))


def serialize_arrays(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> bytes:
    """Return the bytes of the file that `save_arrays` writes: the same for the same arguments."""
    # A mark that stands nowhere else in the file keeps the place of the checksum.
    mark = secrets.token_hex(32)
    described = json.dumps(about, sort_keys=True, separators=(",", ":"))
    metadata = {"about": described, "sha256": mark}
    content = serialize({n: np.asarray(a, order="C") for n, a in arrays.items()}, metadata)
    content = _in_order(content)
    return content.replace(mark.encode(), _digest(content, mark))


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with the keys of its header in one order, whatever it was."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    # Spaces keep the arrays on multiples of eight bytes.
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def load_arrays(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a file of `save_arrays`, once and from its beginning to its end: it may be a pipe.

    Returns:
        The arrays by name, and the description.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is cut, changed in any byte, or of another kind.
    """
    return parse_arrays(_content(path), path)


def parse_arrays(content: bytes, path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return what `load_arrays` does, of the content of a file; `path` is for messages."""
    try:
        arrays = parse(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header.get("__metadata__") or {}
    except TRIPPED as error:
        raise FileError(f"{path} is not a whole file of this kind: {error}") from error
    if not metadata.keys() >= {"about", "sha256"}:
        raise FileError(f"{path} is a safetensors file, but qnn did not write it")
    about, digest = metadata["about"], metadata["sha256"]
    # Only what looks like a checksum is searched for: less could stand anywhere.
    known = re.fullmatch("[0-9a-f]{64}", digest)
    if known is None or digest.encode() != _digest(content, digest):
        raise FileError(f"{path} was changed or damaged: its checksum does not fit its content")
    try:
        described = json.loads(about)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: its description cannot be read: {error}") from error
    if not isinstance(described, dict):
        raise FileError(f"{path} is not a file of this kind: its description is no table")
    return arrays, described


def _content(path: str | Path) -> bytes:
    """Return the content of a file, or of a pipe that begins as such a file does.

    Raises:
        FileError: if it is a device or a pipe without end, as far as its beginning tells.
    """
    with open(path, "rb") as file:
        begin = file.read(8)
        if not 0 < int.from_bytes(begin, "little") <= LONGEST_HEADER:
            raise FileError(f"{path} is not a whole file of this kind: it begins with {begin!r}")
        return begin + file.read()


def _digest(content: bytes, mark: str) -> bytes:
    """Return the checksum of a whole file, with zeros for `mark`, which stands in its place."""
    return hashlib.sha256(content.replace(mark.encode(), b"0" * 64)).hexdigest().encode()
