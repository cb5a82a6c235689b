"""One process at a time at a file: a lock that ends with its process, however that ends."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # there is the other one
    import msvcrt

# What a file system says that has no locks.
WITHOUT = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

# Lock files that this process holds, and its id: a child that was forked holds none of them. The
# system's locks keep other processes out, but not another thread of the same.
_HELD: dict[str, list[int]] = {}


@contextlib.contextmanager
def locked(path: str | Path) -> Iterator[bool]:
    """Hold the lock of a path, which need not exist.

    A hidden file beside it bears the lock and is gone when the lock is let go; what a killed
    process left of it locks nothing. Two paths of one file, by symbolic links, have one lock.

    Args:
        path: in a folder that exists.

    Yields:
        Whether the lock is held: False where the file system has no locks.

    Raises:
        BlockingIOError: if somebody else holds it: another process, or another thread of this one.
        OSError: if the hidden file cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with locked(Path(folder, "a")) as held:
        ...         pass
        ...     held, os.listdir(folder)
        (True, [])
    """
    folder, name = os.path.split(os.path.realpath(path))
    own = os.path.join(folder, f".{name}.lock")
    mine = [os.getpid()]
    # Before it is opened: closing it again would let go of a lock that this process has.
    found = _HELD.setdefault(own, mine)
    if found is not mine and found == mine:
        raise BlockingIOError(errno.EAGAIN, "this process holds the lock already", str(path))
    _HELD[own] = mine
    try:
        handle = _acquired(own, path)
        try:
            yield handle is not None
        finally:
            # A child that was forked inside ends here too: the lock is its parent's.
            if handle is not None and mine == [os.getpid()]:
                _release(own, handle)
    finally:
        _HELD.pop(own, None)


def _acquired(own: str, path: str | Path) -> int | None:
    """Return the open lock file, locked; None where there are no locks."""
    while True:
        handle = _opened(own, path)
        try:
            _lock(handle)
            # Whoever held it may just have removed it: then it locks nothing any more.
            if _is_at(handle, own):
                return handle
            os.close(handle)
        except OSError as error:
            os.close(handle)
            if error.errno in WITHOUT:
                with contextlib.suppress(OSError):
                    os.unlink(own)
                return None
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                told = "another process holds the lock"
                raise BlockingIOError(errno.EAGAIN, told, str(path)) from error
            raise


def _opened(own: str, path: str | Path) -> int:
    try:
        return os.open(own, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        told = error.strerror
        if isinstance(error, FileNotFoundError):
            told = f"there is no folder {os.path.dirname(path) or os.curdir!r} to write it in"
        raise OSError(error.errno, told, str(path)) from error


def _is_at(handle: int, path: str) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(handle: int) -> None:
    if fcntl is not None:
        # Not flock, whose locks a forked child keeps when its parent has ended.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)


def _release(own: str, handle: int) -> None:
    # Removed while it is held, where that can be: nobody else may hold what is removed.
    with contextlib.suppress(OSError):
        os.unlink(own)
    os.close(handle)
    if fcntl is None:
        with contextlib.suppress(OSError):
            os.unlink(own)
