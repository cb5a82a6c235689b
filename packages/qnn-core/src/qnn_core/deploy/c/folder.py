"""A folder of files that appears whole, or not at all."""

import secrets
import shutil
from pathlib import Path

from ...files import atomic_write


def write_folder(folder: str | Path, texts: dict[str, str]) -> tuple[str, ...]:
    """Write files into a folder, which is made if it is not there.

    A new folder appears when all of it is written. In one that is there, files of the same names
    are replaced one by one, each whole; others stay.

    Returns:
        the files' names, in order.

    Raises:
        OSError: if it cannot be written; the error names the path.
    """
    folder = Path(folder)
    if folder.exists():
        for name, text in texts.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(target, text.encode())
        return tuple(texts)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.absolute().parent / f".{folder.name}-{secrets.token_hex(8)}"
    draft.mkdir()
    try:
        for name, text in texts.items():
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return tuple(texts)
