"""The user's cache folder: files that were verified when they were stored, and are again."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from .._atomic import atomic_write
from ..errors import ChecksumError
from .archive import Arrays, IdxFile, decode_stored, read_verified

_LOCK_SECONDS = 900  # longer than a download may take; then go on without the lock

logger = logging.getLogger("qnn.data")


class Cache:
    """A folder of verified files. That it cannot be written is no error: it is only a cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, key: str, given: str | os.PathLike[str] | None) -> "Cache":
        """Return the cache in a folder that was given, or the data set's in the user's."""
        return cls(user_cache_path("qnn-data") / key if given is None else Path(given))

    def read(self, files: tuple[IdxFile, ...]) -> tuple[Arrays, dict[str, str]]:
        """Return what is there, and for each other file why it is not."""
        arrays: Arrays = {}
        reasons: dict[str, str] = {}
        for file in files:
            try:
                arrays[file.name] = read_verified(file, self.folder / file.stored_name)
            except FileNotFoundError:
                reasons[file.name] = f"no {file.stored_name}"
            except (ChecksumError, OSError) as error:
                reasons[file.name] = str(error)
        return arrays, reasons

    def store(self, file: IdxFile, data: bytes, source: str) -> Arrays:
        """Verify a file, store it, and return its array.

        Raises:
            ChecksumError: it is not the published file.
        """
        stored = file.verify(data, source)
        array = decode_stored(file, stored, source)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic_write(self.folder / file.stored_name, stored)
        except OSError as error:
            logger.warning("cannot keep %s: %s", file.name, error)
        return {file.name: array}

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one process download at a time.

        Only to be polite to the servers: files are verified and replaced as a whole, so nothing
        breaks where locks do not work.
        """
        lock = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock", timeout=_LOCK_SECONDS)
            lock.acquire()
        except (OSError, NotImplementedError, Timeout) as error:
            logger.debug("going on without a lock on %s: %s", self.folder, error)
        try:
            yield
        finally:
            if lock is not None:
                lock.release()
