"""Locks beside files, and what they are for: two runs on one checkpoint."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import FileError
from qnn_core.files import locked
from qnn_core.training import Checkpoint, Epoch

BATCHES = [(np.eye(3), np.arange(3))]

HOLD = """
import sys, time
from qnn_core.files import locked
with locked(sys.argv[1]) as held:
    print(held, flush=True)
    sys.stdin.readline()
"""


class Holder:
    """A process that holds a lock until it is told to let go, or killed."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "True\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def let_go(self) -> None:
        self.process.communicate("\n")


def run(path: Path, resume: bool = False) -> qnn.History:
    model = qnn.MLP([3, 3], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    return qnn.fit(model, BATCHES, epochs=2, optimizer=optimizer, checkpoint=path, resume=resume)


def test_another_process_is_kept_out_until_it_lets_go(tmp_path: Path) -> None:
    holder = Holder(tmp_path / "a")
    with (
        pytest.raises(BlockingIOError, match=r"another process holds the lock: '.*a'"),
        locked(tmp_path / "a"),
    ):
        pass
    with locked(tmp_path / "b"):
        pass
    holder.let_go()
    with locked(tmp_path / "a") as held:
        assert held
    assert os.listdir(tmp_path) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    holder = Holder(tmp_path / "a")
    holder.kill()
    assert os.listdir(tmp_path) == [".a.lock"]
    with locked(tmp_path / "a") as held:
        assert held
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="links need no rights there")
def test_a_link_has_the_lock_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a")
    with locked(tmp_path / "link"), pytest.raises(BlockingIOError), locked(tmp_path / "a"):
        pass


def test_the_threads_of_a_process_keep_each_other_out(tmp_path: Path) -> None:
    found: list[str] = []

    def attempt() -> None:
        try:
            with locked(tmp_path / "a"):
                found.append("in")
        except BlockingIOError as error:
            found.append(str(error.strerror))

    with locked(tmp_path / "a"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        # The attempt has not let go of the lock that this thread holds.
        other = [sys.executable, "-c", HOLD, str(tmp_path / "a")]
        refused = subprocess.run(other, capture_output=True, text=True, check=False)
        assert "another process holds the lock" in refused.stderr
    attempt()
    assert found == ["this process holds the lock already", "in"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are forks on POSIX only")
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from qnn_core.files import locked\n"
        "with locked(sys.argv[1]):\n"
        "    if os.fork() == 0:\n"
        "        print('forked', flush=True); time.sleep(60)\n"
        "    else:\n"
        "        time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "forked\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    try:
        with locked(tmp_path / "a") as held:
            assert held
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


COUNT = """
import sys
from pathlib import Path
from qnn_core.files import locked
path, counter = map(Path, sys.argv[1:])
for _ in range(50):
    while True:
        try:
            with locked(path):
                counter.write_text(str(int(counter.read_text()) + 1))
            break
        except BlockingIOError:
            pass
"""


def test_many_that_take_it_in_turn_are_never_in_it_at_once(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    program = [sys.executable, "-c", COUNT, str(tmp_path / "a"), str(counter)]
    processes = [subprocess.Popen(program) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert counter.read_text() == "150"
    assert os.listdir(tmp_path) == ["counter"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_run_on_a_checkpoint_is_refused_and_harms_nothing(
    tmp_path: Path, resume: bool
) -> None:
    path = tmp_path / "run.qnn"
    refused: list[str] = []

    def second(epoch: Epoch) -> None:
        # As it is in the middle of the first run's writing.
        draft = tmp_path / ".run.qnn.0123456789abcdef.partial"
        draft.write_bytes(b"half")
        with pytest.raises(FileError, match=r"another run is at work with the checkpoint .*run"):
            run(path, resume)
        refused.append(draft.read_bytes().decode())

    model = qnn.MLP([3, 3], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    history = qnn.fit(
        model, BATCHES, epochs=3, optimizer=optimizer, checkpoint=path, on_epoch=second
    )
    assert len(history.epochs) == 3
    assert refused == ["half"] * 3
    assert len(Checkpoint.load(path).history.epochs) == 3


def test_a_run_of_another_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    holder = Holder(path)
    with pytest.raises(FileError, match="another run is at work"):
        run(path)
    assert not path.exists()
    holder.kill()
    run(path)
    assert os.listdir(tmp_path) == ["run.qnn"]


def test_an_error_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    run(path)
    with pytest.raises(FileExistsError):
        run(path)
    assert len(run(path, resume=True).epochs) == 2
    assert os.listdir(tmp_path) == ["run.qnn"]


def test_a_checkpoint_in_no_folder_is_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no folder 'no' .*: 'no.run\.qnn'"):
        run(Path("no", "run.qnn"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are forks on POSIX only")
def test_a_forked_child_that_ends_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from qnn_core.files import locked\n"
        "with locked(sys.argv[1]):\n"
        "    child = os.fork()\n"
        "    if child == 0: sys.exit()\n"
        "    os.waitpid(child, 0)\n"
        "    print(os.listdir(os.path.dirname(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "['.a.lock']\n"
    assert os.listdir(tmp_path) == []
