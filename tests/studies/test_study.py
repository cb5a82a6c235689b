"""study.py, run as its users run it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from _study.index import index
from _study.options import RESULTS, parse
from _study.plan import NAMES, study
from _study.storage import kept
from study_runner import Run, run


def accuracies(found: Run) -> dict[tuple[str, int], float]:
    runs = found.results()["runs"]
    return {(r["cell"]["arm"], r["cell"]["seed"]): r["accuracy"] for r in runs}


def test_it_trains_every_arm_from_every_seed(quick: Run) -> None:
    assert quick.status == 0, quick.err
    arms = [arm.name for arm in study("logarithmic").arms]
    assert accuracies(quick).keys() == {(arm, seed) for arm in arms for seed in (0, 1)}
    assert "4/4" in quick.err


def test_what_is_deployed_is_as_good_as_what_was_trained(quick: Run) -> None:
    for found in quick.results()["runs"]:
        assert found["packed_accuracy"] == found["accuracy"]
        assert found["nbytes"] > 0


def test_the_report_has_the_numbers(quick: Run) -> None:
    text = (quick.folder / "README.md").read_text("utf-8")
    assert "nox -s study -- logarithmic" in text
    assert "quick trial" in text
    found = accuracies(quick)
    for arm in study("logarithmic").arms:
        mean = 100 * (found[arm.name, 0] + found[arm.name, 1]) / 2
        assert re.search(rf"\| {arm.name} +\|.* {mean:.2f} \|", text), text
    # It is 0.3 points below the float net's mean, whatever that is.
    mark = 50 * (found["float", 0] + found["float", 1]) - 0.3
    assert f" {mark:.2f} |" in text
    png = (quick.folder / "figure.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"


def test_it_goes_on_where_it_was(quick: Run) -> None:
    before = accuracies(quick)
    cwd = quick.folder.parents[1]
    more = run("logarithmic", "--quick", "--jobs", "1", "--seeds", "3", cwd=cwd)
    assert more.status == 0, more.err
    assert re.findall(r"seed (\d)", more.err) == ["2", "2"]
    after = accuracies(more)
    assert len(after) == len(before) + 2
    assert before.items() <= after.items()


def test_a_seed_gives_the_same_in_two_processes(quick: Run, tmp_path: Path) -> None:
    again = run("logarithmic", "--quick", "--seeds", "1", "--jobs", "2", cwd=tmp_path)
    assert again.status == 0, again.err
    assert accuracies(again).items() <= accuracies(quick).items()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "logarithmic"])
def test_every_study_trains_and_packs(name: str, tmp_path: Path) -> None:
    found = run(name, "--quick", "--seeds", "1", "--jobs", "1", cwd=tmp_path)
    assert found.status == 0, found.err
    runs = found.results()["runs"]
    assert len(runs) == len(study(name).arms)
    assert all(r["packed_accuracy"] == r["accuracy"] for r in runs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["perceptron"], "invalid choice"), (["mlp", "--arms", "W9"], "--arms W9: mlp has the arms")],
)
def test_wrong_arguments(arguments: list[str], message: str, tmp_path: Path) -> None:
    found = run(*arguments, cwd=tmp_path)
    assert found.status == 2
    assert message in found.err


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"format": "qnn compare_bits 1"}', "utf-8")
    found = run("mlp", "--quick", "--out", tmp_path, cwd=tmp_path)
    assert found.status == 2
    assert "is no file of 'qnn study 1'" in found.err
    assert json.loads(path.read_text("utf-8")) == {"format": "qnn compare_bits 1"}


# What is committed in docs/results


# Those whose results were committed; others are still to be run.
DONE = [name for name in NAMES if (RESULTS / name / "results.json").exists()]


@pytest.mark.parametrize("name", DONE)
def test_committed_runs_are_of_the_present_recipes(name: str, tmp_path: Path) -> None:
    runs = json.loads((RESULTS / name / "results.json").read_text("utf-8"))["runs"]
    seeds = 1 + max(r["cell"]["seed"] for r in runs)
    given = [name, "--dataset", "mnist-mini", "--seeds", str(seeds), "--out", str(tmp_path)]
    cells = [replace(cell, dataset="mnist") for cell in parse(given).cells]
    assert len(kept(RESULTS / name, cells)) == len(runs)
    longer = [replace(c, recipe=replace(c.recipe, epochs=c.recipe.epochs + 1)) for c in cells]
    assert not kept(RESULTS / name, longer)


def test_the_index_has_every_study_as_it_is() -> None:
    committed = (RESULTS / "README.md").read_text("utf-8")
    assert committed == index(RESULTS)
    assert DONE
    for name in DONE:
        assert f"nox -s study -- {name}" in committed
        assert (RESULTS / name / "figure.png").exists()
