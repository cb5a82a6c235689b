"""The parts of studies/study.py, and one quick run of it that many tests look at."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "studies"), str(ROOT / "apps")]

from study_runner import Run, run  # noqa: E402 - after the path


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """study.py logarithmic --quick, in one process: a float config, and a target relative to it."""
    return run("logarithmic", "--quick", "--jobs", "1", cwd=tmp_path_factory.mktemp("quick"))
