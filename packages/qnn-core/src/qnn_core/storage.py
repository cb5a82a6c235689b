"""Files of arrays and a description: safetensors, written atomically, checked when read."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialize

from .errors import FileError

Array = NDArray[Any]

# Stands for the checksum while it is computed, so that it covers every other byte of the file.
NO_DIGEST = "0" * 64


def save_arrays(path: str | Path, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> None:
    """Write arrays and a JSON description to a safetensors file.

    The file is written beside its place and then moved there, so that whoever reads it, or kills
    the writer, never sees a part of it.

    Args:
        path: where to; its folder must exist.
        arrays: NumPy arrays by name.
        about: anything that JSON can hold; numbers are kept exactly.
    """
    path = Path(path)
    metadata = {"about": json.dumps(about, sort_keys=True), "sha256": NO_DIGEST}
    content = serialize({n: np.asarray(a, order="C") for n, a in arrays.items()}, metadata)
    content = content.replace(NO_DIGEST.encode(), _digest(content), 1)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_arrays(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a file of `save_arrays`.

    Returns:
        The arrays by name, and the description.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is cut, changed in any byte, or of another kind.
    """
    content = Path(path).read_bytes()
    try:
        arrays = parse(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about, digest = (header["__metadata__"][key] for key in ("about", "sha256"))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is not a whole file of this kind: {error}") from error
    if digest.encode() != _digest(content.replace(digest.encode(), NO_DIGEST.encode(), 1)):
        raise FileError(f"{path} was changed or damaged: its checksum does not fit its content")
    return arrays, json.loads(about)


def _digest(content: bytes) -> bytes:
    """Return the checksum of a whole file in which `NO_DIGEST` stands in its place."""
    return hashlib.sha256(content).hexdigest().encode()
