"""Cells in real processes: on this machine and on a Dask cluster, some of them killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import qnn_core as qnn
from qnn_core.comparison.cluster import dask_executor
from qnn_core.comparison.note import read_notes
from qnn_core.errors import CompareError
from studies_to_compare import Marked, data, net
from test_compare import SMALL, same

STUDY = SMALL | {"weights": ["symmetric"], "bits": [2, 3, 32], "seeds": 3}
CELLS = {(arm, seed) for arm in ("float", "symmetric:2", "symmetric:3") for seed in range(3)}


@pytest.fixture(scope="module")
def expected() -> qnn.Comparison:
    return qnn.compare(net, data, executor=2, **STUDY)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


def test_a_killed_cell_fails_and_the_others_go_on(
    expected: qnn.Comparison, calls: Path, tmp_path: Path
) -> None:
    build = Marked(calls, killed="Symmetric(bits=2)")
    found = qnn.compare(build, data, executor=2, store=tmp_path / "s", **STUDY)
    (failure,) = found.failures
    assert (failure.arm, failure.seed, failure.failure) == ("symmetric:2", 1, "killed")
    assert "want of memory" in failure.reason
    rest = {cell: r for cell, r in expected.results.items() if cell != ("symmetric:2", 1)}
    others = {cell: r for cell, r in found.results.items() if r.done}
    assert same(qnn.Comparison(found.plan, others), qnn.Comparison(found.plan, rest))
    # Twice where it was killed; its neighbour of then, which may have been the cause, too.
    assert max(Counter(build.calls()).values()) == 2
    # What was killed is tried again, since memory may be there now.
    count = len([*build.calls()])
    again = qnn.compare(build, data, executor=1, store=tmp_path / "s", **STUDY)
    assert [r.failure for r in again.failures] == ["killed"]
    assert len([*build.calls()]) > count


def test_an_error_of_the_builder_is_a_result(calls: Path) -> None:
    build = Marked(calls, raises="Symmetric(bits=3)")
    found = qnn.compare(build, data, executor=1, **STUDY)
    (failure,) = found.failures
    assert (failure.failure, failure.reason) == (
        "raised",
        "ZeroDivisionError: a bug of the builder",
    )
    assert Counter(build.calls()) == dict.fromkeys(
        ((n, s) for n in ("float", "Symmetric(bits=2)", "Symmetric(bits=3)") for s in range(3)), 1
    )


def test_any_executor_will_do(expected: qnn.Comparison) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        assert same(expected, qnn.compare(net, data, executor=executor, **STUDY))


def test_a_broken_executor_keeps_what_is_done(calls: Path, tmp_path: Path) -> None:
    build = Marked(calls, killed="Symmetric(bits=3)", seed=0)
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as executor,
        pytest.raises(CompareError, match=r"the executor broke .* cells left; .* kept"),
    ):
        qnn.compare(build, data, executor=executor, store=tmp_path / "s", **STUDY)
    assert len(qnn.Comparison.load(tmp_path / "s").results) == 2


SCRIPT = """
import sys
import qnn_core as qnn
sys.path.insert(0, {here!r})
from studies_to_compare import data, Marked
build = Marked(__import__("pathlib").Path({calls!r}))
found = qnn.compare(build, data, weights=["symmetric"], bits=[2, 3, 32], seeds=3, epochs=2,
                    batch_size=20, lr=0.01, executor=2, store={store!r})
print(found.complete)
"""


def started(tmp_path: Path, calls: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a study, in a group of processes of its own, as a terminal does."""
    here = str(Path(__file__).parent)
    script = SCRIPT.format(here=here, calls=str(calls), store=str(tmp_path / "s"))
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"MARKED_SECONDS": str(seconds)},
    )  # fmt: skip


