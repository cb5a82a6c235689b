"""A folder that the user names."""

import hashlib
from pathlib import Path

import numpy as np

from ..errors import DataError, IdxError
from ..idx import encode_idx, read_idx
from .archive import Archive, Arrays, Pair, read_verified

_IMAGE_SHAPE = (28, 28)
_CLASSES = 10


def read_folder(archive: Archive, pair: Pair, folder: Path) -> Arrays | str:
    """Read images and labels from `folder`/<key>, or else from `folder` itself.

    Returns:
        The arrays, or why they are not there.

    Raises:
        DataError: a file is there, but wrong.
        OSError: a file is there, but cannot be read.
    """
    if not folder.is_dir():
        return f"{folder} is not a folder"
    for place in (folder / archive.key, folder):
        paths = [path for file in pair if (path := _find(place, file.name))]
        if len(paths) == len(pair):
            if all(file.sha256 for file in pair):
                files = zip(pair, paths, strict=True)
                return {file.name: read_verified(file, path) for file, path in files}
            return _read_by_structure(archive, pair, paths)
    names = " and ".join(file.name for file in pair)
    return f"neither {folder / archive.key} nor {folder} has {names}, plain or .gz"


def _find(place: Path, name: str) -> Path | None:
    """Return the path of a file, plain or else gzipped."""
    return next((path for path in (place / name, place / f"{name}.gz") if path.is_file()), None)


def _read_by_structure(archive: Archive, pair: Pair, paths: list[Path]) -> Arrays | str:
    """Read files without a published checksum; check that they can be what they should."""
    try:
        images, labels = (read_idx(path) for path in paths)
    except IdxError as error:
        raise DataError(f"{archive.title}: {error}") from error
    if hashlib.sha256(encode_idx(labels)).hexdigest() in archive.foreign:
        return f"{paths[1]} is of another data set, which uses the same file names"
    if images.dtype != np.uint8 or images.shape[1:] != _IMAGE_SHAPE:
        raise DataError(
            f"{paths[0]} holds {images.dtype} {images.shape}; expected uint8 images (n, 28, 28)"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise DataError(
            f"{paths[1]} holds {labels.dtype} {labels.shape}; "
            f"expected uint8 labels {images.shape[:1]}, one for each image"
        )
    if labels.max(initial=0) >= _CLASSES:
        raise DataError(f"{paths[1]} holds label {labels.max()}; expected 0 to 9")
    return {pair[0].name: images, pair[1].name: labels}
