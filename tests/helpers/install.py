"""Real plugin packages, built once and installed by pip wherever a test wants them.

Used by the tests of plugins and of the apps: see `conftest.py`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = Path(__file__).parents[1] / "plugins"


# Of all packages in one process: pip starts several for each, which takes ten times as long.
BUILD = """
import os
import sys
from setuptools import build_meta

wheels, *sources = sys.argv[1:]
os.mkdir(wheels)
for source in sources:
    os.chdir(source)
    build_meta.build_wheel(wheels)
"""


def build_wheels(names: list[str], out: Path) -> dict[str, Path]:
    """Build the packages of these folders and return each one's wheel.

    Needs setuptools in this environment: an isolated build would need the network.
    """
    # Copies: a build writes beside what it builds.
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    sources = [shutil.copytree(PACKAGES / n, out / "src" / n, ignore=ignored) for n in names]
    run(sys.executable, "-c", BUILD, out / "wheels", *sources)
    return {
        name: next((out / "wheels").glob(f"{distribution(name).replace('-', '_')}-*.whl"))
        for name in names
    }


def install_wheels(wheels: list[Path], target: Path) -> dict[str, str]:
    """Install wheels into a folder and return an environment in which Python finds them."""
    pip("install", "--no-deps", "--no-index", "--target", target, *wheels)
    return {**os.environ, "PYTHONPATH": str(target)}


def distribution(name: str) -> str:
    """Return the name of the distribution in a folder."""
    lines = (PACKAGES / name / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("name ="))


def pip(*arguments: str | Path) -> None:
    """Run pip, quietly unless it fails."""
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)


def run(*command: str | Path) -> None:
    """Run a command, quietly unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
