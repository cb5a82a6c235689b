"""The portable loops give the same bits on another processor, and here on every path."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from qnn_core.machine import cpu

pytestmark = pytest.mark.emulated

HERE = Path(__file__).parent
KERNELS = HERE.parents[1] / "packages" / "qnn-core" / "src" / "qnn_core" / "_kernels"
# Those of setup.py, but for the optimization: the emulator's time is not what counts.
FLAGS = ["-std=gnu11", "-O1", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
CROSS = "aarch64-linux-gnu-gcc", "qemu-aarch64"


def needed(*commands: str) -> None:
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        pytest.skip(
            f"there is no {' and no '.join(missing)} "
            "(Debian: apt-get install gcc clang gcc-aarch64-linux-gnu qemu-user)"
        )


def built(compiler: str, folder: Path, *flags: str) -> Path:
    """Return the driver, compiled without a warning."""
    needed(compiler)
    program = folder / "driver"
    sources = [str(path) for path in sorted(HERE.glob("*.c"))]
    given = [*FLAGS, *WARNINGS, *flags, f"-I{HERE}", f"-I{KERNELS}"]
    command = [compiler, *given, *sources, "-lm", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def lines(*command: str | Path) -> list[str]:
    """Return what the driver says: a line for each result."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(os.environ.get("CC", "gcc"), tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def expected(here: Path) -> list[str]:
    found = lines(here, "0")
    assert len(found) > 5000
    assert len(set(found)) > len(found) * 0.9  # it is not the hash of nothing again and again
    return found


def split(found: list[str]) -> tuple[list[str], list[str]]:
    """Return the products of bytes, which only some paths have, and the other lines."""
    of_bytes = [line for line in found if line.startswith(("product 2 ", "codes of product 2 "))]
    return of_bytes, [line for line in found if line not in set(of_bytes)]


def check_paths(program: Path, expected: list[str]) -> None:
    for number, path in enumerate(cpu.paths()):
        of_bytes, others = split(lines(program, str(number)))
        assert others == split(expected)[1], path
        has_bytes = path in {"base", "avx512vnni"}
        assert of_bytes == (split(expected)[0] if has_bytes else []), path


def test_every_path_of_this_processor(here: Path, expected: list[str]) -> None:
    assert split(expected)[0]
    check_paths(here, expected)


def test_another_processor(tmp_path: Path, expected: list[str]) -> None:
    needed(*CROSS)
    program = built(CROSS[0], tmp_path, "-static")
    assert lines(CROSS[1], program, "0") == expected


def test_another_compiler(tmp_path: Path, expected: list[str]) -> None:
    check_paths(built("clang", tmp_path), expected)
