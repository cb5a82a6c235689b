"""Running an app as its user does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

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


# Runs a script as `python SCRIPT ARGUMENTS` does, once for each of the arguments, in one process:
# most of the time of a run that ends at once is that of its imports.
ONE_BY_ONE = """
import contextlib, io, json, os, runpy, sys, traceback

script, sys.argv[:] = sys.argv[1], sys.argv[1:2]
sys.path[0] = os.path.dirname(script)
runs = []
for folder, arguments in json.load(sys.stdin):
    os.chdir(folder)
    sys.argv[1:] = arguments
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
            status = 1
    runs.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(runs))
"""


def run_one_by_one(app: str, each: Sequence[tuple[Path, Sequence[object]]]) -> list[Run]:
    """Run an app in each folder with the arguments beside it, all in one process."""
    given = [(str(cwd), [str(argument) for argument in arguments]) for cwd, arguments in each]
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, str(APPS / f"{app}.py")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)
    return [Run(*one, cwd) for one, (cwd, _) in zip(runs, each, strict=True)]


def refusals(
    app: str,
    bad: Collection[str],
    folders: pytest.TempPathFactory,
    prepared: Callable[[str, Path], Sequence[object]],
) -> dict[str, Run]:
    """Run an app on each bad input in a folder of its own, all in one process.

    Args:
        app: its name.
        bad: names of the inputs.
        folders: where folders are made.
        prepared: writes what an input needs into a folder, and returns the arguments.
    """
    made = {name: folders.mktemp("bad") for name in bad}
    each = [(folder, prepared(name, folder)) for name, folder in made.items()]
    return dict(zip(made, run_one_by_one(app, each), strict=True))


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG, after a look at its signature."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n", path
    assert len(content) > 10_000, path
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
