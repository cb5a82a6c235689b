"""Running studies/study.py as its user does."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from qnn_compare import Comparison

SCRIPT = Path(__file__).parents[2] / "studies" / "study.py"


@dataclass(frozen=True)
class Run:
    """What a run printed, and where its results are."""

    status: int
    out: str
    err: str
    folder: Path

    def results(self) -> Comparison:
        return Comparison.load(self.folder)


def run(*arguments: object, cwd: Path) -> Run:
    command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stdout, done.stderr, cwd / "results" / f"study-{arguments[0]}")
