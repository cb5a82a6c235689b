"""compare_bits.py, run as its users run it."""

import csv
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from apps_runner import Run, command, png_size, refusals, run

PATIENCE = 300  # seconds until what waits counts as hanging: a busy machine is no hang
BUILT_IN = ["binary", "logarithmic", "symmetric", "uniform"]
CONFIGS = ["float", "binary:1"] + [
    f"{scheme}:{bits}"
    for scheme in BUILT_IN[1:]
    for bits in (1, 2, 3, 4, 8)
    if bits > 1 or scheme == "uniform"
]
MEANINGLESS = {f"binary:{bits}" for bits in (2, 3, 4, 8)} | {"logarithmic:1", "symmetric:1"}
ONE_CELL = ("--quick", "--schemes", "symmetric", "--bits", "2", "--seeds", "1", "--jobs", "1")


def results(folder: Path) -> qnn.Comparison:
    return qnn.Comparison.load(folder)


def same(a: qnn.Comparison, b: qnn.Comparison, config: str, seed: int) -> bool:
    """Whether a run has the same numbers in both, to the bit."""
    one, two = a.results[config, seed], b.results[config, seed]
    return np.array_equal(one.correct, two.correct) and (one.loss, one.nbytes, one.history) == (
        two.loss,
        two.nbytes,
        two.history,
    )


# A whole study


def test_it_runs_without_a_complaint(quick: Run) -> None:
    assert quick.status == 0, quick.err
    assert "Warning" not in quick.err
    assert "30/30" in quick.err  # progress, a line for each run where there is no terminal
    assert "its numbers mean nothing" in quick.err


def test_the_table_has_every_combination(quick: Run) -> None:
    for config in CONFIGS:
        scheme, _, bits = config.partition(":")
        assert re.search(rf"^{scheme} .*\b{bits}\b.*%?", quick.out, re.MULTILINE), config
    folder = quick.cwd / "results/compare_bits-1"
    assert {config.name for config in results(folder).configs} == set(CONFIGS)
    assert {out.config for out in results(folder).plan.left_out} == MEANINGLESS
    assert "Binary: there is one bit" in " ".join(quick.out.split())


def test_it_leaves_a_report_a_table_figures_and_the_study(quick: Run) -> None:
    folder = quick.cwd / "results/compare_bits-1"
    found = results(folder)
    assert found.complete
    assert not found.failures
    assert all(result.difference == 0 for result in found.results.values())
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert 'href="report-live.html"' in (folder / "report.html").read_text("utf-8")
    assert "qnn" in (folder / "report-live.html").read_text("utf-8")
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        assert len([*csv.DictReader(file)]) == len(CONFIGS)
    figures = [*folder.glob("*.png")]
    assert len(figures) == 4
    for figure in figures:
        png_size(figure)


def test_fewer_bits_take_fewer_bytes(quick: Run) -> None:
    found = results(quick.cwd / "results/compare_bits-1")
    sizes = [found.nbytes(found.config(f"uniform:{bits}")) or 0 for bits in (1, 2, 3, 4, 8)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("model", ["lenet", "resnet"])
def test_convolutional_nets(model: str, tmp_path: Path) -> None:
    configs = ("--schemes", "binary", "--bits", "1", "--seeds", "1", "--epochs", "1", "--jobs", "1")
    done = run("compare_bits", "--quick", "--model", model, *configs, "--out", "out", cwd=tmp_path)
    assert done.status == 0, done.err
    (result,) = results(tmp_path / "out").results.values()
    assert result.done
    assert result.difference == 0


def test_numbers_depend_neither_on_the_run_nor_on_the_number_of_processes(
    quick: Run, tmp_path: Path
) -> None:
    some = ("--bits", "2", "32", "--jobs", "2", "--out", tmp_path / "two")
    again = run("compare_bits", "--quick", *some, cwd=tmp_path)
    assert again.status == 0, again.err
    one, two = results(quick.cwd / "results/compare_bits-1"), results(tmp_path / "two")
    assert {config for config, _ in two.results} == {
        config for config in CONFIGS if config.endswith(("float", ":2"))
    }
    assert len(two.results) == 8
    assert all(same(one, two, *run) for run in two.results)


# Folders


def test_by_default_each_study_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "results/compare_bits-1").mkdir(parents=True)
    done = run("compare_bits", *ONE_CELL, cwd=tmp_path)
    assert done.status == 0, done.err
    assert str(Path("results/compare_bits-2/report.html")) in done.out
    assert results(tmp_path / "results/compare_bits-2").complete


