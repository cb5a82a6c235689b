"""EMNIST: upright images, classes from 0, from files, from the archive, or from a server."""

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_data
from qnn_data import EMNIST, DataError
from qnn_data.emnist import SPLITS

pytestmark = pytest.mark.usefixtures("no_data")

COUNT = {"train": 60, "test": 20}
CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "digits": 10, "letters": 26, "mnist": 10}


def stored(split: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as EMNIST's files have them."""
    rng = np.random.default_rng(COUNT[part])
    images = rng.integers(0, 256, (COUNT[part], 28, 28), dtype=np.uint8)
    labels = np.arange(COUNT[part], dtype=np.uint8) % CLASSES[split]
    return images, labels + (split == "letters")


def files_of(split: str, **changed: np.ndarray) -> dict[str, bytes]:
    """Return the four gzipped files of a split; `changed`: such as train_images."""
    files = {}
    for part in COUNT:
        images, labels = stored(split, part)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            own = changed.get(f"{part}_{kind[:6]}", array)
            files[f"emnist-{split}-{part}-{kind}-ubyte.gz"] = gzip.compress(
                qnn_data.encode_idx(own), mtime=0
            )
    return files


def put(folder: Path, files: dict[str, bytes], plain: bool = False) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / (name.removesuffix(".gz") if plain else name)
        path.write_bytes(gzip.decompress(content) if plain else content)
    return folder


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The bytes of a small archive, whose checksum is known to the data set."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        for split in SPLITS:
            for name, data in files_of(split).items():
                writer.writestr(f"gzip/{name}", data)
    found = file.getvalue()
    checksum = f"sha256:{hashlib.sha256(found).hexdigest()}"
    archive = replace(EMNIST.archive, size=len(found), checksum=checksum)
    monkeypatch.setattr(EMNIST, "archive", archive)
    return found


def check(data: Any, split: str, part: str) -> None:
    images, labels = stored(split, part)
    np.testing.assert_array_equal(data.images, images.transpose(0, 2, 1))
    np.testing.assert_array_equal(data.labels, labels.astype(int) - (split == "letters"))
    assert data.images.dtype == np.uint8
    assert data.images.flags.c_contiguous
    assert data.labels.dtype == np.int64
    assert len(data.classes) == CLASSES[split]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("below", ["", "emnist", "gzip", "emnist/gzip"])
@pytest.mark.parametrize("plain", [False, True])
def test_unpacked_files(tmp_path: Path, split: Any, below: str, plain: bool) -> None:
    put(tmp_path / "here" / below, files_of(split), plain)
    check(EMNIST(split=split, folder=tmp_path / "here"), split, "train")
    check(EMNIST(train=False, split=split, folder=tmp_path / "here"), split, "test")


@pytest.mark.parametrize("below", ["", "emnist"])
def test_by_name_from_the_archive(
    content: bytes, tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "here" / below, {"gzip.zip": content})
    monkeypatch.setenv("QNN_DATA", str(tmp_path / "here"))
    for split in SPLITS:
        train, test = qnn_data.load(f"emnist-{split}")
        check(train, split, "train")
        check(test, split, "test")
        assert train[:3][0].shape == (3, 784)


def test_names_of_classes(tmp_path: Path) -> None:
    for split in SPLITS:
        put(tmp_path / split, files_of(split))
    names = {split: EMNIST(split=split, folder=tmp_path / split).classes for split in SPLITS}
    assert names["letters"] == tuple("abcdefghijklmnopqrstuvwxyz")
    assert names["digits"] == names["mnist"] == tuple("0123456789")
    assert names["balanced"] == names["bymerge"]
    # As the mapping beside the published files has them: 36 is "a", 38 is "d", 46 is "t".
    assert names["balanced"][35:] == ("Z", *"abdefghnqrt")
    assert names["byclass"][9:11] == ("9", "A")
    assert names["byclass"][35:37] == ("Z", "a")


def test_download(
    content: bytes, new_mirror: Callable[[], Any], tmp_path: Path, caplog: Any
) -> None:
    mirror = new_mirror()
    (mirror.folder / "gzip.zip").write_bytes(content)
    options: dict[str, Any] = {"cache": tmp_path / "cache", "mirrors": [mirror.url]}
    for split in SPLITS:
        check(EMNIST(split=split, **options), split, "train")
    assert mirror.requests == ["/gzip.zip"]
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name != ".lock"] == [
        "gzip.zip"
    ]
    (tmp_path / "cache" / "gzip.zip").write_bytes(content[:-1] + b"x")
    check(EMNIST(**options), "balanced", "train")  # a damaged cache is mended
    assert mirror.requests == ["/gzip.zip"] * 2
    assert (
        caplog.messages
        == [
            f"downloading EMNIST from {mirror.url} to {tmp_path / 'cache'}",
        ]
        * 2
    )


