"""Seeds until decided: only what is undecided goes on, and it can be stopped and gone on with."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
import qnn_core as qnn
from qnn_core.errors import CompareError
from studies_to_compare import data, net

AUTO: dict[str, Any] = {
    "weights": ["symmetric", "binary"], "bits": [1, 2, 4, 32], "seeds": "auto", "epochs": 1,
    "batch_size": 20, "lr": 0.01, "margin": 0.15, "max_seeds": 8, "progress": False,
}  # fmt: skip # one line for each would hide that it is short


@pytest.fixture(scope="module")
def found(thread: Executor) -> qnn.Comparison:
    return qnn.compare(net, data, executor=thread, **AUTO)


def test_only_what_is_undecided_goes_on(found: qnn.Comparison) -> None:
    pairs = {pair.config: pair for pair in found.against()}
    counts = {config.name: len(found.done(config)) for config in found.configs}
    assert {*counts.values()} <= {3, 5, 8}
    for name, pair in pairs.items():
        assert counts[name] == pair.n
        assert pair.decided or pair.n == 8
    # The reference has as many seeds as the others need.
    assert counts["float"] == max(pair.n for pair in pairs.values())
    # With these seeds some are decided at once, and others are not.
    assert len({pair.n for pair in pairs.values()}) > 1
    assert found.complete
    assert "levels are divided over the looks" in " ".join(str(found).split())
    assert f"up to {counts['float']} seeds" in str(found)


def test_a_study_that_ran_out_of_time_is_gone_on_with(
    found: qnn.Comparison, thread: Executor, tmp_path: Path
) -> None:
    some = qnn.compare(net, data, executor=thread, store=tmp_path, **AUTO | {"max_seconds": 1e-9})
    assert {len(some.done(config)) for config in some.configs} == {3}
    assert some.complete  # all that was to be made by now
    rest = qnn.compare(net, data, executor=thread, store=tmp_path, **AUTO)
    assert rest.against() == found.against()
    assert rest.results.keys() == found.results.keys()
    loaded = qnn.Comparison.load(tmp_path)
    assert loaded.against() == found.against()
    assert loaded.complete
    assert sum(session["cells"] for session in loaded.sessions) == len(found.results)


def test_what_was_kept_took_its_time_too(thread: Executor, tmp_path: Path) -> None:
    short = AUTO | {"max_seconds": 0.05}
    some = qnn.compare(net, data, executor=thread, store=tmp_path, **short)
    again = qnn.compare(net, data, executor=thread, store=tmp_path, **short)
    assert len(again.results) == len(some.results)
    assert sum(session["cells"] for session in again.sessions) == len(some.results)


def test_progress_says_what_is_undecided(
    thread: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    qnn.compare(net, data, executor=thread, **AUTO | {"progress": True})
    told = capsys.readouterr().err
    assert "after 3 seeds, " in told
    assert "undecided" in told


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_seeds": 1}, "max_seeds must be a whole number >= 2, got 1"),
        ({"max_seeds": "many"}, "max_seeds must be a whole number >= 2, got 'many'"),
        ({"max_seconds": 0}, "max_seconds must be a number above 0, got 0"),
        ({"seeds": "all"}, "seeds must be a number of seeds"),
        ({"margin": 0}, "margin must be a number above 0"),
        ({"margin": True}, "margin must be a number above 0"),
        ({"reference": "flaot"}, "reference 'flaot' is none of float, symmetric:2"),
    ],
)
def test_limits_are_checked(thread: Executor, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CompareError, match=message):
        qnn.compare(net, data, executor=thread, **AUTO | changes)


def test_margin_and_reference_are_kept(thread: Executor, tmp_path: Path) -> None:
    asked = {"seeds": 2, "reference": "binary:1", "margin": 0.2}
    qnn.compare(net, data, executor=thread, store=tmp_path, **AUTO | asked)
    loaded = qnn.Comparison.load(tmp_path)
    assert (loaded.reference.name, loaded.margin) == ("binary:1", 0.2)
    assert {pair.reference for pair in loaded.against()} == {"binary:1"}
    # Another question is none of another study.
    again = qnn.compare(net, data, executor=thread, store=tmp_path, **AUTO | {"seeds": 2})
    assert again.reference.name == "float"
    assert qnn.Comparison.load(tmp_path).margin == 0.15