def test_a_folder_of_the_same_study_is_gone_on_with_and_no_other(tmp_path: Path) -> None:
    assert run("compare_bits", *ONE_CELL, "--out", "out", cwd=tmp_path).status == 0
    more = run("compare_bits", *ONE_CELL[:-4], "--seeds", "2", "--out", "out", cwd=tmp_path)
    assert more.status == 0, more.err
    assert "1 of 2 runs were done before" in more.err
    other = run("compare_bits", *ONE_CELL, "--epochs", "1", "--out", "out", cwd=tmp_path)
    assert other.status == 2
    assert "recipe.epochs is 2 there and 1 here" in other.err
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    foreign = run("compare_bits", *ONE_CELL, "--out", "thesis", cwd=tmp_path)
    assert foreign.status == 2
    assert "holds other files" in foreign.err


# Bad input

BAD = {
    "--schemes symetric": "no quantizer 'symetric'; did you mean 'symmetric'?",
    "--schemes symmetric:4": "'symmetric:4' sets the bits, and so do bits",
    "--schemes symmetric:grid=ood": "grid must be one of odd, even, twos-complement, got 'ood'",
    "--schemes symmetric:gird=odd": "has no option 'gird'; did you mean 'grid'?",
    "--schemes binary --bits 2": "binary:2: Binary: there is one bit, got bits=2",
    "--bits 9": "--bits: expected whole numbers from 1 to 8, or 32 for float, got '9'",
    "--bits 2.5": "--bits: expected whole numbers from 1 to 8, or 32 for float, got '2.5'",
    "--seeds 0": "--seeds: expected a whole number >= 1, got '0'",
    "--lr -1": "--lr: expected a number > 0, got '-1'",
    "--hidden 8 0": "--hidden: expected a whole number >= 1, got '0'",
    "--model lenet --hidden 8": "--hidden: the layers of lenet are what they are; it is for mlp",
    "--model vgg": "--model: invalid choice: 'vgg' (choose from ",
    "--jobs two": "--jobs: expected a whole number >= 1, got 'two'",
    "--dataset minst": "--dataset: invalid choice: 'minst' (choose from ",
    "--quick --out file": "file is a file, not a folder",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs with bad input, each in a folder of its own with a file in it."""

    def prepared(arguments: str, folder: Path) -> list[str]:
        (folder / "file").touch()
        return arguments.split()

    return refusals("compare_bits", BAD, tmp_path_factory, prepared)


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_explained(arguments: str, refused: dict[str, Run]) -> None:
    done = refused[arguments]
    assert done.status == 2
    assert BAD[arguments] in done.err
    assert "Traceback" not in done.err
    assert [path.name for path in done.cwd.iterdir()] == ["file"]


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
        "dataset schemes bits seeds model epochs hidden batch-size lr optimizer jobs dask out quick"
    )
    assert all(f"--{option}" in done.out for option in options.split())
    assert "exit status" in done.out


# When things go wrong


def test_a_run_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    # The step is so large that the scale falls to zero.
    wild = ("--quick", "--lr", "1e30", "--optimizer", "sgd", "--jobs", "1", "--out", "out")
    configs = ("--schemes", "symmetric", "--bits", "2", "32", "--seeds", "1")
    done = run("compare_bits", *wild, *configs, cwd=tmp_path)
    assert done.status == 1, done.err
    found = results(tmp_path / "out")
    assert {r.config: r.failure for r in found.results.values()} == {
        "float": None,
        "symmetric:2": "diverged",
    }
    assert found.failures[0].reason.split(":")[0] in " ".join(done.out.split())


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
    configs = ("--schemes", "symmetric", "--bits", "2", "32", "--epochs", "10", "--seeds", "300")
    words = command("compare_bits", "--quick", *configs, "--jobs", jobs, "--out", "out")
    with interrupts_not_ignored(), (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=err, text=True,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while "1/600" not in (tmp_path / "err").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert_gone(process.pid)
    return Run(process.returncode, out, (tmp_path / "err").read_text(), tmp_path)


def assert_gone(group: int) -> None:
    """Check that no process of the group is left, soon after the first has ended."""
    deadline = time.monotonic() + PATIENCE
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
    assert not found.complete
    assert 1 <= len(found.results) < 600
    # Whole rounds, but for the last.
    assert len({seed for _, seed in found.results}) <= len(found.results) // 2 + 1
    assert not [*(tmp_path / "out").glob("**/.*")]
    assert (tmp_path / "out" / "report.html").exists()


# Presses Ctrl-C, which is a signal to the process itself, where the named functions are called.
PRESSED = """
import runpy, signal, sys
from importlib import import_module

def press(*_, **__):
    signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
path, *places = sys.argv[1].split(",")
for place in places:
    module, _, names = place.partition(":")
    *owners, name = names.split(".")
    owner = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, press)
