"""Runs in real processes: on this machine and on a Dask cluster, some of them killed."""

import os
import shlex
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
from qnn_compare.experiment import cluster as cluster_module
from qnn_compare.experiment.cluster import dask_executor
from qnn_compare.experiment.heartbeat import read_heartbeats
from qnn_compare.experiment.store import Store
from qnn_core.errors import CompareError
from studies_to_compare import Marked, data, net, pooled_net, unseeded_data
from test_compare import SMALL, same

PATIENCE = 300  # seconds until what waits counts as hanging: a busy machine is no hang
STUDY = SMALL | {"weights": ["symmetric"], "bits": [2, 3, 32], "seeds": 3}
RUNS = {(config, seed) for config in ("float", "symmetric:2", "symmetric:3") for seed in range(3)}


@pytest.fixture(scope="module")
def expected() -> qnn.Comparison:
    return qnn.compare(net, data, executor=2, **STUDY)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


def test_a_killed_run_fails_and_the_others_go_on(
    expected: qnn.Comparison, calls: Path, tmp_path: Path
) -> None:
    build = Marked(calls, killed="Symmetric(bits=2)")
    found = qnn.compare(build, data, executor=2, store=tmp_path / "s", **STUDY)
    (failure,) = found.failures
    assert (failure.config, failure.seed, failure.failure) == ("symmetric:2", 1, "killed")
    assert "want of memory" in failure.reason
    rest = {run: r for run, r in expected.results.items() if run != ("symmetric:2", 1)}
    others = {run: r for run, r in found.results.items() if r.done}
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
        pytest.raises(CompareError, match=r"the executor broke .* runs left; .* kept"),
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
    here = str(Path(__file__).parents[1] / "helpers")
    script = SCRIPT.format(here=here, calls=str(calls), store=str(tmp_path / "s"))
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"MARKED_SECONDS": str(seconds)},
    )  # fmt: skip


def wait_for_runs(tmp_path: Path, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len([*tmp_path.glob("s/cells/*.json")]) < count:
        assert time.monotonic() < end, "no run has ended"
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
    wait_for_runs(tmp_path, 3)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: to all of them
    else:
        process.kill()
    out, err = process.communicate(timeout=PATIENCE)
    assert out == ""
    if how == signal.SIGINT:
        assert "stopped by Ctrl-C with" in err
        assert f"store={str(tmp_path / 's')!r} goes on" in err
        assert err.count("Traceback") == 1  # that of KeyboardInterrupt, which a program may catch
    end = time.monotonic() + PATIENCE
    while workers_of(process.pid):
        assert time.monotonic() < end, "workers go on for nobody"
        time.sleep(0.1)
    done = {path.name for path in tmp_path.glob("s/cells/*.json")}
    assert 3 <= len(done) < len(RUNS)
    begun = Counter(Marked(calls).calls())
    again = started(tmp_path, calls, seconds=0)
    out, err = again.communicate(timeout=PATIENCE)
    assert (out, again.returncode) == ("True\n", 0), err
    assert f"{len(done)} of 9 runs were done before" in err
    assert sum(Counter(Marked(calls).calls()).values()) == sum(begun.values()) + 9 - len(done)
    found = qnn.Comparison.load(tmp_path / "s")
    assert same(found, expected)
    assert not [*tmp_path.glob("s/**/.*")]
    assert not [*tmp_path.glob("s/running/*")]


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_ctrl_c_is_heard_while_processes_start(tmp_path: Path, calls: Path) -> None:
    process = started(tmp_path, calls, seconds=5)
    while not (tmp_path / "s" / "study.json").exists():
        assert process.poll() is None, "it ended before it began"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "stopped by Ctrl-C with 0 of 9 runs done" in err


def test_a_running_run_says_how_far_it_is(tmp_path: Path, calls: Path) -> None:
    process = started(tmp_path, calls, seconds=0.3)
    try:
        seen = []
        while process.poll() is None:
            seen += read_heartbeats(tmp_path / "s" / "running")
            time.sleep(0.005)
    finally:
        process.communicate(timeout=PATIENCE)
    assert {far.epochs for far in seen} == {2}
    assert {far.epoch for far in seen} >= {0}
    assert any(far.loss is not None and far.seconds_left is not None for far in seen)


class Vanishing(type(Path())):  # type: ignore[misc] # the class of paths of this system
    """A folder that is taken away between two looks at it."""

    def glob(self, pattern: str) -> Any:
        assert not self.exists()
        raise FileNotFoundError(self)


def test_a_folder_that_is_taken_away_holds_nothing(tmp_path: Path) -> None:
    assert list(read_heartbeats(Vanishing(tmp_path / "running"))) == []
    assert list(read_heartbeats(tmp_path / "running")) == []


FORKED = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
import qnn_core as qnn
sys.path.insert(0, {here!r})
from studies_to_compare import data, Marked
executor = ProcessPoolExecutor(3, get_context("fork"))
qnn.compare(Marked(Path({calls!r})), data, weights=["symmetric"], bits=[2, 3, 32], seeds=3,
            epochs=2, batch_size=20, lr=0.01, executor=executor, store={store!r})
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it looks for processes in /proc")
def test_forked_workers_end_with_their_parent_and_keep_no_lock(
    expected: qnn.Comparison, tmp_path: Path, calls: Path
) -> None:
    here, store = str(Path(__file__).parents[1] / "helpers"), str(tmp_path / "s")
    script = FORKED.format(here=here, calls=str(calls), store=store)
    process = subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stderr=subprocess.DEVNULL,
        env=os.environ | {"MARKED_SECONDS": "0.5"},
    )  # fmt: skip
    wait_for_runs(tmp_path, 1)
    process.kill()
    process.wait(PATIENCE)
    # At once, while they may still be there.
    with Store(store).locked():
        pass
    end = time.monotonic() + PATIENCE
    while workers_of(process.pid):
        assert time.monotonic() < end, "workers go on for nobody"
        time.sleep(0.1)
    found = qnn.compare(Marked(calls), data, executor=1, store=store, **STUDY)
    assert same(found, expected)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_fault(tmp_path: Path, calls: Path, closed: str) -> None:
    here, store = str(Path(__file__).parents[1] / "helpers"), str(tmp_path / "s")
    script = SCRIPT.format(here=here, calls=str(calls), store=store).replace("seeds=3", "seeds=1")
    (tmp_path / "study.py").write_text(script.rpartition("print")[0], "utf-8")
    shell = f"{shlex.quote(sys.executable)} study.py {closed}"
    assert subprocess.run(["/bin/sh", "-c", shell], cwd=tmp_path, check=False).returncode == 0
    assert qnn.Comparison.load(store).complete


