"""Where a package is installed without qnn-core, which no index has, it says what to do.

These tests read dist/, which ``nox -s wheels`` fills before it runs them, and run pip as a user
does; what builds need comes from the index.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from built import ROOT, environment_with, run, sdist, wheel

pytestmark = pytest.mark.packaging

# Read by pip beside its index: nobody's qnn-core, of any version that ours would take.
STRANGER = "0.1.999"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, since a build writes beside what it builds."""
    built = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "*.so")
    copy = tmp_path_factory.mktemp("tree") / "packages"
    return Path(shutil.copytree(ROOT / "packages", copy, ignore=built))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with somebody's wheel that is called qnn-core, and is newer than ours."""
    folder = tmp_path_factory.mktemp("index")
    info = f"qnn_core-{STRANGER}.dist-info"
    said = {
        "qnn_core_of_a_stranger.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: qnn-core\nVersion: {STRANGER}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"qnn_core-{STRANGER}-py3-none-any.whl", "w") as archive:
        for name, text in said.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in said))
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An interpreter in an environment with nothing but pip."""
    return environment_with(tmp_path / "empty")


def install(
    interpreter: Path, index: Path, *arguments: str | Path, cwd: Path | None = None
) -> tuple[int, str]:
    """Run pip where an index has a stranger's qnn-core; return its status and all that it says."""
    links = f"{index} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    environment = os.environ | {"PIP_FIND_LINKS": links, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [interpreter, "-m", "pip", "install", *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def installed(interpreter: Path) -> dict[str, str]:
    """Return the versions of our packages in an environment, by name."""
    lines = run(interpreter, "-m", "pip", "list", "--format=freeze").split()
    versions = dict(line.split("==") for line in lines)
    return {name: version for name, version in versions.items() if name.startswith("qnn")}


@pytest.mark.parametrize("options", [(), ("-e",)], ids=["", "editable"])
@pytest.mark.parametrize("name", ["qnn-quantizers", "qnn-compare"])
def test_without_core_it_says_what_to_do(
    name: str, options: Sequence[str], packages: Path, stranger: Path, empty: Path
) -> None:
    advice = f"{name} needs qnn-core, which is not installed and is on no package index."
    command = f"pip install packages/qnn-core packages/{name}"
    given = [*options, f"packages/{name}"]
    status, said = install(empty, stranger, *given, cwd=packages.parent)
    assert status == 1
    assert advice in said
    assert said.count(command) == 1
    assert installed(empty) == {}


def test_an_sdist_and_the_folder_itself_say_it_too(
    packages: Path, stranger: Path, empty: Path
) -> None:
    for given, cwd in [
        (sdist("qnn-quantizers"), packages),
        (".", packages / "qnn-quantizers"),
        (f"{packages}/qnn-compare[dask]", packages),
    ]:
        status, said = install(empty, stranger, given, cwd=cwd)
        assert status == 1
        assert "needs qnn-core, which is not installed" in said
    assert installed(empty) == {}


def test_in_one_command_nothing_of_a_stranger_is_taken(
    packages: Path, stranger: Path, empty: Path
) -> None:
    status, said = install(empty, stranger, packages / "qnn-quantizers", wheel("qnn-core"))
    assert status == 0, said
    assert set(installed(empty)) == {"qnn-core", "qnn-quantizers"}
    assert installed(empty)["qnn-core"] != STRANGER
    run(empty, "-m", "pip", "check")


def test_wheels_in_one_command_take_nothing_of_a_stranger(stranger: Path, empty: Path) -> None:
    names = ("qnn-quantizers", "qnn-core")
    status, said = install(empty, stranger, *map(wheel, names))
    assert status == 0, said
    assert set(installed(empty)) == set(names)
    assert installed(empty)["qnn-core"] != STRANGER


def test_a_file_of_requirements_is_one_command(
    packages: Path, stranger: Path, empty: Path, tmp_path: Path
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"{wheel('qnn-core')}\n{packages / 'qnn-quantizers'}\n")
    status, said = install(empty, stranger, "-r", file)
    assert status == 0, said
    assert installed(empty)["qnn-core"] != STRANGER


def test_where_core_is_installed_another_follows(
    packages: Path, stranger: Path, tmp_path: Path
) -> None:
    with_core = environment_with(tmp_path / "core", "qnn-core")
    status, said = install(with_core, stranger, packages / "qnn-quantizers")
    assert status == 0, said
    assert installed(with_core)["qnn-core"] != STRANGER
    assert set(installed(with_core)) == {"qnn-core", "qnn-quantizers"}


def test_uv_hears_it_too(packages: Path, stranger: Path, empty: Path) -> None:
    variables = {"VIRTUAL_ENV": str(empty.parents[1]), "UV_FIND_LINKS": str(stranger)}
    command = [sys.executable, "-m", "uv", "pip", "install", "packages/qnn-quantizers"]
    done = subprocess.run(
        command,
        cwd=packages.parent,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "qnn-quantizers needs qnn-core, which is not installed" in done.stderr
    assert installed(empty) == {}


def test_data_needs_no_core(stranger: Path, empty: Path) -> None:
    status, said = install(empty, stranger, wheel("qnn-data"))
    assert status == 0, said
    assert set(installed(empty)) == {"qnn-data"}
    run(empty, "-c", "import qnn_data; assert len(qnn_data.load('mnist-mini')[0]) == 6000")


def test_both_packages_that_need_core_say_it_in_the_same_way() -> None:
    one, other = (ROOT / "packages" / f"qnn-{name}/setup.py" for name in ("compare", "quantizers"))
    assert one.read_bytes() == other.read_bytes()
