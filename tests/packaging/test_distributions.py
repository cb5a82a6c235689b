"""What is built holds what it should, nothing else, and works where nothing else is installed.

These tests read dist/, which ``nox -s wheels`` fills before it runs them.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from built import PACKAGES, ROOT, environment_with, only, run, sdist, wheel

pytestmark = pytest.mark.packaging

# C that is built for microcontrollers, not for extensions.
FOR_BOARDS = re.compile("/boards/c/|/deploy/c/library/")
COMPILED = ("qnn-core", "qnn-data")
SCHEMES = {"apot", "binary", "codebook", "dsq", "ewgs", "logarithmic", "lsq-plus", "nf4"}
SCHEMES |= {"stochastic", "symmetric", "uniform"}


def sdist_files(path: Path) -> set[str]:
    """Return the names of the files in an sdist, without its top folder."""
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def wheel_files(package: str) -> set[str]:
    with zipfile.ZipFile(wheel(package)) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def wheel_metadata(package: str) -> Message:
    with zipfile.ZipFile(wheel(package)) as archive:
        name = only([Path(name) for name in archive.namelist() if name.endswith("METADATA")])
        return Parser().parsestr(archive.read(name.as_posix()).decode())


def sources(package: str, *patterns: str) -> set[str]:
    """Return the paths of source files, relative to src/."""
    src = ROOT / "packages" / package / "src"
    found = (path for pattern in patterns for path in src.rglob(pattern))
    return {path.relative_to(src).as_posix() for path in found}


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter in an environment with our wheels and what they require, nothing else."""
    return environment_with(tmp_path_factory.mktemp("environment"), *PACKAGES)


