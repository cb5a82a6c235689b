"""What `nox -s wheels` built, and environments to try it in."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("qnn-core", "qnn-quantizers", "qnn-data", "qnn-compare")


def only(paths: list[Path]) -> Path:
    (path,) = paths
    return path


def sdist(package: str) -> Path:
    return only(list((ROOT / "dist").glob(f"{package.replace('-', '_')}-*.tar.gz")))


def wheel(package: str) -> Path:
    return only(list((ROOT / "dist").glob(f"{package.replace('-', '_')}-*.whl")))


def environment_with(folder: Path, *packages: str) -> Path:
    """Return an interpreter in a new environment with wheels of ours and what they require."""
    venv.create(folder, with_pip=True)
    interpreter = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wheels = [wheel(package) for package in packages]
    if wheels:
        run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wheels)
    return interpreter


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command and return its output; if it fails, fail with what it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
