"""What is said goes through the logger ``qnn``: to standard error, or where a program wants it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = """
import numpy as np, qnn_core as qnn
model = qnn.MLP([2, 2], seed=0)
optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)
qnn.fit(model, (np.eye(2), [0, 1]), epochs=2, optimizer=optimizer, validation=(np.eye(2), [0, 1]))
"""
SAY = "from qnn_core.terminal import LOGGER\nLOGGER.info('news %d', 1)\nLOGGER.debug('more')\n"


def stderr(program: str, tmp_path: Path) -> list[str]:
    """Return what a program writes to standard error, in lines."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("before", "lines"),
    [
        ("", ["news 1"]),
        ("logging.getLogger('qnn').setLevel('WARNING')", []),
        ("logging.getLogger('qnn').setLevel('DEBUG')", ["news 1", "more"]),
        ("logging.basicConfig(format='%(name)s %(message)s')", ["qnn news 1"]),
        ("logging.basicConfig(filename='log', level='INFO')", ["news 1"]),
        ("logging.getLogger('qnn').addHandler(logging.NullHandler())", []),
    ],
    ids=["as it is", "quiet", "all", "own format", "a file too", "handler of its own"],
)
def test_news_go_where_the_program_wants_them(
    before: str, lines: list[str], tmp_path: Path
) -> None:
    assert stderr(f"import logging\n{before}\n{SAY}", tmp_path) == lines
    log = tmp_path / "log"
    assert not log.exists() or log.read_text().endswith("news 1\n")


def test_a_level_that_was_set_before_is_kept(tmp_path: Path) -> None:
    program = f"import logging\nlogging.getLogger('qnn').setLevel('ERROR')\n{SAY}"
    assert stderr(program, tmp_path) == []


def test_news_of_data_are_of_the_same_logger(tmp_path: Path) -> None:
    program = f"{SAY}import logging\nlogging.getLogger('qnn.data').warning('downloading')\n"
    assert stderr(program, tmp_path) == ["news 1", "downloading"]


def test_without_standard_error_nothing_is_lost_but_news(tmp_path: Path) -> None:
    assert stderr(f"import sys\nsys.stderr = None\n{SAY}", tmp_path) == []


def test_fit_tells_each_epoch_to_whoever_asks(tmp_path: Path) -> None:
    assert stderr(TRAIN, tmp_path) == []
    asked = "import logging\nlogging.getLogger('qnn').setLevel('DEBUG')\n"
    lines = stderr(asked + TRAIN, tmp_path)
    assert [line.split(",")[0] for line in lines] == ["fit: epoch 1/2", "fit: epoch 2/2"]
    assert "loss 0." in lines[0]
    assert "val accuracy 1.0000" in lines[1]
