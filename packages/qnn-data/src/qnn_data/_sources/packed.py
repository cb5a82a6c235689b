"""Data sets that are published as one archive of several files."""

import hashlib
import logging
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ChecksumError, DataError
from .cache import Cache
from .mirrors import chosen, download_to, innermost

_ENVIRONMENT = "QNN_DATA"
_TIMEOUT = 30.0

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Files = dict[str, bytes]

logger = logging.getLogger("qnn.data")


@dataclass(frozen=True)
class Packed(ABC):
    """A published archive, and the files in it.

    Attributes:
        title: what messages call it.
        key: the name of its folder in QNN_DATA and in the cache.
        file: name of the archive.
        size: of it, in bytes.
        checksum: of it: the algorithm, a colon, hexadecimal digits.
        mirrors: base URLs.
        inside: the folder in the archive.
    """

    title: str
    key: str
    file: str
    size: int
    checksum: str
    mirrors: tuple[str, ...]
    inside: str

    @abstractmethod
    def members(self, path: Path, names: Iterable[str]) -> Files:
        """Return files of the archive; nothing is unpacked to disk.

        Raises:
            KeyError: one is not there.
        """

    @abstractmethod
    def decode(self, files: Mapping[str, bytes], source: str) -> Arrays:
        """Return images and labels.

        Raises:
            DataError: a file is not what it should be.
        """

    def find(self, place: Path, name: str) -> Path | None:
        """Return where an unpacked file is in a folder."""
        path = place / name
        return path if path.is_file() else None

    def read(self, path: Path, names: Iterable[str], called: object = None) -> Arrays:
        """Return images and labels from an archive.

        Args:
            path: the archive.
            names: the files in it.
            called: what messages call it; None is its path.

        Raises:
            ChecksumError: it is not the published one.
            DataError: it is, and yet has not these files: the table is wrong.
            OSError: it cannot be read.
        """
        source = str(path if called is None else called)
        algorithm, _, expected = self.checksum.partition(":")
        with path.open("rb") as file:
            digest = partial(hashlib.new, algorithm, usedforsecurity=False)
            found = hashlib.file_digest(file, digest).hexdigest()
        if found != expected:
            raise ChecksumError(
                f"{source} is not the published file: {algorithm.upper()} {found}; "
                f"expected {expected}"
            )
        try:
            files = self.members(path, names)
        except KeyError as error:
            raise DataError(f"{source} has no file {error.args[0]}") from None
        return self.decode(files, source)


def obtain_packed(
    archive: Packed,
    names: Iterable[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] | None = None,
    timeout: float = _TIMEOUT,
) -> Arrays:
    """Return images and labels from the first source that has them.

    Args:
        archive: whose files they are.
        names: the files in it.
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
    names = tuple(names)
    tried = []
    named = os.environ.get(_ENVIRONMENT) if folder is None else os.fspath(folder)
    if named:
        found = _in_folder(archive, names, Path(named))
        if not isinstance(found, str):
            return found
        tried.append(found)
    else:
        tried.append(f"{_ENVIRONMENT}: not set")
    if folder is None:
        afar = _afar(archive, names, Cache.of(archive.key, cache), bases, timeout)
        if not isinstance(afar, list):
            return afar
        tried += afar
    lines = "\n".join(f"  {number}. {line}" for number, line in enumerate(tried, start=1))
    raise DataError(
        f"{archive.title} is not to be had. Tried, in this order:\n{lines}\n"
        f"What to do: put {archive.file}, or its folder {archive.inside}, into a folder, and give "
        f"that as folder=... or in the environment variable {_ENVIRONMENT}."
    )


def _in_folder(archive: Packed, names: tuple[str, ...], folder: Path) -> Arrays | str:
    """Return what a folder has, unpacked or as the archive; or why it has nothing.

    Raises:
        DataError: it is no folder, or a file in it is wrong.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    for place in (folder / archive.key, folder):
        for unpacked in (place / archive.inside, place):
            paths = {name: archive.find(unpacked, name) for name in names}
            files = {name: path.read_bytes() for name, path in paths.items() if path}
            if len(files) == len(names):
                return archive.decode(files, str(unpacked))
        path = place / archive.file
        if path.is_file():
            return archive.read(path, names)
    return (
        f"{folder} has neither {archive.inside} with {' and '.join(names)} nor {archive.file}, "
        f"in {archive.key} or in it"
    )


def _afar(
    archive: Packed, names: tuple[str, ...], store: Cache, mirrors: Sequence[str], timeout: float
) -> Arrays | list[str]:
    """Return what the cache has, or else a mirror; or why each has nothing."""
    path = store.folder / archive.file
    found = _in_cache(archive, names, path)
    if not isinstance(found, str):
        return found
    with store.lock():
        # Once more: another process may have filled it while this one waited.
        found = _in_cache(archive, names, path)
        if not isinstance(found, str):
            return found
        afar = _from_mirrors(archive, names, path, mirrors, timeout)
    return [found, *afar] if isinstance(afar, list) else afar


def _in_cache(archive: Packed, names: tuple[str, ...], path: Path) -> Arrays | str:
    """Return what the cache has, or why it has nothing."""
    try:
        return archive.read(path, names)
    except FileNotFoundError:
        return f"cache: no {path}"
    except (ChecksumError, OSError) as error:
        return f"cache: {error}"


def _from_mirrors(
    archive: Packed, names: tuple[str, ...], path: Path, mirrors: Sequence[str], timeout: float
) -> Arrays | list[str]:
    """Return what the first mirror has that has it, or why each has not; keep it as `path`."""
    tried = []
    for base in mirrors:
        url = f"{base.rstrip('/')}/{archive.file}"
        logger.warning("downloading %s from %s to %s", archive.title, base, path.parent)
        try:
            return _download(archive, names, url, path, timeout)
        except ChecksumError as error:
            tried.append(str(error))
        except OSError as error:
            tried.append(f"{url}: {innermost(error)}")
    return tried


def _download(
    archive: Packed, names: tuple[str, ...], url: str, path: Path, timeout: float
) -> Arrays:
    """Download an archive, verify it, and keep it where that is possible."""
    with _workplace(path.parent) as place:
        draft = Path(place, archive.file)
        with draft.open("wb") as file:
            download_to(file, url, archive.size, timeout)
        found = archive.read(draft, names, url)
        try:
            draft.replace(path)
        except OSError as error:
            logger.warning("cannot keep %s: %s", archive.file, error)
    return found


def _workplace(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed in the end: in `folder`, where it can be moved from."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder)
    except OSError:
        return tempfile.TemporaryDirectory()