sys.argv = sys.argv[1:]
sys.path.insert(0, path.rpartition("/")[0])
runpy.run_path(path, run_name="__main__")
"""
DRAWING = "qnn_compare.report.page:write"


def pressed(tmp_path: Path, *places: str) -> Run:
    """Run a small study in which Ctrl-C is pressed at places of the code, whatever the time."""
    python, app, *options = command("compare_bits", *ONE_CELL, "--out", "out")
    words = [python, "-c", PRESSED, ",".join((Path(app).as_posix(), *places)), *options]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Run(done.returncode, done.stdout, done.stderr, tmp_path)


def test_ctrl_c_while_the_report_is_made_says_what_is_kept(tmp_path: Path) -> None:
    done = pressed(tmp_path, DRAWING)
    assert done.status == 130, done.err
    last = done.err.splitlines()[-1]
    assert last.startswith("stopped by Ctrl-C while figures and report were made; 1 run is kept in")
    assert "qnn report out" in last
    assert "Traceback" not in done.err
    assert results(tmp_path / "out").complete
    # The same command goes on, with nothing left but to report.
    again = run("compare_bits", *ONE_CELL, "--out", "out", cwd=tmp_path)
    assert again.status == 0, again.err
    assert "1/1" not in again.err
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "RUNNING" not in page
    assert "report-live.html" in page


def test_a_second_ctrl_c_ends_the_report_on_what_was_done(tmp_path: Path) -> None:
    done = pressed(tmp_path, "qnn_compare.experiment.progress:Progress.show", DRAWING)
    assert done.status == 130, done.err
    assert "stopped by Ctrl-C with 1 of 1 runs done" in done.err
    assert "stopped by Ctrl-C while figures and report were made; 1 run is kept in" in done.err
    assert "Traceback" not in done.err
    assert results(tmp_path / "out").complete


# Other people's schemes


def test_a_strangers_scheme_appears_by_itself_and_a_broken_one_harms_nobody(
    install_plugins: Callable[..., dict[str, str]], quick: Run, tmp_path: Path
) -> None:
    env = install_plugins("stranger", "broken_import", "some_widths")
    configs = ("--bits", "2", "32", "--seeds", "1", "--jobs", "2", "--out", "out")
    done = run("compare_bits", "--quick", *configs, cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    found = results(tmp_path / "out")
    assert {"ternary:2", "some-widths:2"} <= {config.name for config in found.configs}
    assert not found.failures
    assert {"needs-more:2", "binary:2"} == {out.config for out in found.plan.left_out}
    told = " ".join(done.out.split())
    assert "cannot be imported: ModuleNotFoundError" in told
    assert "left out, binary:2" in told
    assert "Binary: there is one bit" in told
    assert found.plan.schemes["ternary"].startswith("strangers-ternary 1.2 ")
    # What is compared beside it does not change a number.
    ours = results(quick.cwd / "results/compare_bits-1")
    assert same(found, ours, "symmetric:2", 0)
