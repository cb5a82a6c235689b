"""Running an app as its user does."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

APPS = Path(__file__).parents[2] / "apps"


@dataclass(frozen=True)
class Run:
    """What a run printed and where it ran."""

    status: int
    out: str
    err: str
    cwd: Path


def command(app: str, *arguments: object) -> list[str]:
    return [sys.executable, str(APPS / f"{app}.py"), *map(str, arguments)]


def run(app: str, *arguments: object, cwd: Path, env: dict[str, str] | None = None) -> Run:
    done = subprocess.run(
        command(app, *arguments),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr, cwd)


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG, after a look at its signature."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n", path
    assert len(content) > 10_000, path
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
