"""Data sets that are published as a tar of files of records: labels, then pixels by channel."""

import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from .packed import Arrays, Files, Packed

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS


@dataclass(frozen=True)
class RecordArchive(Packed):
    """A published tar, and the files of records in it; see `Packed` for the others.

    Attributes:
        train, test: the files in the tar, and how many records each has.
        labels: bytes of labels before the pixels; the last one counts.
        classes: how many there are.
    """

    train: dict[str, int]
    test: dict[str, int]
    labels: int
    classes: int

    def members(self, path: Path, names: Iterable[str]) -> Files:
        """Return files of the tar."""
        files = {}
        with tarfile.open(path, mode="r:gz") as tar:
            for name in names:
                member = tar.extractfile(f"{self.inside}/{name}")
                if member is None:  # a folder or a link
                    raise KeyError(f"{self.inside}/{name}")
                files[name] = member.read()
        return files

    def decode(self, files: Mapping[str, bytes], source: str) -> Arrays:
        """Return images ``[n, 32, 32, 3]`` and labels ``[n]``."""
        images, labels = [], []
        length = self.labels + PIXELS
        for name, content in files.items():
            count = (self.train | self.test)[name]
            if len(content) != count * length:
                raise DataError(
                    f"{name} in {source} has {len(content):,} bytes; expected "
                    f"{count * length:,}, {count:,} records of {length:,}"
                )
            rows = np.frombuffer(content, np.uint8).reshape(count, length)
            own = rows[:, self.labels - 1]
            if own.max() >= self.classes:
                raise DataError(
                    f"{name} in {source} holds label {own.max()}; expected 0 to {self.classes - 1}"
                )
            labels.append(own)
            by_channel = rows[:, self.labels :].reshape(count, CHANNELS, SIDE, SIDE)
            images.append(by_channel.transpose(0, 2, 3, 1))
        return np.ascontiguousarray(np.concatenate(images)), np.concatenate(labels)
