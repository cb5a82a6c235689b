"""Files of arrays and a description: safetensors, written atomically, checked when read."""

import glob
import hashlib
import json
import os
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

from .errors import FileError

Array = NDArray[Any]


def save_arrays(path: str | Path, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> None:
    """Write arrays and a JSON description to a safetensors file.

    Whoever reads the file, or kills the writer, never sees a part of it.

    Args:
        path: where to; its folder must exist.
        arrays: NumPy arrays by name.
        about: anything that JSON can hold; numbers are kept exactly.
    """
    write_whole(Path(path), content_of(arrays, about))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there: what is read is never a part."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def content_of(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> bytes:
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


def remove_drafts(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; nobody else may be writing."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        draft.unlink(missing_ok=True)


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
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{path} is not a whole file of this kind: {error}") from error
    metadata = header.get("__metadata__") or {}
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


def _digest(content: bytes, mark: str) -> bytes:
    """Return the checksum of a whole file, with zeros for `mark`, which stands in its place."""
    return hashlib.sha256(content.replace(mark.encode(), b"0" * 64)).hexdigest().encode()