def test_a_cache_that_cannot_be_written(
    content: bytes, new_mirror: Callable[[], Any], tmp_path: Path, caplog: Any
) -> None:
    mirror = new_mirror()
    (mirror.folder / "gzip.zip").write_bytes(content)
    (tmp_path / "file").touch()
    check(EMNIST(cache=tmp_path / "file" / "c", mirrors=[mirror.url]), "balanced", "train")
    assert "cannot keep gzip.zip" in caplog.text


@pytest.mark.parametrize(
    ("sent", "match"),
    [
        (lambda content: content[:-1] + b"x", "is not the published file: SHA256 .*; expected"),
        (lambda content: content[:-1], "is not the published file: SHA256"),
        (lambda content: content + b"x", r"sent more than [\d,]+ bytes"),
        (None, "404"),
    ],
)
def test_a_server_with_another_file(
    content: bytes, new_mirror: Callable[[], Any], tmp_path: Path, sent: Any, match: str
) -> None:
    mirror = new_mirror()
    if sent:
        (mirror.folder / "gzip.zip").write_bytes(sent(content))
    with pytest.raises(DataError, match=rf"(?s)EMNIST is not to be had.*{match}.*What to do: put"):
        EMNIST(cache=tmp_path / "cache", mirrors=[mirror.url])
    assert {path.name for path in (tmp_path / "cache").iterdir()} <= {".lock"}


def test_a_damaged_archive_in_a_folder_is_an_error(content: bytes, tmp_path: Path) -> None:
    put(tmp_path / "emnist", {"gzip.zip": content[:-1]})
    with pytest.raises(DataError, match=r"gzip\.zip is not the published file: SHA256"):
        EMNIST(folder=tmp_path)


def test_an_archive_without_the_files_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("gzip/readme.txt", "")
    checksum = f"sha256:{hashlib.sha256(file.getvalue()).hexdigest()}"
    monkeypatch.setattr(EMNIST, "archive", replace(EMNIST.archive, checksum=checksum))
    put(tmp_path / "emnist", {"gzip.zip": file.getvalue()})
    with pytest.raises(DataError, match=r"has no file .*emnist-balanced-train-images"):
        EMNIST(folder=tmp_path)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"train_images": np.zeros((60, 28, 27), np.uint8)}, r"images.*\(60, 28, 27\); expected"),
        ({"train_images": np.zeros((60, 28, 28), np.int8)}, "int8 .*expected uint8 images"),
        ({"train_labels": np.ones(59, np.uint8)}, r"labels.*\(59,\); expected.*\(60,\), one for"),
        (
            {"train_labels": np.zeros(60, np.uint8)},
            "labels.* in .*emnist holds label 0; expected 1 to",
        ),
        ({"train_labels": np.full(60, 27, np.uint8)}, "holds label 27; expected 1 to 26"),
    ],
)
def test_files_of_another_structure(
    tmp_path: Path, changed: dict[str, np.ndarray], match: str
) -> None:
    put(tmp_path / "emnist", files_of("letters", **changed))
    with pytest.raises(DataError, match=match):
        EMNIST(split="letters", folder=tmp_path)


@pytest.mark.parametrize("cut", [1, 10, 1000])
def test_a_cut_file_is_an_error(tmp_path: Path, cut: int) -> None:
    files = files_of("digits")
    name = "emnist-digits-test-images-idx3-ubyte.gz"
    put(tmp_path / "emnist", files | {name: files[name][:-cut]})
    check(EMNIST(split="digits", folder=tmp_path), "digits", "train")
    with pytest.raises(DataError, match=r"EMNIST: emnist-digits-test-images.* in .*emnist: .*cut"):
        EMNIST(train=False, split="digits", folder=tmp_path)


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of balanced, .*, mnist, got 'words'"):
        EMNIST(split="words")  # type: ignore[arg-type]  # refused
    with pytest.raises(ValueError, match='a function, None or "default"'):
        EMNIST(transform="flat", folder=tmp_path)  # type: ignore[arg-type]  # refused
    with pytest.raises(ValueError, match="did you mean 'emnist-letters'"):
        qnn_data.load("emnist_letters")
    with pytest.raises(DataError, match=r"(?s)neither gzip with emnist-balanced-train-images.*zip"):
        EMNIST(folder=tmp_path)