def wait_for_cells(tmp_path: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len([*tmp_path.glob("s/cells/*.json")]) < count:
        assert time.monotonic() < end, "no cell has ended within a minute"
        time.sleep(0.02)


def workers_of(group: int) -> list[int]:
    """Return the processes of a group that are still there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_study_that_was_stopped_at_any_moment_goes_on(
    expected: qnn.Comparison, tmp_path: Path, calls: Path, how: signal.Signals
) -> None:
    process = started(tmp_path, calls, seconds=0.3)
    wait_for_cells(tmp_path, 3)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: to all of them
    else:
        process.kill()
    out, err = process.communicate(timeout=60)
    assert out == ""
    if how == signal.SIGINT:
        assert "stopped by Ctrl-C with" in err
        assert f"store={str(tmp_path / 's')!r} goes on" in err
        assert err.count("Traceback") == 1  # that of KeyboardInterrupt, which a program may catch
    end = time.monotonic() + 20
    while workers_of(process.pid):
        assert time.monotonic() < end, "workers go on for nobody"
        time.sleep(0.1)
    done = {path.name for path in tmp_path.glob("s/cells/*.json")}
    assert 3 <= len(done) < len(CELLS)
    begun = Counter(Marked(calls).calls())
    again = started(tmp_path, calls, seconds=0)
    out, err = again.communicate(timeout=120)
    assert (out, again.returncode) == ("True\n", 0), err
    assert f"{len(done)} of 9 cells were done before" in err
    assert sum(Counter(Marked(calls).calls()).values()) == sum(begun.values()) + 9 - len(done)
    found = qnn.Comparison.load(tmp_path / "s")
    assert same(found, expected)
    assert not [*tmp_path.glob("s/**/.*")]
    assert not [*tmp_path.glob("s/running/*")]


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_ctrl_c_is_heard_while_processes_start(tmp_path: Path, calls: Path) -> None:
    process = started(tmp_path, calls, seconds=0.5)
    while not (tmp_path / "s" / "study.json").exists():
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "stopped by Ctrl-C with 0 of 9 cells done" in err


def test_a_running_cell_says_how_far_it_is(tmp_path: Path, calls: Path) -> None:
    process = started(tmp_path, calls, seconds=0.3)
    try:
        seen = []
        while process.poll() is None:
            seen += read_notes(tmp_path / "s" / "running")
            time.sleep(0.005)
    finally:
        process.communicate(timeout=60)
    assert {far.epochs for far in seen} == {2}
    assert {far.epoch for far in seen} >= {0}
    assert any(far.loss is not None and far.seconds_left is not None for far in seen)


# Dask


@pytest.fixture(scope="module")
def cluster() -> Any:
    """A scheduler and three worker processes, each of one thread."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None,
        scheduler_port=0, memory_limit=0, silence_logs=50,
    ) as cluster:  # fmt: skip
        yield cluster


def test_a_dask_cluster_gives_the_same_numbers(expected: qnn.Comparison, cluster: Any) -> None:
    with dask_executor(cluster.scheduler_address) as executor:
        assert same(expected, qnn.compare(net, data, executor=executor, **STUDY))


def test_with_one_worker_killed_nothing_is_lost_or_done_twice(
    expected: qnn.Comparison, cluster: Any, tmp_path: Path, calls: Path
) -> None:
    build = Marked(calls, seconds=0.4)
    killed: list[int] = []

    def kill(pids: list[int]) -> None:
        wait_for_cells(tmp_path, 2)
        killed.extend(pids[:1])
        os.kill(pids[0], signal.SIGKILL)

    pids = [worker.process.pid for worker in cluster.workers.values()]
    killer = threading.Thread(target=kill, args=(pids,))
    killer.start()
    with dask_executor(cluster.scheduler_address) as executor:
        found = qnn.compare(build, data, executor=executor, store=tmp_path / "s", **STUDY)
    killer.join()
    assert killed
    assert found.complete
    assert not found.failures
    assert same(found, expected)
    begun = Counter(build.calls())
    assert begun.keys() == {
        (n, s) for n in ("float", "Symmetric(bits=2)", "Symmetric(bits=3)") for s in range(3)
    }
    # What ran on the killed worker, one cell and no more, was begun again.
    assert sum(begun.values()) <= len(CELLS) + 1


def test_no_scheduler_is_an_error() -> None:
    with (
        pytest.raises(CompareError, match="no Dask scheduler answers"),
        dask_executor("tcp://127.0.0.1:1"),
    ):
        pytest.fail("there is none")