def test_data_that_are_others_in_each_process_are_refused(tmp_path: Path) -> None:
    given = STUDY | {"seeds": 1, "bits": [2, 32]}
    found = qnn.compare(net, unseeded_data, executor=1, store=tmp_path / "s", **given)
    assert {result.failure for result in found.failures} == {"environment"}
    assert "split in another way each time" in found.failures[0].reason
    assert not [r for r in qnn.Comparison.load(tmp_path / "s").results.values() if r.done]


# Dask


def test_a_scheduler_without_workers_is_waited_for_and_then_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "NO_WORKER_SECONDS", 1.0)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0", scheduler_port=0, silence_logs=50
        ) as empty,
        dask_executor(empty.scheduler_address) as executor,
        pytest.raises(CompareError, match="has had no worker for"),
    ):
        qnn.compare(net, data, executor=executor, **STUDY)
    assert "the Dask scheduler has no worker; waiting for one" in capsys.readouterr().err


@pytest.fixture(scope="module")
def cluster() -> Any:
    """A scheduler and three worker processes, each of one thread."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0",
        scheduler_port=0, memory_limit=0, silence_logs=50,
    ) as cluster:  # fmt: skip
        yield cluster


def test_a_dask_cluster_gives_the_same_numbers(expected: qnn.Comparison, cluster: Any) -> None:
    with dask_executor(cluster.scheduler_address) as executor:
        assert same(expected, qnn.compare(net, data, executor=executor, **STUDY))


def test_dask_workers_look_at_their_data_and_say_what_they_cannot_do(cluster: Any) -> None:
    given = STUDY | {"seeds": 1, "bits": [2, 32]}
    os.environ["MARKED_PARENT"] = str(os.getpid())
    with dask_executor(cluster.scheduler_address) as executor:
        split = qnn.compare(net, unseeded_data, executor=executor, **given)
        pooled = qnn.compare(pooled_net, data, executor=executor, **given)
    assert {result.failure for result in split.failures} == {"environment"}
    assert all("not those of the study" in result.reason for result in split.failures)
    assert {result.failure for result in pooled.failures} == {"environment"}
    assert all("leave multiprocessing out" in result.reason for result in pooled.failures)


def test_with_one_worker_killed_nothing_is_lost_or_done_twice(
    expected: qnn.Comparison, cluster: Any, tmp_path: Path, calls: Path
) -> None:
    build = Marked(calls, seconds=0.4)
    killed: list[int] = []

    def kill(pids: list[int]) -> None:
        wait_for_runs(tmp_path, 2)
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
    # What ran on the killed worker, one run and no more, was begun again.
    assert sum(begun.values()) <= len(RUNS) + 1


def test_no_scheduler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "TIMEOUT", "1s")
    with (
        pytest.raises(CompareError, match="no Dask scheduler answers"),
        dask_executor("tcp://127.0.0.1:1"),
    ):
        pytest.fail("there is none")
