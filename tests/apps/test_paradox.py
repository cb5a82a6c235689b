"""paradox.py, run as its users run it."""

import re
import shutil
from pathlib import Path

import pytest
from apps_runner import Run, png_size, run
from qnn_compare import Comparison

RUNGS = [
    "the original",
    "right gradient",
    "step from deviation",
    "values, not codes",
    "standardized pixels",
    "better optimizer",
]
CELL = re.compile(r"(?<= )\d+\.\d\d(?= |$)")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run("paradox", "--quick", "--out", "out", cwd=tmp_path_factory.mktemp("paradox"))


def results(folder: Path) -> Comparison:
    return Comparison.load(folder)


def rows(text: str) -> dict[str, list[str]]:
    """Return the accuracies of each row of the tables by its first cell, the first row's if two."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        accuracies = CELL.findall(line)
        if accuracies:
            found.setdefault(re.split(r"\s{2,}", line)[0], accuracies)
    return found


def test_every_rung_is_trained_at_every_width(trial: Run) -> None:
    assert trial.status == 0, trial.err
    assert "Warning" not in trial.err
    table = rows(trial.out)
    assert [rung for rung in table if rung in RUNGS] == RUNGS
    assert all(len(table[rung]) == 5 for rung in RUNGS)
    names = {path.name for path in (trial.cwd / "out").iterdir()}
    assert names == {"study.json", "cells", "ladder.png"}
    width, height = png_size(trial.cwd / "out/ladder.png")
    assert width > 2 * height


def test_a_net_that_two_rungs_share_is_trained_once(trial: Run) -> None:
    found = results(trial.cwd / "out")
    assert not found.failures
    names = [config.name for config in found.configs]
    assert len(names) == len(set(names))
    floats = [name for name in names if name.startswith("float") and "lr=0.5" not in name]
    assert floats == [
        "float",
        "float, pixels=standardized",
        "float, optimizer=adam, lr=0.001, pixels=standardized",
    ]
    table = rows(trial.out)
    # Float has no codes and no gradient to mend: only pixels and optimizer move it.
    assert len({table[rung][4] for rung in RUNGS[:4]}) == 1
    assert len({table[rung][4] for rung in RUNGS[3:]}) == 3
    # Bare signs have no step.
    assert len({table[rung][0] for rung in RUNGS[:3]}) == 1


def test_what_is_said_is_what_is_in_the_folder(trial: Run) -> None:
    found = results(trial.cwd / "out")
    names = ["1 bits", "2 bits", "3 bits", "4 bits", "float"]
    last = [f"{100 * found.done(name)[0].accuracy:.2f}" for name in names]
    assert rows(trial.out)["the original"] == last
    # Float has no codes that could be measured.
    assert found.done("float")[0].measured.keys() == {"greatest_weight"}
    assert found.done("2 bits")[0].measured["unit_bits"] > 0


def test_it_goes_on_where_it_was(trial: Run, tmp_path: Path) -> None:
    shutil.copytree(trial.cwd / "out", tmp_path / "out")
    runs = sorted((tmp_path / "out/cells").iterdir())
    kept = {path: path.stat().st_mtime_ns for path in runs[2:]}
    for path in runs[:2]:
        path.unlink()
    again = run("paradox", "--quick", "--out", "out", cwd=tmp_path)
    assert again.status == 0, again.err
    assert rows(again.out) == rows(trial.out)
    assert sorted((tmp_path / "out/cells").iterdir()) == runs
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_more_processes_give_the_same_bits(trial: Run, tmp_path: Path) -> None:
    options = ("--quick", "--ladder-only", "--jobs", "2", "--out", "out")
    done = run("paradox", *options, cwd=tmp_path)
    assert done.status == 0, done.err
    ladder = rows(done.out)
    assert list(ladder) == RUNGS
    assert ladder == {rung: rows(trial.out)[rung] for rung in RUNGS}


BAD = {
    "--epochs 0": (2, "--epochs: expected a whole number >= 1, got '0'"),
    "--seeds none": (2, "--seeds: expected a whole number >= 1, got 'none'"),
    "--epochs 7 --out {out}": (1, "holds a study with another configuration: "),
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_explained(arguments: str, trial: Run, tmp_path: Path) -> None:
    before = (trial.cwd / "out/study.json").read_bytes()
    done = run("paradox", *arguments.format(out=trial.cwd / "out").split(), cwd=tmp_path)
    status, message = BAD[arguments]
    assert done.status == status
    assert message in done.err
    assert "Traceback" not in done.err
    assert (trial.cwd / "out/study.json").read_bytes() == before
