"""Fixtures around `install`, for the conftest.py of every folder that wants plugins."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from install import PACKAGES, build_wheels, install_wheels

NAMES = sorted(path.parent.name for path in PACKAGES.glob("*/pyproject.toml"))
FOLDER = TemporaryDirectory(prefix="qnn-plugins-")


@cache
def built() -> dict[str, Path]:
    """Build all wheels, once per process, whoever asks first."""
    return build_wheels(NAMES, Path(FOLDER.name))


@pytest.fixture(scope="session")
def plugin_wheels() -> Iterator[dict[str, Path]]:
    """Wheels of the packages in tests/plugins by the names of their folders."""
    return built()


@pytest.fixture
def install_plugins(
    plugin_wheels: dict[str, Path], tmp_path: Path
) -> Callable[..., dict[str, str]]:
    """Install plugins by their folders' names; gives the environment for a subprocess."""

    def install(*names: str) -> dict[str, str]:
        return install_wheels([plugin_wheels[name] for name in names], tmp_path / "plugins")

    return install
