"""Interrupted and resumed equals uninterrupted, bit for bit: real processes, really killed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("train_to_the_end.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


def start(checkpoint: Path, *death: str) -> subprocess.Popen:
    weights = checkpoint.with_suffix(".npz")
    return subprocess.Popen(
        [sys.executable, PROGRAM, checkpoint, weights, *death],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def weights(checkpoint: Path) -> dict[str, np.ndarray]:
    with np.load(checkpoint.with_suffix(".npz")) as arrays:
        return {name: arrays[name].copy() for name in arrays}


def assert_same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if a[name].tobytes() != b[name].tobytes()] == []


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    checkpoint = tmp_path_factory.mktemp("whole") / "run.qnn"
    finish(start(checkpoint))
    return weights(checkpoint)


def test_the_same_seed_gives_the_same_bits(uninterrupted: dict, tmp_path: Path) -> None:
    finish(start(tmp_path / "run.qnn"))
    assert_same_bits(weights(tmp_path / "run.qnn"), uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(uninterrupted: dict, tmp_path: Path, seed: int) -> None:
    checkpoint, rng, kills = tmp_path / "run.qnn", random.Random(seed), 0
    while True:
        process = start(checkpoint)
        process.stdout.readline()  # it has begun
        if kills == 4:
            finish(process)
            break
        time.sleep(rng.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills == 4
    assert_same_bits(weights(checkpoint), uninterrupted)


def drafts(folder: Path) -> list[Path]:
    return list(folder.glob(".run.qnn.*.partial"))


@pytest.mark.parametrize("epoch", [2, 4])
@pytest.mark.parametrize("event", ["open", "write", "os.rename"])
def test_killed_while_the_checkpoint_is_written(
    uninterrupted: dict, tmp_path: Path, event: str, epoch: int
) -> None:
    checkpoint = tmp_path / "run.qnn"
    process = start(checkpoint, event, str(epoch))
    process.communicate()
    assert process.returncode in (-signal.SIGKILL, -signal.SIGXFSZ)
    assert bool(drafts(tmp_path)) == (event != "open")
    finish(start(checkpoint))
    assert not drafts(tmp_path)
    assert_same_bits(weights(checkpoint), uninterrupted)
