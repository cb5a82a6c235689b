"""compare_bits.py, run as its users run it."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from apps_runner import Run, command, png_size, run

BUILT_IN = ["binary", "logarithmic", "symmetric", "uniform"]
BITS = [1, 2, 3, 4, 8, 32]
MEANINGLESS = {("binary", b) for b in (2, 3, 4, 8)} | {("logarithmic", 1), ("symmetric", 1)}
FIGURES = ("accuracy_over_bits.png", "training_curves.png")
ONE_CELL = ("--quick", "--schemes", "symmetric", "--bits", "2", "--seeds", "1", "--jobs", "1")


def results(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return content


def without_times(value: Any) -> Any:
    """Return results.json without what may differ between two runs."""
    if isinstance(value, dict):
        times = ("run", "seconds", "samples_per_second")
        return {key: without_times(v) for key, v in value.items() if key not in times}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def rows(table: str) -> dict[tuple[str, int], str]:
    """Return the lines of the printed table by scheme and bits."""
    found = re.findall(r"^(\S+) +(\d+)(?: \(float\))?  +(.*)$", table, re.MULTILINE)
    return {(scheme, int(bits)): rest.strip() for scheme, bits, rest in found}


# A whole study


def test_it_runs_without_a_complaint(quick: Run) -> None:
    assert quick.status == 0, quick.err
    assert "Warning" not in quick.err
    assert "30/30" in quick.err  # progress, a line for each run where there is no terminal


def test_the_table_has_every_combination(quick: Run) -> None:
    table = rows(quick.out)
    assert table.keys() == {(scheme, bits) for scheme in BUILT_IN for bits in BITS}
    for arm, row in table.items():
        expected = r"no meaning \[\d\]$" if arm in MEANINGLESS else r"\d+\.\d\d \+- \d+\.\d\d +2 "
        assert re.match(expected, row), (arm, row)
    assert all(len(line) <= 100 for line in quick.out.splitlines())


def test_the_table_says_why_a_combination_has_no_meaning(quick: Run) -> None:
    assert "binary, bits 2, 3, 4, 8: Binary: there is one bit, got bits=2" in quick.out
    assert "symmetric, bits 1: Symmetric: one bit of the odd grid would leave" in quick.out


def test_float_is_one_arm_that_all_schemes_share(quick: Run) -> None:
    table = rows(quick.out)
    assert len({table[scheme, 32] for scheme in BUILT_IN}) == 1
    found = results(quick.cwd / "results/compare_bits-1")
    assert [(c["scheme"], c["seed"]) for c in found["cells"] if c["bits"] == 32] == [
        ("float", 0),
        ("float", 1),
    ]


@pytest.mark.parametrize("model", ["lenet", "resnet"])
def test_convolutional_nets(model: str, tmp_path: Path) -> None:
    arms = ("--schemes", "binary", "--bits", "1", "--seeds", "1", "--epochs", "1", "--jobs", "1")
    done = run("compare_bits", "--quick", "--model", model, *arms, "--out", "out", cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"{model} (hardtanh)" in done.out
    found = results(tmp_path / "out")
    assert found["configuration"]["model"] == model
    assert found["configuration"]["hidden"] == []
    assert [cell["status"] for cell in found["cells"]] == ["done"]


def test_a_trial_says_that_its_numbers_mean_nothing(quick: Run) -> None:
    assert "quick trial: the numbers mean nothing" in quick.out


def test_json_has_every_run_with_its_epochs(quick: Run) -> None:
    found = results(quick.cwd / "results/compare_bits-1")
    assert found["complete"] is True
    assert found["configuration"]["schemes"] == BUILT_IN
    assert found["configuration"]["hidden"] == [32, 32]
    assert found["versions"].keys() >= {"python", "numpy", "qnn-core", "qnn-data"}
    assert all(origin.startswith("qnn-quantizers ") for origin in found["schemes"].values())
    assert "compare_bits.py" in found["run"]["command"][0]
    assert len(found["cells"]) == 30
    for cell in found["cells"]:
        assert cell["status"] == "done"
        assert [epoch["epoch"] for epoch in cell["history"]] == [1, 2]
        assert cell["accuracy"] == cell["history"][-1]["val_accuracy"]


def test_json_has_the_arms_with_mean_and_spread(quick: Run) -> None:
    found = results(quick.cwd / "results/compare_bits-1")
    assert len(found["arms"]) == 4 * 5 + 1
    for arm in found["arms"]:
        own = [
            c for c in found["cells"] if (c["scheme"], c["bits"]) == (arm["scheme"], arm["bits"])
        ]
        if (arm["scheme"], arm["bits"]) in MEANINGLESS:
            assert (arm["status"], arm["n"], own) == ("no meaning", 0, [])
            assert arm["reason"]
            continue
        values = [cell["accuracy"] for cell in own]
        assert arm["n"] == 2
        assert arm["accuracy_mean"] == pytest.approx(fmean(values))
        assert arm["accuracy_sd"] == pytest.approx(stdev(values))
        assert arm["nbytes"] == own[0]["nbytes"]


def test_fewer_bits_take_fewer_bytes(quick: Run) -> None:
    found = results(quick.cwd / "results/compare_bits-1")["arms"]
    sizes = [a["nbytes"] for a in found if a["scheme"] == "uniform"] + [found[0]["nbytes"]]
    assert sizes == sorted(set(sizes))


def test_csv_has_a_line_for_each_run_and_each_combination_without_one(quick: Run) -> None:
    path = quick.cwd / "results/compare_bits-1/results.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 30 + len(MEANINGLESS)
    assert {(r["scheme"], int(r["bits"])) for r in lines if r["status"] != "done"} == MEANINGLESS
    assert all(r["reason"] for r in lines if r["status"] == "no meaning")


def test_the_figures_are_pngs(quick: Run) -> None:
    folder = quick.cwd / "results/compare_bits-1"
    assert png_size(folder / FIGURES[0]) == (1200, 750)
    width, height = png_size(folder / FIGURES[1])
    assert width > 2 * height  # five small multiples beside each other


def test_no_other_file_is_left(quick: Run) -> None:
    left = {path.name for path in (quick.cwd / "results/compare_bits-1").iterdir()}
    assert left == {"results.json", "results.csv", *FIGURES}


def test_numbers_depend_neither_on_the_run_nor_on_the_number_of_processes(
    quick: Run, tmp_path: Path
) -> None:
    again = run("compare_bits", "--quick", "--jobs", "2", "--out", tmp_path / "two", cwd=tmp_path)
    assert again.status == 0, again.err
    one, two = results(quick.cwd / "results/compare_bits-1"), results(tmp_path / "two")
    assert (one["run"]["jobs"], two["run"]["jobs"]) == (1, 2)
    assert without_times(one) == without_times(two)


# Results of others


def test_by_default_each_study_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "results/compare_bits-1").mkdir(parents=True)
    done = run("compare_bits", *ONE_CELL, cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"in {Path('results/compare_bits-2')}: " in done.out
    assert (tmp_path / "results/compare_bits-2/results.json").exists()


def test_earlier_results_are_replaced_on_demand_only(tmp_path: Path) -> None:
    kept = tmp_path / "results.json"
    kept.write_text("years of work", encoding="utf-8")
    refused = run("compare_bits", *ONE_CELL, "--out", tmp_path, cwd=tmp_path)
    assert refused.status == 2
    assert "it holds results.json of an earlier run" in refused.err
    assert "--overwrite" in refused.err
    assert kept.read_text(encoding="utf-8") == "years of work"
    replaced = run("compare_bits", *ONE_CELL, "--out", tmp_path, "--overwrite", cwd=tmp_path)
    assert replaced.status == 0, replaced.err
    assert results(tmp_path)["complete"] is True


# Bad input

BAD = {
    "--schemes symetric": "no quantizer 'symetric'; did you mean 'symmetric'?",
    "--schemes symmetric:4": "'symmetric:4' sets the bits; leave them out: they come from --bits",
    "--schemes symmetric:grid=ood": "grid must be one of odd, even, twos-complement, got 'ood'",
    "--schemes symmetric:gird=odd": "has no option 'gird'; did you mean 'grid'?",
    "--bits 9": "--bits: expected whole numbers from 1 to 8, or 32 for float, got '9'",
    "--bits 2.5": "--bits: expected whole numbers from 1 to 8, or 32 for float, got '2.5'",
    "--seeds 0": "--seeds: expected a whole number >= 1, got '0'",
    "--lr -1": "--lr: expected a number > 0, got '-1'",
    "--hidden 8 0": "--hidden: expected a whole number >= 1, got '0'",
    "--model lenet --hidden 8": "--hidden: the layers of lenet are what they are; it is for mlp",
    "--model vgg": "--model: invalid choice: 'vgg' (choose from ",
    "--jobs two": "--jobs: expected a whole number >= 1, got 'two'",
    "--dataset minst": "--dataset: invalid choice: 'minst' (choose from ",
    "--out file": "--out file: no folder that can be written to: ",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_explained(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("compare_bits", *arguments.split(), cwd=tmp_path)
    assert done.status == 2
    assert BAD[arguments] in done.err
    assert "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_data_that_cannot_be_had_are_explained(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"no digits")
    env = {"QNN_DATA": str(tmp_path)}
    done = run("compare_bits", "--dataset", "mnist", cwd=tmp_path, env=env)
    assert done.status == 2
    assert "error: --dataset mnist: QNN_DATA=" in done.err
    assert "train-images-idx3-ubyte: " in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "results").exists()


def test_help_explains_every_option(tmp_path: Path) -> None:
    done = run("compare_bits", "--help", cwd=tmp_path)
    assert done.status == 0
    options = (
        "dataset schemes bits seeds model epochs hidden batch-size lr optimizer jobs out quick"
    )
    assert all(f"--{option}" in done.out for option in options.split())
    assert "exit status" in done.out


# When things go wrong


def test_a_run_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    # The step is so large that the scale falls to zero.
    wild = ("--quick", "--lr", "1e30", "--optimizer", "sgd", "--jobs", "1", "--out", "out")
    arms = ("--schemes", "symmetric", "--bits", "2", "32", "--seeds", "1")
    done = run("compare_bits", *wild, *arms, cwd=tmp_path)
    assert done.status == 0, done.err
    assert rows(done.out)["symmetric", 2] == "failed [1]"
    assert "[1] symmetric, bits 2: seed 0 failed: NonFiniteError: " in done.out
    status = {cell["scheme"]: cell["status"] for cell in results(tmp_path / "out")["cells"]}
    assert status == {"float": "done", "symmetric": "failed"}


def test_a_study_without_any_result_fails(tmp_path: Path) -> None:
    arms = ("--schemes", "binary", "--bits", "2", "--out", "out")
    done = run("compare_bits", "--quick", *arms, cwd=tmp_path)
    assert done.status == 1
    assert "nothing could be trained" in done.err
    assert "Traceback" not in done.err
    assert results(tmp_path / "out")["arms"][0]["status"] == "no meaning"


@contextmanager
def interrupts_not_ignored() -> Iterator[None]:
    """A shell starts background jobs with Ctrl-C ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(tmp_path: Path, jobs: int) -> Run:
    """Press Ctrl-C as soon as a run is done: as in a terminal, all processes get it."""
    arms = ("--schemes", "symmetric", "--bits", "2", "32", "--epochs", "20", "--seeds", "100")
    words = command("compare_bits", "--quick", *arms, "--jobs", jobs, "--out", "out")
    with interrupts_not_ignored(), (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=err, text=True,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while "1/200" not in (tmp_path / "err").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert_gone(process.pid)
    return Run(process.returncode, out, (tmp_path / "err").read_text(), tmp_path)


def assert_gone(group: int) -> None:
    """Check that no process of the group is left, soon after the first has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process group {group} still has a process")


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_done(tmp_path: Path, jobs: int) -> None:
    done = interrupted(tmp_path, jobs)
    assert done.status == 130
    assert "stopped by Ctrl-C" in done.err
    assert "Traceback" not in done.err
    assert "Warning" not in done.err
    assert "INCOMPLETE" in done.out
    found = results(tmp_path / "out")
    assert found["complete"] is False
    assert 1 <= len(found["cells"]) < 200
    assert len({cell["seed"] for cell in found["cells"]}) <= len(found["cells"]) // 2 + 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json",
        "results.csv",
        *FIGURES,
    }
    for figure in FIGURES:
        png_size(tmp_path / "out" / figure)


# Other people's schemes


def test_a_strangers_scheme_appears_by_itself_and_a_broken_one_harms_nobody(
    install_plugins: Callable[..., dict[str, str]], quick: Run, tmp_path: Path
) -> None:
    env = install_plugins("stranger", "broken_import", "some_widths")
    arms = ("--bits", "2", "32", "--seeds", "1", "--jobs", "2", "--out", "out")
    done = run("compare_bits", "--quick", *arms, cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    table = rows(done.out)
    assert {scheme for scheme, _ in table} >= {*BUILT_IN, "ternary", "some-widths"}
    assert re.match(r"\d+\.\d\d +1 ", table["ternary", 2])
    assert table["needs-more", 2].startswith("unusable [")
    assert "cannot be imported: ModuleNotFoundError" in " ".join(done.out.split())
    found = results(tmp_path / "out")
    assert found["schemes"]["ternary"] == "strangers-ternary 1.2"
    # What is compared beside it does not change a number.
    theirs, ours = (
        [c for c in r["cells"] if (c["scheme"], c["bits"], c["seed"]) == ("symmetric", 2, 0)]
        for r in (found, results(quick.cwd / "results/compare_bits-1"))
    )
    assert without_times(theirs) == without_times(ours)
