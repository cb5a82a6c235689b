"""What type checkers say of a user's module; `nox -s types` asks mypy the same."""

import subprocess
import sys
from pathlib import Path

import pytest

USERS = Path(__file__).with_name("of_a_user.py")


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    done = run(tmp_path, USERS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| float" in done.stdout


@pytest.mark.slow
def test_a_strict_checker_has_nothing_to_say(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    done = run(tmp_path, "-m", "mypy", "--strict", USERS)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_call_returns_what_forward_does(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import qnn_core as qnn\nlayer = qnn.Linear(2, 2)\nnumber: int = layer([[1.0, 2.0]])\n"
    )
    done = run(tmp_path, "-m", "mypy", "--strict", wrong)
    assert "has type" in done.stdout, done.stdout
    assert "wrong.py:3" in done.stdout
