"""Files are written whole, and to where ``open(path, "wb")`` would write."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
import qnn_data._atomic
from qnn_core.analysis.drawing import draw
from qnn_core.cli.bench import write as write_bench
from qnn_core.files import atomic

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes, links and devices are POSIX's")
ROOT = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can give files away"
)

Writer = Callable[[Path, bytes], None]


def pack_(path: Path, content: bytes) -> None:
    qnn.pack(qnn.MLP([2, 2], seed=len(content)), np.ones((1, 2))).save(path)


WRITERS: dict[str, Writer] = {
    "qnn_core": atomic.atomic_write,
    "qnn_data": qnn_data._atomic.atomic_write,
    "packed": pack_,
    "idx": lambda path, content: qnn_data.write_idx(path, np.frombuffer(content, np.uint8)),
    "bench": lambda path, content: write_bench(path, {}, results=content.decode()),
    "dot": lambda path, content: (
        draw(qnn.MLP([len(content), 2], seed=0), np.ones((1, len(content))), path) and None
    ),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Writer:
    return WRITERS[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.dot"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_the_two_packages_write_in_the_same_way() -> None:
    assert Path(atomic.__file__).read_text() == Path(qnn_data._atomic.__file__).read_text()


@POSIX
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_the_umask(write: Writer, path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write(path, b"new")
    finally:
        os.umask(before)
    assert mode(path) == 0o666 & ~mask
    assert names(path.parent) == [path.name]


@POSIX
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755, 0o4711])
def test_a_file_keeps_its_mode(write: Writer, path: Path, kept: int) -> None:
    path.write_bytes(b"old")
    path.chmod(kept)
    write(path, b"new")
    assert mode(path) == kept
    assert path.read_bytes() != b"old"


@ROOT
def test_a_file_keeps_its_owner(write: Writer, path: Path) -> None:
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (12345, 54321, 0o640)


@pytest.fixture
def users_folder() -> Iterator[Path]:
    """A folder of somebody who is not root, where `as_user` can come."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            os.chown(name, 12345, 777)
        yield Path(name)


def as_user(path: Path, content: str) -> str:
    """Write a file as somebody who is not root; return the last line that was said of it."""
    code = (
        "import os, sys; sys.path[:] = sys.argv[2:]; from qnn_data import _atomic\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(777); os.setuid(12345)\n"
        f"_atomic.atomic_write(sys.argv[1], {content.encode()})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(path), *sys.path],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stderr.rstrip().rpartition("\n")[2]


@ROOT
def test_who_cannot_keep_the_group_lets_it_read_no_more_than_all(users_folder: Path) -> None:
    path = users_folder / "a"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o664)
    assert as_user(path, "new") == ""
    found = path.stat()
    assert path.read_bytes() == b"new"
    assert (found.st_uid, found.st_gid, mode(path)) == (12345, 777, 0o644)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Linux has extended attributes")
def test_a_file_keeps_its_extended_attributes(path: Path) -> None:
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.comment", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    atomic.atomic_write(path, b"new")
    assert os.getxattr(path, "user.comment") == b"mine"


@POSIX
@pytest.mark.parametrize("kind", ["file", "relative", "chain", "dangling", "elsewhere"])
def test_a_link_stays_and_its_file_is_written(write: Writer, path: Path, kind: str) -> None:
    folder = path.parent / "there"
    folder.mkdir()
    target = folder / "file.dot"
    if kind != "dangling":
        target.write_bytes(b"old")
        target.chmod(0o600)
    first = path
    if kind == "chain":
        first = path.with_name("between")
        path.symlink_to(first.name)
    if kind == "elsewhere":
        link = path.with_name("linked")
        link.symlink_to(folder)
        path = link / "file.dot"
    else:
        first.symlink_to(target if kind == "file" else "there/file.dot")
    write(path, b"new")
    assert target.is_file()
    assert not target.is_symlink()
    assert target.read_bytes() not in (b"", b"old")
    assert (kind == "elsewhere") != path.is_symlink()
    assert names(folder) == ["file.dot"]


@POSIX
def test_links_in_a_circle(write: Writer, path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)
    with pytest.raises(OSError, match=r"a\.dot") as caught:
        write(path, b"new")
    assert caught.value.errno == errno.ELOOP


