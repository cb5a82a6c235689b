"""``qnn new-quantizer``: what it writes installs and passes its test and the kit as it stands."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import qnn_core.cli.new_quantizer as module
from install import install_wheels, pip
from qnn_core.cli.new_quantizer import FILES, TEMPLATE, new_quantizer
from qnn_core.errors import SpecError
from qnn_core.registry import schemes

QNN = Path(sysconfig.get_path("scripts")) / "qnn"


def run(*command: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(c) for c in command], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_it_installs_and_passes_as_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    output = run(QNN, "new-quantizer", "soft-ternary", folder)
    assert str(folder / "src/soft_ternary.py") in output
    assert output.splitlines()[-1] == f"next: pip install -e {folder}; qnn check soft-ternary"
    # Away from the source, so that it is the installed one that is tested.
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, folder)
    env = install_wheels(list(tmp_path.glob("*.whl")), tmp_path / "installed")
    assert "soft-ternary  1 to 8  2 to 256" in run(QNN, "schemes", env=env)
    assert "soft-ternary is sound" in run(QNN, "check", "soft-ternary", env=env)
    pytest_options = ("-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", folder)
    tests = folder / "tests"
    assert "2 passed" in run(sys.executable, "-m", "pytest", *pytest_options, tests, env=env)


def test_its_files_say_nothing_of_the_template(tmp_path: Path) -> None:
    files = new_quantizer("dorefa", tmp_path / "dorefa")
    written = {path for path in (tmp_path / "dorefa").rglob("*") if path.is_file()}
    assert written == set(files)
    assert len(files) == len(FILES)
    for file in files:
        for old in ("my-quantizer", "my_quantizer", "MyQuantizer"):
            assert old not in f"{file} {file.read_text(encoding='utf-8')}"
    assert "class Dorefa(Quantizer):" in (tmp_path / "dorefa/src/dorefa.py").read_text()


@pytest.mark.parametrize(
    ("name", "stem", "cls"),
    [
        ("my_quantizer_two", "my_quantizer_two", "MyQuantizerTwo"),
        ("my-quantizer-x", "my_quantizer_x", "MyQuantizerX"),
        ("MyQuantizer2", "MyQuantizer2", "MyQuantizer2"),
    ],
)
def test_a_name_that_holds_one_of_the_template(
    name: str, stem: str, cls: str, tmp_path: Path
) -> None:
    files = new_quantizer(name, tmp_path / "folder")
    assert [file.name for file in files[2:]] == [f"{stem}.py", f"test_{stem}.py"]
    about = (tmp_path / "folder/pyproject.toml").read_text(encoding="utf-8")
    assert f'{name} = "{stem}:{cls}"' in about
    assert f"class {cls}(Quantizer):" in files[2].read_text(encoding="utf-8")
    assert f'check_quantizer("{name}")' in files[3].read_text(encoding="utf-8")


def test_the_template_has_no_other_files() -> None:
    found = {path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*.*")}
    assert {file for file in found if "__pycache__" not in file} == set(FILES)


@pytest.mark.parametrize("name", ["x", "Soft-Ternary", "a_b-c2", "APoT"])
def test_names(name: str, tmp_path: Path) -> None:
    new_quantizer(name, tmp_path / "folder")
    entry = f'{name} = "{name.replace("-", "_")}:'
    assert entry in (tmp_path / "folder/pyproject.toml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "9bits",
        "-a",
        "a-",
        "a--b",
        "a b",
        "a.b",
        "ä",
        "a/b",
        "../a",
        "class",
        "quantizer",
        "a:4",
    ],
)
def test_what_is_no_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot name a quantizer: a letter, then"):
        new_quantizer(name, tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_name_in_use(tmp_path: Path) -> None:
    for name in schemes():
        with pytest.raises(SpecError, match=f"'{name}' is taken: quantizer '{name}' of qnn-"):
            new_quantizer(name, tmp_path / "folder")
    for name in ("numpy", "qnn-core", "json"):
        with pytest.raises(SpecError, match=f"'{name}' is taken: there is a module"):
            new_quantizer(name, tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    with pytest.raises(FileExistsError, match="folder is there already, and is no empty folder"):
        new_quantizer("mine", folder)
    assert (folder / "README.md").read_text() == "mine"
    with pytest.raises(FileExistsError, match=r"README.md is there already"):
        new_quantizer("mine", folder / "README.md")
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "README.md"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert all(path.is_file() for path in new_quantizer("mine", tmp_path / "folder"))


def test_the_folder_around_it_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to write it in"):
        new_quantizer("mine", tmp_path / "nowhere" / "folder")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The last file is missing, as on a damaged installation.
    monkeypatch.setattr(module, "FILES", (*FILES, "tests/nobody_has.py"))
    with pytest.raises(FileNotFoundError, match="nobody_has"):
        new_quantizer("mine", tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_the_command_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    command = [str(QNN), "new-quantizer", "symmetric", str(tmp_path / "folder")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("qnn: 'symmetric' is taken: quantizer 'symmetric' of qnn-quantizers")
