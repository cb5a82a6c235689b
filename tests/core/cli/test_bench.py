"""The command `qnn bench`: what it times and writes; how fast is not for a test to say."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qnn_core.cli.bench import CASES, take_turns
from qnn_core.gemm import cpu

NUMBERS = ("us", "gmacs", "from_codes_us", "matmul_us", "matmul_gmacs", "times_matmul")


def qnn(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from qnn_core.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    env = {k: v for k, v in os.environ.items() if k != "QNN_CPU"}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    file = tmp_path_factory.mktemp("bench") / "times.json"
    done = qnn("bench", "--quick", "--json", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_path_and_product_is_timed_at_every_shape(run):
    rows = run[1]["results"]
    found = {(*row["shape"], row["path"], row["product"]) for row in rows}
    shapes = {tuple(row["shape"]) for row in rows}
    wanted = {(*s, path, case.name) for s in shapes for path in cpu.paths() for case in CASES}
    assert found == wanted
    assert len(rows) == len(wanted)


@pytest.mark.slow
def test_numbers_are_finite_and_positive_and_agree(run):
    for row in run[1]["results"]:
        assert all(math.isfinite(row[name]) and row[name] > 0 for name in NUMBERS)
        assert row["gmacs"] == pytest.approx(math.prod(row["shape"]) / row["us"] / 1e3)
        assert row["times_matmul"] == pytest.approx(row["matmul_us"] / row["us"])
        assert row["slower"] == (row["us"] > row["matmul_us"])


@pytest.mark.slow
def test_every_kernel_of_the_engine_is_among_them(run):
    kernels = {row["kernel"] for row in run[1]["results"]}
    assert {"planes", "ternary", "int16", "float"} <= kernels


@pytest.mark.slow
def test_the_machine_and_its_blas_are_named(run):
    text, report = run
    assert report["machine"]["kernel paths"] == list(cpu.paths())
    for name in ("processor", "numpy", "qnn-core", "BLAS", "BLAS threads"):
        assert f"{name}: {report['machine'][name]}" in text


@pytest.mark.slow
def test_what_is_slower_than_numpy_says_so(run):
    text, report = run
    assert text.count("SLOWER") == sum(row["slower"] for row in report["results"])


@pytest.mark.parametrize("arguments", [["--paths", "bsae"], ["--threads", "0"]])
def test_a_wrong_argument_is_one_line(arguments):
    done = qnn("bench", "--quick", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("qnn: ")
    assert done.stderr.count("\n") == 1


def test_ways_take_turns():
    calls: list[str] = []
    ways = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    seconds = take_turns(ways, rounds=3)
    assert list(seconds) == ["a", "b"]
    turns = "".join(one for one, before in zip(calls, ["", *calls], strict=False) if one != before)
    assert turns == "ab" * 4  # one to see how fast they are


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path):
    done = qnn("bench", "--quick", "--paths", "base", "--json", str(tmp_path / "no" / "file"))
    assert done.returncode == 1
    assert "no" in done.stderr
