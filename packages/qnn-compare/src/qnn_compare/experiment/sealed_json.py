"""JSON files with a checksum: what was changed or damaged in any bit is refused, never read."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qnn_core.errors import FileError
from qnn_core.files import atomic_write

KEY = "sha256"
ZEROS = "0" * 64
LINE = re.compile(rf'"{KEY}": "([0-9a-f]{{64}})"'.encode())


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object of JSON, with the checksum of the file as its last entry.

    Raises:
        OSError: if it cannot be written.
    """
    text = json.dumps({**content, KEY: ZEROS}, indent=1, allow_nan=False) + "\n"
    raw = text.encode()
    digest = hashlib.sha256(raw).hexdigest().encode()
    before, _, after = raw.rpartition(ZEROS.encode())
    atomic_write(path, before + digest + after)


def read_sealed(path: Path) -> tuple[dict[str, Any], bool]:
    """Return the content of a file, and whether it had a checksum; older versions wrote none.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it does not fit its checksum, or is no object of JSON; the message says which.
    """
    return unseal(path.read_bytes())


def unseal(raw: bytes) -> tuple[dict[str, Any], bool]:
    """Return what `read_sealed` does, of the content of a file."""
    sealed = [*LINE.finditer(raw)]
    if sealed:
        start, end = sealed[-1].span(1)
        of_zeros = raw[:start] + ZEROS.encode() + raw[end:]
        if hashlib.sha256(of_zeros).hexdigest().encode() != raw[start:end]:
            raise FileError("its checksum does not fit its content")
    try:
        content = json.loads(raw.decode("utf-8"), parse_constant=_no_number)
    except RecursionError as error:
        raise FileError("brackets in brackets, deeper than any that was written") from error
    except ValueError as error:
        raise FileError(f"it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise FileError(f"an object is needed, got a {type(content).__name__}")
    # What looks like a checksum may stand in a text; the key itself cannot.
    if bool(sealed) and KEY not in content:
        raise FileError("its checksum is not where it should be")
    if KEY in content and not sealed:
        raise FileError("its checksum is none")
    content.pop(KEY, None)
    return content, bool(sealed)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
