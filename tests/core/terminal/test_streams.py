"""Programs and training work whatever standard output and error are."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import cli
from qnn_core.terminal import command, is_terminal, is_writable, say

BATCHES = [(np.eye(3), np.arange(3))]
POSIX = pytest.mark.skipif(os.name != "posix", reason="pipes and /dev/full are POSIX's")


class Bare:
    """A stream that can be written to, and no more."""

    def __init__(self, fails: bool = False) -> None:
        self.text = ""
        self.fails = fails

    def write(self, text: str) -> int:
        if self.fails:
            raise OSError(5, "the terminal is gone")
        self.text += text
        return len(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(Bare):
    def __init__(self) -> None:
        super().__init__(fails=True)

    def isatty(self) -> bool:
        return True


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


STREAMS: dict[str, Any] = {
    "none": lambda: None,
    "closed": closed,
    "bare": Bare,
    "gone": Gone,
    "no stream": object,
    "ascii": lambda: io.TextIOWrapper(io.BytesIO(), "ascii"),
}


@pytest.fixture(params=STREAMS)
def stream(request: pytest.FixtureRequest) -> Any:
    return STREAMS[request.param]()


@pytest.mark.parametrize("progress", [None, True, False])
def test_training_needs_no_streams(
    stream: Any, progress: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    model = qnn.MLP([3, 3], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    # More than half a second, after which a bar would show.
    batches = BATCHES * 400
    history = qnn.fit(model, batches, epochs=2, optimizer=optimizer, progress=progress)
    assert len(history.epochs) == 2
    assert qnn.evaluate(model, BATCHES).samples == 3


def test_a_bar_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    model = qnn.MLP([3, 3], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    qnn.fit(model, BATCHES, epochs=1, optimizer=optimizer)
    assert is_terminal(terminal)


def test_what_streams_are() -> None:
    assert [is_writable(make()) for make in STREAMS.values()] == [0, 0, 1, 1, 0, 1]
    assert [is_terminal(make()) for make in STREAMS.values()] == [0, 0, 0, 1, 0, 0]


def test_news_go_nowhere_or_are_replaced(stream: Any) -> None:
    say("±1 → 数", stream)
    if isinstance(stream, io.TextIOWrapper):
        assert stream.buffer.getvalue() == b"?1 ? ?\n"  # type: ignore[attr-defined] # it is BytesIO
    elif type(stream) is Bare:
        assert stream.text == "±1 → 数\n"


def test_a_command_prints_wherever_it_can(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream)

    @command
    def main() -> int:
        print("±1 → 数")
        return 7

    assert main() == (1 if isinstance(stream, Gone) else 7)
    if isinstance(stream, io.TextIOWrapper):
        assert stream.buffer.getvalue() == b"?1 ? ?\n"  # type: ignore[attr-defined] # it is BytesIO
    elif type(stream) is Bare:
        assert stream.text == "±1 → 数\n"


def test_a_command_leaves_the_streams_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    command(lambda: None)()
    assert sys.stdout is None


def test_errors_of_files_are_not_those_of_the_output() -> None:
    @command
    def main() -> int:
        raise BrokenPipeError(32, "Broken pipe", "a.fifo")

    with pytest.raises(BrokenPipeError):
        main()


# The programs themselves


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("info") / "net.qnn"
    model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
    qnn.pack(model, np.zeros((1, 3))).save(path)
    return path


def shell(line: str, *inherited: int, **environment: str) -> subprocess.CompletedProcess[str]:
    qnn = f'"{sys.executable}" -c "import sys; from qnn_core.cli import main; sys.exit(main())"'
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('qnn ', qnn + ' ')}"],
        capture_output=True,
        text=True,
        check=False,
        pass_fds=inherited,
        env={**os.environ, **environment},
    )


@POSIX
def test_info_reads_a_pipe(file: Path) -> None:
    found = shell(f"qnn info <(cat '{file}')")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == shell(f"qnn info '{file}'").stdout
    assert found.stdout.startswith("qnn packed model, version 3\n")
    assert "input0: float32 [batch, 3]" in found.stdout


@POSIX
@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/urandom"])
def test_info_of_a_device_ends(device: str) -> None:
    found = shell(f"qnn info {device}")
    assert found.returncode == 1
    assert found.stderr.startswith(f"qnn: {device} is not a whole file of this kind")


@POSIX
@pytest.mark.parametrize("words", ["info '{file}'", "schemes", "--help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nobody_reads_on(words: str, unbuffered: str, file: Path) -> None:
    read, write = os.pipe()
    os.close(read)  # before the first word
    found = shell(f"qnn {words.format(file=file)} >&{write}", write, PYTHONUNBUFFERED=unbuffered)
    os.close(write)
    assert (found.returncode, found.stderr) == (141, "")


@POSIX
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["info '{file}'", "schemes"])
def test_a_full_disk_is_said_in_one_line(words: str, unbuffered: str, file: Path) -> None:
    found = shell(f"qnn {words.format(file=file)} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert found.returncode == 1
    assert found.stderr == "standard output: No space left on device\n"


@POSIX
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "2> /dev/full"])
def test_streams_that_are_not_there(streams: str, file: Path) -> None:
    assert shell(f"qnn info '{file}' {streams}").returncode == 0
    assert shell(f"qnn info '{file}.none' {streams}").returncode == 1


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "cp932", "utf-8"])
def test_a_name_that_the_encoding_does_not_have(
    encoding: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Größe±.qnn"
    path.write_bytes(b"no such file")
    code = "import sys; from qnn_core.cli import main; sys.exit(main())"
    found = subprocess.run(
        [sys.executable, "-c", code, "new-quantizer", "soft-ternary", str(tmp_path / "Größe±")],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count(b"\n") > 4
    assert found.stdout.decode(encoding).startswith(str(tmp_path)[:4])


def test_the_report_of_checks_is_written_before_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Bare(fails=True))
    assert cli.main(["check", "binary", "--json", str(tmp_path / "report.json")]) == 1
    assert (tmp_path / "report.json").exists()
