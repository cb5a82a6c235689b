"""``qnn board``: a line for each target, and an exit status that a script can trust."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from qnn_core.boards import TARGETS
from qnn_core.cli import main

HERE = Path(__file__).parent / "c"


def lines(text: str) -> dict[str, list[str]]:
    """Return the cells of a table's rows by the first of each."""
    words = [line.split() for line in text.splitlines()]
    return {row[0]: row[1:] for row in words if row and row[0] in TARGETS}


@pytest.mark.boards
def test_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", str(HERE), "--target", "m4", "-Os"]) == 0
    verdict, flash, ram, stack, instructions, cycles = lines(capsys.readouterr().out)["m4"]
    assert verdict == "passed"
    assert 100 < int(flash) < 300
    assert int(ram) == 64 + int(stack)
    assert 1000 < number(instructions) < number(cycles) < 10_000


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.boards
def test_all_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", str(HERE), "--target", "all", "--images", "1"]) == 0
    output = capsys.readouterr()
    missing = {line.split(": ")[1] for line in output.err.splitlines()}
    assert set(lines(output.out)) | missing == set(TARGETS)


@pytest.mark.boards
def test_inputs_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Products with greater inputs take longer where there is no multiplier.
    for name, value in (("small", 0), ("large", 255)):
        np.save(tmp_path / f"{name}.npy", np.full((2, 4, 4), value, np.uint8))
    cycles = []
    for name in ("small", "large"):
        file = str(tmp_path / f"{name}.npy")
        assert main(["board", str(HERE), "--target", "rv32ec", "--input", file]) == 0
        cycles.append(number(lines(capsys.readouterr().out)["rv32ec"][-1]))
    assert cycles[0] < cycles[1]


@pytest.mark.boards
def test_a_selftest_that_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(HERE, folder)
    source = folder / "dots_test.c"
    source.write_text(
        source.read_text().replace("define DOTS_EXPECTED 1", "define DOTS_EXPECTED 2")
    )
    assert main(["board", str(folder)]) == 1
    assert "vector 1 differs" in capsys.readouterr().out


def test_a_tool_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["board", str(HERE), "--target", "m4"]) == 1
    assert "(Debian: apt-get install gcc-arm-none-eabi)" in capsys.readouterr().err


def test_a_folder_without_a_net(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", str(tmp_path)]) == 1
    assert "a net is NAME.h, NAME.c and NAME_test.c" in capsys.readouterr().err


def test_a_file_that_holds_no_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.npy").write_text("no numbers")
    assert main(["board", str(HERE), "--input", str(tmp_path / "x.npy")]) == 1
    assert "x.npy is no .npy file of numbers" in capsys.readouterr().err
    np.save(tmp_path / "x.npy", np.zeros((2, 15), np.uint8))
    assert main(["board", str(HERE), "--input", str(tmp_path / "x.npy")]) == 1
    assert "dots takes [samples, 16] of uint8, got [2, 15]" in capsys.readouterr().err
