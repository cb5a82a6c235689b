"""Writing a file so that nobody ever sees half of it.

The same file is in qnn-core and in qnn-data, which know nothing of each other.
"""

import contextlib
import errno
import glob
import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# As many links as Linux follows.
MOST_LINKS = 40
# Bytes of a name; a draft's name is longer than its file's, and file systems allow 255.
LONGEST = 200
# What belongs to a file, not to its content, of what Linux keeps beside it.
KEPT = ("user.", "system.posix_acl_", "security.selinux")


def atomic_write(path: str | Path, content: bytes) -> None:
    """Write a file; who reads its path sees the old content or all of the new, at any moment.

    As with ``open(path, "wb")``, a new file has the mode that the umask leaves, one that was there
    keeps mode, owner (where that is permitted) and extended attributes, links to it stay links,
    what may not be written is refused, and a device or a pipe is written to. The content is on the
    disk when this returns. Another name of the same file (a hard link) keeps the old content.

    Args:
        path: where to; its folder must exist, and files can be made in it.
        content: of the file.

    Raises:
        OSError: if it cannot be written; the error names `path`, and what was there is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     atomic_write(Path(folder, "a"), b"content")
        ...     os.listdir(folder), Path(folder, "a").read_bytes()
        (['a'], b'content')
    """
    try:
        target = _target(os.fspath(path))
        before = _status(target)
        if target is None or (before is not None and not stat.S_ISREG(before.st_mode)):
            with open(path, "wb") as file:
                file.write(content)
        else:
            _replace(target, content, before)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


def remove_drafts(path: str | Path) -> None:
    """Remove what killed writers of `path` left beside it; nobody else may be writing."""
    target = _target(os.fspath(path))
    if target is not None:
        folder, prefix = _draft(target)
        for draft in Path(folder).glob(f"{glob.escape(prefix)}*.partial"):
            draft.unlink(missing_ok=True)


def _target(path: str) -> str | None:
    """Return the path of the file itself, which need not exist, behind all symbolic links.

    None for what a process has open, such as ``/dev/stdout``: its path is no place of a file.
    """
    for _ in range(MOST_LINKS):
        if not os.path.islink(path):
            return path
        folder = os.path.dirname(path)
        if os.path.realpath(folder).startswith("/proc/"):
            return None
        path = os.path.join(folder, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _status(target: str | None) -> os.stat_result | None:
    """Return what there is to know of a file, None if it is not there."""
    try:
        return None if target is None else os.stat(target)
    except FileNotFoundError:
        return None


def _draft(target: str) -> tuple[str, str]:
    """Return the folder of a file's drafts, and how their names begin."""
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return folder or os.curdir, f".{name}."


def _replace(target: str, content: bytes, before: os.stat_result | None) -> None:
    """Write a draft beside the file, and move it there."""
    folder, prefix = _draft(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {folder!r} to write it in")
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is there, and may not be written")
    draft = os.path.join(folder, f"{prefix}{secrets.token_hex(8)}.partial")
    try:
        # Nobody else may read what nobody else could read before.
        with open(
            draft, "xb", opener=partial(os.open, mode=0o666 if before is None else 0o600)
        ) as file:
            file.write(content)
            if before is not None:
                _inherit(target, draft, before)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY):
            told = f"{error.strerror} (it is made beside its place, in {folder!r}, and moved there)"
            raise OSError(error.errno, told) from error
        raise
    finally:
        # Not there if all went well.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
    _sync(folder)


def _inherit(target: str, draft: str, before: os.stat_result) -> None:
    """Give a draft the owner, the extended attributes and the mode of the file that it replaces."""
    mode = stat.S_IMODE(before.st_mode)
    if hasattr(os, "chown"):
        given = os.stat(draft)
        owned, grouped = given.st_uid == before.st_uid, given.st_gid == before.st_gid
        if not grouped:
            grouped = _permitted(os.chown, draft, -1, before.st_gid)
        if not owned:
            owned = _permitted(os.chown, draft, before.st_uid, -1)
        if not grouped:
            # Another group may do what everybody may, not more.
            mode = mode & ~0o070 | (mode & 0o007) << 3
        if not (owned and grouped):
            mode &= 0o777
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(target):
                if name.startswith(KEPT):
                    _permitted(os.setxattr, draft, name, os.getxattr(target, name))
    os.chmod(draft, mode)


def _permitted(change: Callable[..., None], *arguments: Any) -> bool:
    """Make a change, and return whether it could be made."""
    try:
        change(*arguments)
    except OSError:
        return False
    return True


def _sync(folder: str) -> None:
    """Let a folder's entries be on the disk too, where a folder can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
