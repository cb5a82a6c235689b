"""The tape's sources are Python: where they were not compiled, they do the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import qnn_core

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Python finds a copy of the package without the compiled tape."""
    copy = tmp_path_factory.mktemp("uncompiled")
    source = Path(qnn_core.__file__).parent
    shutil.copytree(
        source, copy / "qnn_core", ignore=shutil.ignore_patterns("*.pxd", "__pycache__")
    )
    for room in ("autodiff", "program"):
        for suffix in ("so", "pyd"):
            for compiled in (copy / "qnn_core" / room).glob(f"*.{suffix}"):
                compiled.unlink()
    return os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def python(environment: dict[str, str], *arguments: str | Path) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_copy_is_not_compiled(environment: dict[str, str]) -> None:
    shown = python(environment, "-c", "import qnn_core.autodiff.tensor as t; print(t.__file__)")
    assert shown.strip().endswith("tensor.py")


@pytest.mark.parametrize("tests", ["test_tape.py", "test_tensor.py", "test_trace.py"])
def test_the_tests_of_the_tape_pass_too(environment: dict[str, str], tests: str) -> None:
    shown = python(environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / tests)
    assert " passed" in shown
