"""``qnn export-c``: from a file to a folder of C, and what it says when that cannot be."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from c_nets import MEAN, STD, image_net, linear_net, pixels
from qnn_core.cli import main

PIXELS = ["--mean", str(MEAN), "--std", str(STD)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a net that is integer throughout, one that is not, and samples."""
    folder = tmp_path_factory.mktemp("files")
    linear_net().save(folder / "4-bit digits.qnn")
    image_net(first_weight=None, first_input=None).save(folder / "float-first.qnn")
    np.save(folder / "samples.npy", pixels(5, 20))
    np.save(folder / "floats.npy", pixels(5, 20).astype(np.float32))
    np.savez(folder / "several.npz", a=pixels(5, 20))
    (folder / "steps.py").write_text(
        "import numpy as np\n"
        "def prepared(x):\n"
        f"    return (x / np.float32(255) - np.float32({MEAN})) / np.float32({STD})\n"
        "def shifted(x):\n"
        "    return np.roll(x, 1, axis=-1).astype(np.float32)\n"
        "number = 3\n"
    )
    return folder


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from qnn_core.cli import main; sys.exit(main())"]
    return subprocess.run(
        [*command, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_file_becomes_a_folder_and_the_next_command_runs(files: Path, tmp_path: Path) -> None:
    file = files / "4-bit digits.qnn"
    samples = ["--samples", files / "samples.npy"]
    done = run("export-c", file, "-o", "my c", *PIXELS, *samples, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *told, following = done.stdout.rstrip().splitlines()
    text = "\n".join(told)
    for word in ("layers.0", "MACs", "flash, bytes", "m0 kcycles", "sums that can occur"):
        assert word in text
    assert "29 inputs, run by " in text
    assert (tmp_path / "my c" / "net_4_bit_digits.h").exists()
    assert following.startswith("next: ")
    shown = subprocess.run(
        following.removeprefix("next: "),
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout == "net_4_bit_digits: PASS, 8 inputs\n", shown.stderr


def test_ways_to_say_what_was_done_to_pixels_agree(files: Path, tmp_path: Path) -> None:
    file = files / "4-bit digits.qnn"
    by_function = ["--transform", "steps:prepared"]
    done = run("export-c", file, "-o", tmp_path / "a", "--name", "n", *by_function, cwd=files)
    assert done.returncode == 0, done.stderr
    assert main(["export-c", str(file), "-o", str(tmp_path / "b"), "--name", "n", *PIXELS]) == 0
    assert (tmp_path / "a" / "n.c").read_bytes() == (tmp_path / "b" / "n.c").read_bytes()


def test_raw_pixels_and_floats_are_other_inputs(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = ["export-c", str(files / "4-bit digits.qnn"), "--name", "n"]
    assert main([*word, "-o", str(tmp_path / "raw"), "--raw", "--vectors", "2"]) == 0
    assert main([*word, "-o", str(tmp_path / "floats"), "--input", "float32"]) == 0
    assert "int n_predict(const uint8_t *input" in (tmp_path / "raw" / "n.h").read_text()
    assert "int n_predict(const float *input" in (tmp_path / "floats" / "n.h").read_text()
    assert "2 inputs of N_INPUTS" in (tmp_path / "raw" / "n_test.c").read_text()


@pytest.mark.parametrize(
    ("file", "words", "message"),
    [
        ("4-bit digits.qnn", [], "say in one way what was done to the pixels before training"),
        ("4-bit digits.qnn", ["--mean", "0.5"], "--mean M --std S"),
        ("4-bit digits.qnn", [*PIXELS, "--raw"], "say in one way"),
        ("4-bit digits.qnn", ["--raw", "--input", "float32"], "for pixels, not for --input"),
        ("4-bit digits.qnn", ["--mean", "0", "--std", "0"], "std > 0"),
        ("4-bit digits.qnn", ["--transform", "no_such_module:f"], "ModuleNotFoundError"),
        ("4-bit digits.qnn", ["--transform", "steps:nothing"], "AttributeError"),
        ("4-bit digits.qnn", ["--transform", "steps"], "MODULE:FUNCTION is needed"),
        ("4-bit digits.qnn", ["--transform", "steps:number"], "it is no function but int"),
        ("4-bit digits.qnn", ["--transform", "steps:shifted"], "act on each pixel alone"),
        ("4-bit digits.qnn", [*PIXELS, "--name", "int"], "be no word or function of C"),
        ("4-bit digits.qnn", [*PIXELS, "--samples", "steps.py"], "no .npy file of numbers"),
        ("4-bit digits.qnn", [*PIXELS, "--samples", "several.npz"], "one array is needed"),
        ("4-bit digits.qnn", [*PIXELS, "--samples", "floats.npy"], "must be uint8"),
        ("4-bit digits.qnn", [*PIXELS, "--samples", "none.npy"], "none.npy"),
        ("float-first.qnn", PIXELS, "layers.1: "),
        ("float-first.qnn", [*PIXELS, "--float", "tail"], "float='all'"),
        ("none.qnn", PIXELS, "none.qnn"),
        ("steps.py", PIXELS, "steps.py"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(
    file: str,
    words: list[str],
    message: str,
    *,
    files: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files)
    assert main(["export-c", file, "-o", str(tmp_path / "c"), *words]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("qnn: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_float_layers_are_allowed_where_one_says_so(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(files / "float-first.qnn")
    assert main(["export-c", file, "-o", str(tmp_path), *PIXELS, "--float", "all"]) == 0
    assert "float: layers.1: " in capsys.readouterr().out


@pytest.mark.skipif(find_spec("qnn_core.boards") is not None, reason="boards can be emulated")
def test_board_says_that_there_are_none_before_anything_is_written(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", str(tmp_path / "c"), *PIXELS, "--board", "m4"]
    assert main(["export-c", str(files / "4-bit digits.qnn"), *words]) == 1
    assert "emulates no boards" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.skipif(find_spec("qnn_core.boards") is None, reason="no boards can be emulated")
def test_board_runs_the_selftest_or_says_what_is_missing(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", str(tmp_path / "c"), *PIXELS, "--board", "m4"]
    status = main(["export-c", str(files / "4-bit digits.qnn"), *words])
    told = capsys.readouterr()
    if status:
        assert "--board m4: there is no " in told.err
        assert not (tmp_path / "c").exists()
    else:
        assert "emulated:\nself-test passed\n" in told.out
        assert " instructions, " in told.out


def test_info_tells_what_it_would_cost(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(files / "4-bit digits.qnn")]) == 0
    summary = linear_net().summary("c")
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith(f"as C (qnn export-c): {summary.flash['m0']:,} bytes of flash, ")
    assert f" {summary.ram('m0'):,} of RAM" in told
    assert main(["info", str(files / "float-first.qnn")]) == 0
    assert "as C" not in capsys.readouterr().out