@POSIX
def test_another_name_of_the_file_keeps_the_old_content(path: Path) -> None:
    path.write_bytes(b"old")
    other = path.with_name("other")
    other.hardlink_to(path)
    atomic.atomic_write(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


@POSIX
def test_a_pipe_is_written_to(write: Writer, path: Path) -> None:
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write(path, b"new")
    reader.join()
    assert len(read[0]) > 2
    assert stat.S_ISFIFO(path.stat().st_mode)


@POSIX
def test_a_device_is_written_to_and_stays_one(write: Writer, path: Path) -> None:
    path.symlink_to("/dev/null")
    write(path, b"new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match=r"/dev/full") as caught:
        atomic.atomic_write("/dev/full", b"new")
    assert caught.value.errno == errno.ENOSPC


@POSIX
@pytest.mark.parametrize("where", [subprocess.PIPE, "file"])
def test_standard_output_is_written_to(where: object, path: Path) -> None:
    code = "from qnn_data import _atomic; _atomic.atomic_write('/dev/stdout', b'new')"
    with path.open("wb") as file:
        found = subprocess.run(
            [sys.executable, "-c", code],
            stdout=file if where == "file" else subprocess.PIPE,
            check=True,
        )
    assert (found.stdout or path.read_bytes()) == b"new"
    assert names(path.parent) == [path.name]


def test_what_cannot_be_written_is_named_as_it_was_given(
    write: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir()
    with pytest.raises(OSError, match=r"a\.dot"):
        write(path, b"new")
    monkeypatch.chdir(path.parent)
    lost = Path("no", "a.dot")
    with pytest.raises(FileNotFoundError, match=r"there is no folder 'no' .*: 'no.a\.dot'"):
        write(lost, b"new")
    Path("file").write_bytes(b"")
    with pytest.raises(OSError, match=r"file.a\.dot"):
        write(Path("file", "a.dot"), b"new")
    assert names(path.parent) == ["a.dot", "file"]


@POSIX
def test_what_may_not_be_written_is_refused(users_folder: Path) -> None:
    path = users_folder / "a"
    path.write_bytes(b"old")
    if os.geteuid() == 0:
        os.chown(path, 12345, 777)
    path.chmod(0o444)
    said = as_user(path, "new")
    assert said == f"PermissionError: [Errno 13] it is there, and may not be written: {str(path)!r}"
    path.chmod(0o644)
    users_folder.chmod(0o555)
    said = as_user(path, "new")
    users_folder.chmod(0o755)
    assert said.startswith("PermissionError: [Errno 13] Permission denied (it is made beside its")
    assert said.endswith(f", in {str(users_folder)!r}, and moved there): {str(path)!r}")
    assert path.read_bytes() == b"old"
    assert names(users_folder) == [path.name]


@pytest.mark.parametrize("length", [1, 200, 230, 255])
def test_names_as_long_as_they_may_be(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("x" * length)
    for content in (b"old", b"new"):
        atomic.atomic_write(path, content)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [path.name]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of files are Linux's here")
def test_a_disk_that_is_full_leaves_the_old_file(path: Path) -> None:
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys; from qnn_data import _atomic; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "_atomic.atomic_write(sys.argv[1], bytes(5000))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert found.stderr.rstrip().endswith(f"File too large: {str(path)!r}")
    assert path.read_bytes() == b"old"
    assert names(path.parent) == [path.name]


@POSIX
def test_an_interrupt_leaves_no_draft(path: Path) -> None:
    code = (
        "import os, signal, sys; from qnn_data import _atomic\n"
        "def slow(handle): os.kill(os.getpid(), signal.SIGINT)\n"
        "os.fsync = slow\n"
        "_atomic.atomic_write(sys.argv[1], b'new')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, check=False
    )
    assert found.stderr.rstrip().endswith(b"KeyboardInterrupt")
    assert names(path.parent) == []


def test_drafts_of_killed_writers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["a[1].qnn", ".a[1].qnn", ".b.qnn.00.partial", "a[1].qnn.partial"]
    for name in (*kept, ".a[1].qnn.0123456789abcdef.partial"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link").symlink_to("a[1].qnn")
    atomic.remove_drafts(tmp_path / "link")
    assert names(tmp_path) == sorted([*kept, "link"])
