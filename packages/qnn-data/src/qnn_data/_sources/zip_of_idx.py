"""EMNIST's archive: a zip of gzipped IDX files, four for each split."""

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, IdxError
from ..idx import decode_idx
from .packed import Arrays, Files, Packed

SHAPE = (28, 28)


@dataclass(frozen=True)
class ZipOfIdx(Packed):
    """A published zip of IDX files of images and of their labels; see `Packed` for the others.

    Attributes:
        labels: those that there are.
    """

    labels: range

    def members(self, path: Path, names: Iterable[str]) -> Files:
        """Return files of the zip, gzipped as they are."""
        with zipfile.ZipFile(path) as whole:
            return {name: whole.read(f"{self.inside}/{name}.gz") for name in names}

    def find(self, place: Path, name: str) -> Path | None:
        """Return where an unpacked file is, gzipped or plain."""
        return super().find(place, name) or super().find(place, f"{name}.gz")

    def decode(self, files: Mapping[str, bytes], source: str) -> Arrays:
        """Return images ``[n, 28, 28]`` and labels ``[n]``, as they are stored."""
        names = list(files)
        try:
            images, labels = (decode_idx(files[name], f"{name} in {source}") for name in names)
        except IdxError as error:
            raise DataError(f"{self.title}: {error}") from error
        if images.dtype != np.uint8 or images.shape[1:] != SHAPE:
            raise DataError(
                f"{names[0]} in {source} holds {images.dtype} {images.shape}; "
                "expected uint8 images (n, 28, 28)"
            )
        if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
            raise DataError(
                f"{names[1]} in {source} holds {labels.dtype} {labels.shape}; "
                f"expected uint8 labels {images.shape[:1]}, one for each image"
            )
        for label in (labels.min(initial=self.labels[-1]), labels.max(initial=self.labels[0])):
            if label not in self.labels:
                raise DataError(
                    f"{names[1]} in {source} holds label {label}; "
                    f"expected {self.labels[0]} to {self.labels[-1]}"
                )
        return images, labels
