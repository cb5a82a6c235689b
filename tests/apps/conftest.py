"""Runs of the apps that many tests look at, each made once; and plugins to install."""

import pytest
from apps_runner import Run, run
from install_fixtures import install_plugins, plugin_wheels  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """compare_bits.py --quick in one process, in a folder of its own."""
    return run("compare_bits", "--quick", "--jobs", "1", cwd=tmp_path_factory.mktemp("quick"))
