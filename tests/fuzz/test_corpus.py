"""Past faults of readers, and some tries of the fuzzers; the long runs are `nox -s fuzz`."""

import gzip
import os
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import qnn_data
from mutations import as_json, changed, nested
from runner import Outcome, attempt, case_of, lines, run
from targets import TARGETS, Case, Target

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="tries run in forked processes")
TRIES = 150


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    return TARGETS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("target", sorted(TARGETS), indirect=True)
def test_a_short_run_finds_nothing(target: Target) -> None:
    outcome = run(target, TRIES, seed=0)
    assert not outcome.counts, "\n".join(lines(target, outcome))
    assert outcome.refused + outcome.accepted == outcome.tries == TRIES


@pytest.mark.parametrize("target", ["idx", "checkpoint", "model", "packed", "study"], indirect=True)
def test_honest_files_are_read_and_tries_depend_on_their_number_alone(target: Target) -> None:
    for case in target.honest():
        assert attempt(target, case) == "accepted"
    cases = [case_of(target, 3, number) for number in range(8)]
    assert cases == [case_of(target, 3, number) for number in range(8)]
    assert cases != [case_of(target, 4, number) for number in range(8)]


IDX = {
    "a header that claims 16 EiB": bytes([0, 0, 8, 2]) + struct.pack(">2I", 2**31, 2**31),
    "no element of a huge shape": bytes([0, 0, 8, 3]) + struct.pack(">3I", 0, 2**32 - 1, 2**32 - 1),
    "a bomb": gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 100) + bytes(2**24)),
    "a cut gzip stream": gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))[:-3],
    "many empty members": gzip.compress(b"") * 3000,
    "every axis": bytes([0, 0, 8, 255]) + bytes(4 * 255),
}


@pytest.mark.parametrize("name", IDX)
@pytest.mark.parametrize("target", ["idx"], indirect=True)
def test_past_faults_of_idx(target: Target, name: str) -> None:
    assert attempt(target, Case(IDX[name])) in ("refused", "accepted")


# What else was read wrongly once, in files of the formats that the fuzzers make.
FILES = {
    "a scheme's width that is a word": ("study", b'"logarithmic:4,signed=False"', b'"a:b"'),
    "hundreds of arms": ("study", b'"binary", "uniform"', b'"binary", ' + b'"uniform", ' * 400),
}


@pytest.mark.parametrize(("target", "name"), [(FILES[n][0], n) for n in FILES], indirect=["target"])
def test_past_faults(target: Target, name: str) -> None:
    _, old, new = FILES[name]
    honest = next(case for case in target.honest() if old in case.content)
    damaged = replace(honest, content=honest.content.replace(old, new, 1))
    assert attempt(target, damaged) in ("refused", "accepted")


# The fuzzer finds what there is to find


class Faulty(Target):
    """Does what the first byte says."""

    name = "faulty"
    errors = (qnn_data.IdxError,)

    def honest(self) -> list[Case]:
        return [Case(b"accept")]

    def make(self, rng: Random) -> Case:
        return Case(bytes([rng.randrange(7)]))

    def read(self, case: Case) -> str | None:
        return DEEDS[case.content[0] % 8]()


def _refuse() -> None:
    raise qnn_data.IdxError("no")


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    while True:
        pass


def _eat() -> None:
    bytearray(200 * 2**20).count(1)


def _fail() -> None:
    raise KeyError("x")


DEEDS: tuple[Any, ...] = (
    lambda: None, _refuse, _crash, _hang, _eat, _fail, lambda: "wrong", lambda: None,
)  # fmt: skip


def test_each_kind_of_fault_is_found_and_the_run_goes_on(tmp_path: Path) -> None:
    target = Faulty(tmp_path)
    outcome = run(target, 12, seed=18)
    deeds = [case_of(target, 18, number).content[0] for number in range(12)]
    kinds: dict[str, int] = {}
    for signature, count in outcome.counts.items():
        kind = outcome.first[signature].kind
        kinds[kind] = kinds.get(kind, 0) + count
    expected = {"crash": 2, "hang": 3, "memory": 4, "error": 5, "answer": 6}
    assert kinds == {kind: n for kind, deed in expected.items() if (n := deeds.count(deed))}
    assert set(expected) == set(kinds)  # the seed has one of each
    assert outcome.tries == 12
    text = "\n".join(lines(target, outcome))
    assert "SIGSEGV" in text
    assert "KeyError" in text


@pytest.mark.parametrize("target", ["idx"], indirect=True)
def test_a_run_ends_with_its_time_whatever_a_process_has_done(target: Target) -> None:
    assert run(target, 10**9, seed=0, seconds=0).tries == 0
    outcome = run(target, 10**9, seed=0, seconds=0.2)
    assert outcome.tries == outcome.refused + outcome.accepted


def test_an_empty_outcome_can_be_shown(tmp_path: Path) -> None:
    assert "0 tries" in "\n".join(lines(Faulty(tmp_path), Outcome()))


def test_mutations_make_tables_that_can_be_written() -> None:
    tree = {"a": [1, 2.5, "x", None, True], "b": {"c": nested(3)}}
    rng = Random(0)
    made = [changed(rng, tree) for _ in range(300)]
    assert tree == {"a": [1, 2.5, "x", None, True], "b": {"c": nested(3)}}
    assert sum(other != tree for other in made) > 200
    assert all(isinstance(as_json(rng, other), bytes) for other in made)


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py"))]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == sorted(TARGETS)
    found = subprocess.run(
        [*command, "idx", "--tries", "40", "--seed", "7", "--findings", str(tmp_path / "found")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.startswith("idx: 40 tries in")
    assert list((tmp_path / "found").iterdir()) == []
