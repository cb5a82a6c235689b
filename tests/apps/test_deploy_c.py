"""deploy_c.py, run as its users run it."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from apps_runner import Run, refusals, run

BOARD = all(find_spec(name) for name in ("qnn_core.boards", "unicorn", "capstone")) and bool(
    shutil.which("arm-none-eabi-gcc")
)


def sensor(path: Path, rows: int = 300) -> Path:
    """Write values of a sensor, noise around one of two waves, and return the path."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 2 * np.pi, 24)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(rows):
            label = int(rng.integers(2))
            wave = np.sin((1 + label) * t) + 0.3 * rng.standard_normal(24)
            file.write(",".join([("slow", "fast")[label], *(f"{v:.3f}" for v in wave)]) + "\n")
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run("deploy_c", "--quick", "--out", "out", cwd=tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("signals")
    sensor(folder / "sensor.csv")
    board = ["--board", "m4"] if BOARD else []
    return run("deploy_c", "--csv", "sensor.csv", "--out", "out", *board, cwd=folder)


def accuracies(run: Run) -> list[str]:
    return re.findall(r"^(?:Python|C) +(\d+\.\d\d)% of", run.out, re.MULTILINE)


def test_c_says_of_images_what_python_says(images: Run) -> None:
    assert images.status == 0, images.err
    assert images.err == ""
    python, c = accuracies(images)
    assert python == c
    assert float(python) > 40  # chance is 10
    assert images.out.endswith("of 1,000 test samples\n0 of them differ\n")


def test_it_shows_what_each_layer_costs_and_what_was_proved(images: Run) -> None:
    for word in ("layers.1 ", "layers.13 ", "flash, bytes", "sums that can occur"):
        assert word in images.out
    assert "124 inputs, run by" in images.out  # 100 test images and 24 of its own


def test_it_leaves_the_packed_model_and_a_program(images: Run) -> None:
    folder = images.cwd / "out"
    assert qnn.load(folder / "model.qnn").summary("c").flash["m0"] < 20_000
    blank = bytes(784)
    program = [folder / "tiny" / "main"]
    told = subprocess.run(program, input=blank * 3, capture_output=True, check=True)
    assert re.fullmatch(rb"(\d)\n\1\n\1\n", told.stdout)


def test_another_run_takes_the_place_of_the_first_if_that_is_wanted(images: Run) -> None:
    again = run("deploy_c", "--quick", "--out", "out", cwd=images.cwd)
    assert again.status == 2
    assert "--overwrite" in again.err


def test_values_of_a_sensor_become_bytes_and_a_program(signals: Run) -> None:
    assert signals.status == 0, signals.err
    assert "give the C: byte = round((value - -" in signals.out
    python, c = accuracies(signals)
    assert python == c
    assert float(python) > 90
    assert re.search(r"of (59|60) test samples\n", signals.out)  # a fifth of each of two


@pytest.mark.skipif(not BOARD, reason="boards, or what emulates a Cortex-M4, are not there")
def test_board_runs_the_selftest(signals: Run) -> None:
    assert re.search(r"^m4 +passed ", signals.out, re.MULTILINE)


BAD = {
    "a,1,2\nb,3\n": "row 2 has 2 fields, the first 3",
    "a,1,x\n": "row 1: a label and numbers are needed",
    "a,1,2\nb,3,4\n": "two labels, and 5 rows of one at least, are needed",
    "a,1,2\nb,nan,4\n": "row 2: finite numbers are needed",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs with bad files, each in a folder of its own."""

    def prepared(text: str, folder: Path) -> list[str]:
        (folder / "bad.csv").write_text(text)
        return ["--csv", "bad.csv"]

    return refusals("deploy_c", BAD, tmp_path_factory, prepared)


@pytest.mark.parametrize("text", BAD)
def test_other_files_are_refused_in_a_line(text: str, refused: dict[str, Run]) -> None:
    done = refused[text]
    assert done.status == 2
    assert f"--csv bad.csv: {BAD[text]}" in done.err
    assert not (done.cwd / "results").exists()