@pytest.fixture(scope="session")
def core_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter in an environment with the wheel of qnn-core and what it requires."""
    return environment_with(tmp_path_factory.mktemp("core"), "qnn-core")


@pytest.mark.parametrize("package", PACKAGES)
def test_sdist_holds_every_source(package: str) -> None:
    expected = sources(package, "*.py", "*.pyi", "*.pyx", "*.pxd", "*.h", "py.typed")
    files = sdist_files(sdist(package))
    assert {f"src/{path}" for path in expected} <= files
    assert {"LICENSE", "README.md", "pyproject.toml"} <= files


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_the_sources_modules_and_no_others(package: str) -> None:
    kinds = (".py", ".pyi", ".typed")
    shipped = {path for path in wheel_files(package) if path.endswith(kinds)}
    assert shipped == sources(package, "*.py", "*.pyi", "py.typed")
    assert f"{package.replace('-', '_')}/py.typed" in shipped


@pytest.mark.parametrize("package", ["qnn-core", "qnn-compare"])
def test_distributions_hold_what_pages_are_made_of(package: str) -> None:
    parts = sources(package, "*.html", "*.css", "*.js")
    assert {Path(part).suffix for part in parts} == {".html", ".css", ".js"}
    assert parts <= wheel_files(package)
    assert {f"src/{part}" for part in parts} <= sdist_files(sdist(package))


def test_distributions_hold_what_is_built_for_microcontrollers() -> None:
    files = sources("qnn-core", "*.c", "*.h", "*.ld")
    parts = {path for path in files if FOR_BOARDS.search(path)}
    assert {Path(part).suffix for part in parts} == {".c", ".h", ".ld"}
    assert parts <= wheel_files("qnn-core")
    assert {f"src/{part}" for part in parts} <= sdist_files(sdist("qnn-core"))


@pytest.mark.parametrize("package", COMPILED)
def test_wheel_holds_an_extension_for_each_kernel_and_each_module_with_types(package: str) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    kernels = {path.removesuffix(".pyx") for path in sources(package, "*.pyx")}
    typed = {path.removesuffix(".pxd") for path in sources(package, "autodiff/*.pxd")}
    assert kernels
    assert bool(typed) == (package == "qnn-core")
    assert {path for path in wheel_files(package) if path.endswith(suffix)} == {
        module + suffix for module in kernels | typed
    }
    assert {kernel + ".pyi" for kernel in kernels} <= wheel_files(package)


@pytest.mark.parametrize("package", COMPILED)
@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is of Linux")
def test_wheels_need_nothing_of_a_system_but_an_older_libc(package: str) -> None:
    audited = run(sys.executable, "-m", "auditwheel", "show", wheel(package))
    # That the compilers of an old system build for it is what cibuildwheel's image is for; here the
    # C library that is installed decides, and nothing else may be needed.
    (libraries,) = re.findall(r"shared\s+libraries:\s+(.+?)\s+with\s+versions", audited)
    assert libraries == "libc.so.6"


@pytest.mark.parametrize("package", COMPILED)
def test_wheel_holds_no_c_or_cython(package: str) -> None:
    # But for what is built for microcontrollers.
    files = {path for path in wheel_files(package) if not FOR_BOARDS.search(path)}
    suffixes = {Path(path).suffix for path in files}
    assert not suffixes & {".c", ".h", ".pyx", ".pxd"}


def test_what_an_earlier_build_left_is_not_shipped(tmp_path: Path) -> None:
    package = tmp_path / "qnn-core"
    shutil.copytree(ROOT / "packages/qnn-core", package)
    leftovers = ("build/lib/qnn_core/stale.py", "src/qnn_core/_kernels/stale.c")
    for leftover in leftovers:
        (package / leftover).parent.mkdir(parents=True, exist_ok=True)
        (package / leftover).touch()
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, package)
    files = sdist_files(only(list(tmp_path.glob("*.tar.gz"))))
    assert files == sdist_files(sdist("qnn-core"))


def test_versions_agree() -> None:
    assert len({wheel_metadata(package)["Version"] for package in PACKAGES}) == 1


def test_modules_import_without_warnings(python: Path, tmp_path: Path) -> None:
    imports = "import qnn_core, qnn_quantizers, qnn_data, qnn_compare.api; print(qnn_core.__file__)"
    file = run(python, "-I", "-W", "error", "-c", imports, cwd=tmp_path)
    assert Path(file.strip()).is_relative_to(python.parents[1])


def test_schemes_are_entry_points(python: Path, tmp_path: Path) -> None:
    load = (
        "from importlib.metadata import entry_points\n"
        "for point in entry_points(group='qnn.quantizers'):\n"
        "    point.load()\n"
        "    print(point.name)\n"
    )
    assert set(run(python, "-I", "-c", load, cwd=tmp_path).split()) == SCHEMES


def test_a_quantized_step_runs(python: Path, tmp_path: Path) -> None:
    step = (
        "import numpy as np, qnn_core as qnn\n"
        "x = qnn.Tensor(np.linspace(-1, 1, 9), requires_grad=True)\n"
        "(x * x).sum().backward()\n"
        "print(np.array_equal(x.grad.data, 2 * x.data))\n"
        "print(qnn.get_quantizer('symmetric:bits=4').levels.size)\n"
    )
    assert run(python, "-I", "-c", step, cwd=tmp_path).split() == ["True", "15"]


def test_the_template_of_a_quantizer_is_shipped(python: Path, tmp_path: Path) -> None:
    run(python.with_name("qnn"), "new-quantizer", "mine", tmp_path / "mine")
    files = {path.name for path in (tmp_path / "mine").rglob("*.*")}
    assert files == {"README.md", "pyproject.toml", "mine.py", "test_mine.py"}


def test_console_script(python: Path, tmp_path: Path) -> None:
    assert "usage: qnn" in run(python.with_name("qnn"), "--help", cwd=tmp_path)


def test_commands_of_qnn_compare_are_commands_of_qnn(python: Path, tmp_path: Path) -> None:
    assert "CONFIG.toml" in run(python.with_name("qnn"), "compare", "--help", cwd=tmp_path)


def test_core_alone_trains_and_says_where_the_rest_is(core_alone: Path, tmp_path: Path) -> None:
    code = (
        "import numpy as np, qnn_core as qnn\n"
        "net = qnn.MLP([4, 3, 2], seed=0)\n"
        "print(qnn.pack(net.eval(), np.zeros((2, 4), np.float32)).nbytes > 0)\n"
        "try: qnn.compare\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    found = run(core_alone, "-I", "-c", code, cwd=tmp_path).splitlines()
    assert found[0] == "True"
    assert found[1].startswith("qnn.compare is in qnn-compare, which is not installed: ")
    command = [core_alone.with_name("qnn"), "compare", "study.toml", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("qnn: 'compare' is in qnn-compare, which is not installed: ")
