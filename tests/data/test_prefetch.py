"""DataLoader(prefetch=n): the same batches, from a thread that never outlives its iteration."""

import gc
import itertools
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_data import ArrayDataset, DataLoader, Spiral
from qnn_data._prefetch import prefetched

PATIENCE = 300  # seconds until what waits counts as hanging: a busy machine is no hang


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "prefetch" in thread.name]


def wait_until(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < until:
        time.sleep(0.001)
    return true()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert wait_until(lambda: not threads()), threads()


def values(loader: DataLoader) -> list[tuple[list[Any], list[int]]]:
    return [(x.tolist(), y.tolist()) for x, y in loader]


@given(
    count=st.integers(1, 40),
    size=st.integers(1, 45),
    prefetch=st.integers(1, 50),
    shuffle=st.booleans(),
)
def test_the_same_batches(count: int, size: int, prefetch: int, shuffle: bool) -> None:
    data = ArrayDataset(np.arange(count * 2).reshape(count, 2), np.arange(count))
    inline = DataLoader(data, size, shuffle)
    ahead = DataLoader(data, size, shuffle, prefetch=prefetch)
    for _ in range(2):
        assert values(ahead) == values(inline)
    for loader in (inline, ahead):
        loader.set_epoch(7)
    assert values(ahead) == values(inline)


def test_iterations_at_once() -> None:
    loader = DataLoader(Spiral(), 10, shuffle=True, prefetch=2)
    alone = [values(loader) for _ in range(2)]
    loader.set_epoch(0)
    pairs = zip(loader, loader, strict=True)
    together = [[(x.tolist(), y.tolist()) for x, y in pair] for pair in pairs]
    assert [list(each) for each in zip(*together, strict=True)] == alone


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_never_further_ahead(ahead: int) -> None:
    made: list[int] = []
    items = prefetched(lambda number: made.append(number) or number, 30, ahead)
    for taken in itertools.count(1):
        if next(items, None) is None:
            break
        due = min(taken + ahead, 30)
        assert wait_until(lambda due=due: len(made) == due)  # type: ignore[misc] # a default has no type
    assert made == list(range(30))


class Broken(Exception):
    pass


def breaking(number: int) -> int:
    if number == 3:
        raise Broken("sample 3")
    return number


@pytest.mark.parametrize("ahead", [1, 9])
def test_an_exception_comes_at_its_batch_with_its_traceback(ahead: int) -> None:
    items = prefetched(breaking, 10, ahead)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Broken, match="sample 3") as caught:
        next(items)
    assert "breaking" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert next(items, "the end") == "the end"


def test_a_break_ends_the_thread() -> None:
    for number, _ in enumerate(DataLoader(Spiral(), 1, prefetch=2)):
        if number == 5:
            break
    assert wait_until(lambda: not threads())


def test_an_iteration_that_is_in_a_cycle_is_collected() -> None:
    holder: list[Any] = [iter(DataLoader(Spiral(), 1, prefetch=2))]
    next(holder[0])
    holder.append(holder)
    assert threads()


def test_one_that_gave_no_batch_has_no_thread() -> None:
    batches = iter(DataLoader(Spiral(), 1, prefetch=2))
    assert not threads()
    del batches


def test_where_no_thread_can_start_the_batches_are_made_inline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert list(prefetched(str, 4, 2)) == ["0", "1", "2", "3"]


def run(program: str) -> str:
    head = "import os, sys\nfrom qnn_data import DataLoader, Spiral\n"
    head += "loader = DataLoader(Spiral(), 100, prefetch=2)\nbatches = iter(loader)\n"
    command = [sys.executable, "-c", head + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("end", ["", "sys.exit()", "del loader"])
def test_python_ends_amid_an_iteration(end: str) -> None:
    assert run(f"next(batches)\nprint('done')\n{end}") == "done\n"


def test_python_ends_with_an_iteration_in_atexit() -> None:
    assert run("import atexit\natexit.register(lambda: print(len(list(batches))))") == "3\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_goes_on_and_starts_anew() -> None:
    program = (
        "import warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)  # Python 3.12: fork with threads\n"
        "next(batches)\n"
        "child = os.fork()\n"
        "counts = len(list(batches)), len(list(loader))\n"
        "os.write(1, b'%d %d\\n' % counts)  # print may write in parts, amid the other's\n"
        "if child: assert os.waitpid(child, 0)[1] == 0\n"
    )
    assert run(program).split() == ["2", "3", "2", "3"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_the_wait() -> None:
    program = (
        "import signal, threading\n"
        "from qnn_data._prefetch import prefetched\n"
        "def make(number):\n"
        f"    if number: caught.wait({PATIENCE})\n"
        "    return number\n"
        "caught = threading.Event()\n"
        "items = prefetched(make, 9, 1)\n"
        "next(items)\n"
        "try:\n"
        "    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    next(items)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
        "caught.set()\n"
    )
    assert run(program) == "interrupted\n"


@pytest.mark.parametrize(("prefetch", "error"), [(-1, ValueError), (1.0, TypeError)])
def test_bad_prefetch(prefetch: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="prefetch must be"):
        DataLoader(Spiral(), 1, prefetch=prefetch)


def test_repr() -> None:
    assert "prefetch=2" in repr(DataLoader(Spiral(), 1, prefetch=2))
