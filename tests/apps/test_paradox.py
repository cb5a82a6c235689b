"""paradox.py, run as its users run it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from apps_runner import Run, png_size, run

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


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


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
    assert {path.name for path in (trial.cwd / "out").iterdir()} == {"results.json", "ladder.png"}
    width, height = png_size(trial.cwd / "out/ladder.png")
    assert width > 2 * height


def test_a_net_that_two_rungs_share_is_trained_once(trial: Run) -> None:
    found = results(trial.cwd / "out")["results"]
    recipes = [json.dumps(result["recipe"], sort_keys=True) for result in found]
    assert len(recipes) == len(set(recipes))
    floats = [result for result in found if result["recipe"]["bits"] is None]
    ladder = {result["recipe"]["optimizer"] for result in floats}
    assert ladder == {"sgd", "adam"}
    table = rows(trial.out)
    # Float has no codes and no gradient to mend: only pixels and optimizer move it.
    assert len({table[rung][4] for rung in RUNGS[:4]}) == 1
    assert len({table[rung][4] for rung in RUNGS[3:]}) == 3
    # Bare signs have no step.
    assert len({table[rung][0] for rung in RUNGS[:3]}) == 1


def test_what_is_said_is_what_is_in_the_file(trial: Run) -> None:
    found = results(trial.cwd / "out")
    last = {
        result["recipe"]["bits"]: result["accuracies"][-1]
        for result in found["results"]
        if result["recipe"] == original(result["recipe"]["bits"])
    }
    table = rows(trial.out)
    assert table["the original"] == [f"{100 * last[bits]:.2f}" for bits in (1, 2, 3, 4, None)]
    assert found["run"]["commands"] == ["python apps/paradox.py --quick --out out"]
    assert found["run"]["seconds"] > 0


def original(bits: int | None) -> dict[str, Any]:
    return {
        "bits": bits,
        "grid": "twos-complement",
        "step": "batch maximum",
        "gradient": "times maximum",
        "backward": "latent",
        "sign_of_zero": 0,
        "output": "codes",
        "bias": bits is None,
        "optimizer": "sgd",
        "lr": 0.01,
        "pixels": "0 to 1",
    }


def test_it_resumes(trial: Run, tmp_path: Path) -> None:
    whole = results(trial.cwd / "out")
    part = whole | {"results": whole["results"][:-2]}
    (tmp_path / "results.json").write_text(json.dumps(part), encoding="utf-8")
    again = run("paradox", "--quick", "--resume", "--out", tmp_path, cwd=tmp_path)
    assert again.status == 0, again.err
    assert len(again.err.splitlines()) == 2  # what was missing
    assert rows(again.out) == rows(trial.out)
    assert len(results(tmp_path)["run"]["commands"]) == 2


def test_more_processes_give_the_same_bits(trial: Run, tmp_path: Path) -> None:
    options = ("--quick", "--ladder-only", "--jobs", "2", "--out", "out")
    done = run("paradox", *options, cwd=tmp_path)
    assert done.status == 0, done.err
    ladder = rows(done.out)
    assert list(ladder) == RUNGS
    assert ladder == {rung: rows(trial.out)[rung] for rung in RUNGS}


BAD = {
    "--epochs 0": "--epochs: expected a whole number >= 1, got '0'",
    "--seeds none": "--seeds: expected a whole number >= 1, got 'none'",
    "--resume": "--resume: say with --out DIR what to go on with",
    "--quick --out {out}": "it holds results.json of an earlier run",
    "--epochs 7 --resume --out {out}": "is of another setting: ",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_explained(arguments: str, trial: Run, tmp_path: Path) -> None:
    before = (trial.cwd / "out/results.json").read_bytes()
    done = run("paradox", *arguments.format(out=trial.cwd / "out").split(), cwd=tmp_path)
    assert done.status == 2
    assert BAD[arguments] in done.err
    assert "Traceback" not in done.err
    assert (trial.cwd / "out/results.json").read_bytes() == before
