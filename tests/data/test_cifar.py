"""Photographs in files of records: where they are found, what is checked, what comes out."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_data
from qnn_data import DataError
from qnn_data._sources.packed import obtain_packed
from qnn_data._sources.records import PIXELS, RecordArchive

RNG = np.random.default_rng(0)
COUNT = 6


def records(archive: RecordArchive, count: int) -> bytes:
    rows = RNG.integers(0, 256, (count, archive.labels + PIXELS), dtype=np.uint8)
    rows[:, archive.labels - 1] = np.arange(count) % archive.classes
    return rows.tobytes()


@pytest.fixture(params=[qnn_data.CIFAR10, qnn_data.CIFAR100])
def small(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A data set of few records, its files, and its tar, whose checksum it knows."""
    kind = request.param
    train = dict.fromkeys(kind.archive.train, COUNT)
    test = dict.fromkeys(kind.archive.test, COUNT)
    files = {name: records(kind.archive, COUNT) for name in (*train, *test)}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as writer:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{kind.archive.inside}/{name}")
            info.size = len(content)
            writer.addfile(info, io.BytesIO(content))
    content = tar.getvalue()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    own = replace(kind.archive, train=train, test=test, checksum=f"md5:{md5}", size=len(content))
    monkeypatch.setattr(kind, "archive", own)
    monkeypatch.delenv("QNN_DATA", raising=False)
    return kind, files, content


def put(folder: Path, kind: Any, files: dict[str, bytes], content: bytes, way: str) -> None:
    if way == "tar":
        folder.mkdir(exist_ok=True)
        (folder / kind.archive.file).write_bytes(content)
        return
    place = folder / kind.archive.key / kind.archive.inside if way == "deep" else folder
    place.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (place / name).write_bytes(data)


@pytest.mark.parametrize("way", ["tar", "deep", "flat"])
def test_records_are_images_with_channels_last(small: Any, way: str, tmp_path: Path) -> None:
    kind, files, content = small
    put(tmp_path / "here", kind, files, content, way)
    data = kind(train=True, folder=tmp_path / "here", transform=None)
    assert data.images.shape == (COUNT * len(kind.archive.train), 32, 32, 3)
    first = np.frombuffer(files[next(iter(kind.archive.train))], np.uint8)
    offset = kind.archive.labels
    assert data.labels[0] == first[offset - 1]
    # The first 1,024 bytes are the red pixels, row by row.
    red = first[offset : offset + 1024].reshape(32, 32)
    assert np.array_equal(data.images[0, :, :, 0], red)
    x, y = kind(train=False, folder=tmp_path / "here")[:]
    assert x.dtype == np.float32
    assert x.shape == (COUNT, 32, 32, 3)
    raw = kind(train=False, folder=tmp_path / "here", transform=None).images
    wanted = (raw / 255 - np.array(kind.mean)) / np.array(kind.std)
    assert np.allclose(x, wanted, atol=1e-5)
    assert len(kind(train=False, folder=tmp_path / "here").classes) == kind.archive.classes
    assert y.dtype == np.int64


def test_the_environment_names_a_folder(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, files, content = small
    put(tmp_path, kind, files, content, "deep")
    monkeypatch.setenv("QNN_DATA", str(tmp_path))
    train, test = qnn_data.load(kind.archive.key)
    assert (len(train), len(test)) == (COUNT * len(kind.archive.train), COUNT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, directory=str(served), **options)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}/", served
        found.shutdown()


def test_it_is_downloaded_once_and_verified(small: Any, server: Any, tmp_path: Path) -> None:
    kind, _, content = small
    address, served = server
    (served / kind.archive.file).write_bytes(content)
    options: dict[str, Any] = {"cache": tmp_path / "cache", "mirrors": [address]}
    first = kind(train=True, **options)
    (served / kind.archive.file).unlink()
    assert np.array_equal(kind(train=True, **options).images, first.images)
    (tmp_path / "cache" / kind.archive.file).write_bytes(content[:-1] + b"x")
    with pytest.raises(DataError, match="is not the published file: MD5"):
        kind(train=True, **options)


def test_what_is_wrong_is_said(small: Any, server: Any, tmp_path: Path) -> None:
    kind, files, content = small
    address, served = server
    with pytest.raises(DataError, match="is not a folder"):
        kind(folder=tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"(?s)is not to be had.*What to do: put cifar") as caught:
        kind(folder=tmp_path / "empty")
    assert "has neither" in str(caught.value)
    (served / kind.archive.file).write_bytes(content[:-1])
    with pytest.raises(DataError, match=r"MD5 .*; expected"):
        kind(cache=tmp_path / "cache", mirrors=[address])
    assert {path.name for path in (tmp_path / "cache").iterdir()} <= {".lock"}
    name = next(iter(kind.archive.train))
    put(tmp_path / "short", kind, files | {name: files[name][:-1]}, content, "flat")
    with pytest.raises(DataError, match=f"{name} in .* bytes; expected"):
        kind(folder=tmp_path / "short")
    bad = bytearray(files[name])
    bad[kind.archive.labels - 1] = 200
    put(tmp_path / "label", kind, files | {name: bytes(bad)}, content, "flat")
    with pytest.raises(DataError, match="holds label 200; expected 0 to"):
        kind(folder=tmp_path / "label")
    with pytest.raises(TypeError, match="not one string"):
        obtain_packed(kind.archive, kind.archive.test, mirrors="http://a")  # type: ignore[arg-type] # refused
    with pytest.raises(ValueError, match='transform must be a function, None or "default"'):
        kind(transform="other")


def test_kmnist_is_found_as_the_others_of_its_format(tmp_path: Path) -> None:
    folder = tmp_path / "kmnist"
    folder.mkdir()
    for part, count in (("train", 4), ("t10k", 2)):
        images = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        qnn_data.write_idx(folder / f"{part}-images-idx3-ubyte", images)
        qnn_data.write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8))
    train, test = qnn_data.load("kmnist", folder=tmp_path)
    assert (len(train), len(test)) == (4, 2)
    assert train[:][0].shape == (4, 784)
    assert train.classes[:3] == ("o", "ki", "su")
