"""Writing a file so that nobody ever sees half of it."""

import os
import secrets
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`; other processes see the old file or the whole new one.

    Raises:
        OSError: the folder cannot be written; the old file, if any, is untouched.
    """
    # In the same folder, for a rename is atomic only within one file system. Not tempfile, whose
    # files are readable by their owner only.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
