"""Data sets that are published as one tar of files of records: labels, then pixels by channel."""

import hashlib
import io
import logging
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from .._atomic import atomic_write
from ..errors import ChecksumError, DataError
from .mirrors import download

_ENVIRONMENT = "QNN_DATA"
_TIMEOUT = 30.0
SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]

logger = logging.getLogger("qnn_data")


@dataclass(frozen=True)
class RecordArchive:
    """A published tar, and the files of records in it.

    Attributes:
        title: what messages call it.
        key: the name of its folder in QNN_DATA and in the cache.
        file: name of the tar, gzipped.
        size: of it, in bytes.
        md5: of it, as its publisher says.
        mirrors: base URLs.
        inside: the folder in the tar.
        train, test: the files in that folder, and how many records each has.
        labels: bytes of labels before the pixels; the last one counts.
        classes: how many there are.
    """

    title: str
    key: str
    file: str
    size: int
    md5: str
    mirrors: tuple[str, ...]
    inside: str
    train: dict[str, int]
    test: dict[str, int]
    labels: int
    classes: int

    def decode(self, files: dict[str, bytes], records: dict[str, int], source: str) -> Arrays:
        """Return images ``[n, 32, 32, 3]`` and labels ``[n]`` of files.

        Raises:
            DataError: one is no such file.
        """
        images, labels = [], []
        for name, count in records.items():
            length = self.labels + PIXELS
            if len(files[name]) != count * length:
                raise DataError(
                    f"{name} in {source} has {len(files[name]):,} bytes; expected "
                    f"{count * length:,}, {count:,} records of {length:,}"
                )
            rows = np.frombuffer(files[name], np.uint8).reshape(count, length)
            own = rows[:, self.labels - 1]
            if own.max() >= self.classes:
                raise DataError(
                    f"{name} in {source} holds label {own.max()}; expected 0 to {self.classes - 1}"
                )
            labels.append(own)
            by_channel = rows[:, self.labels :].reshape(count, CHANNELS, SIDE, SIDE)
            images.append(by_channel.transpose(0, 2, 3, 1))
        return np.ascontiguousarray(np.concatenate(images)), np.concatenate(labels)


def obtain_records(
    archive: RecordArchive,
    records: dict[str, int],
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] | None = None,
    timeout: float = _TIMEOUT,
) -> Arrays:
    """Return images and labels from the first source that has them.

    Args:
        archive: whose files they are.
        records: the files, of `archive.train` or `archive.test`.
        folder: the only source, if given.
        cache: the cache folder, in place of the user's.
        mirrors: base URLs, in place of the archive's.
        timeout: seconds without a byte after which a mirror is given up.

    Raises:
        DataError: no source has them; names each, and why. Or a file that is there is wrong.
        TypeError: `mirrors` is one string.
    """
    if isinstance(mirrors, str):
        raise TypeError(f"mirrors is a list of base URLs, not one string, {mirrors!r}")
    named = os.environ.get(_ENVIRONMENT) if folder is None else os.fspath(folder)
    tried = []
    if named:
        found = _in_folder(archive, records, Path(named))
        if not isinstance(found, str):
            return found
        tried.append(found)
    else:
        tried.append(f"{_ENVIRONMENT}: not set")
    if folder is None:
        store = user_cache_path("qnn-data") / archive.key if cache is None else Path(cache)
        path = store / archive.file
        if path.is_file():
            kept = _members(archive, records, path.read_bytes(), path)
            return archive.decode(kept, records, str(path))
        tried.append(f"cache: no {path}")
        for base in archive.mirrors if mirrors is None else mirrors:
            url = f"{base.rstrip('/')}/{archive.file}"
            try:
                logger.warning("downloading %s from %s to %s", archive.title, base, store)
                content = download(url, archive.size, timeout)
                files = _members(archive, records, content, url)
            except (OSError, ChecksumError) as error:
                tried.append(f"{url}: {error}")
                continue
            try:
                store.mkdir(parents=True, exist_ok=True)
                atomic_write(path, content)
            except OSError as error:
                logger.warning("cannot keep %s: %s", archive.file, error)
            return archive.decode(files, records, url)
    lines = "\n".join(f"  {number}. {line}" for number, line in enumerate(tried, start=1))
    raise DataError(
        f"{archive.title} is not to be had. Tried, in this order:\n{lines}\n"
        f"What to do: put {archive.file}, or its folder {archive.inside}, into a folder, and give "
        f"that as folder=... or in the environment variable {_ENVIRONMENT}."
    )


def _in_folder(archive: RecordArchive, records: dict[str, int], folder: Path) -> Arrays | str:
    """Return what a folder has, unpacked or as the tar; or why it has nothing.

    Raises:
        DataError: it is no folder, or a file in it is wrong.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    for place in (folder / archive.key, folder):
        inside = place / archive.inside
        for unpacked in (inside, place):
            if all((unpacked / name).is_file() for name in records):
                content = {name: (unpacked / name).read_bytes() for name in records}
                return archive.decode(content, records, str(unpacked))
        path = place / archive.file
        if path.is_file():
            files = _members(archive, records, path.read_bytes(), path)
            return archive.decode(files, records, str(path))
    return f"{folder} has neither {archive.inside} nor {archive.file}, in {archive.key} or in it"


def _members(
    archive: RecordArchive, records: dict[str, int], content: bytes, source: object
) -> dict[str, bytes]:
    """Return files of a tar; nothing is unpacked to disk.

    Raises:
        ChecksumError: it is not the published one.
        DataError: it is, and yet has not these files: the table is wrong.
    """
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != archive.md5:
        raise ChecksumError(
            f"{source} is not the published file: MD5 {found}; expected {archive.md5}"
        )
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        for name in records:
            try:
                member = tar.extractfile(f"{archive.inside}/{name}")
            except KeyError:
                member = None
            if member is None:
                raise DataError(f"{source} has no file {archive.inside}/{name}")
            files[name] = member.read()
    return files
