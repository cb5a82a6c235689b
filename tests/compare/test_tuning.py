"""Tuning: the same budget for each config, judged by samples that are no test samples."""

import functools
import json
import shutil
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, Recipe, compare
from qnn_compare.experiment.tuning import FIRST_SEED, Search, Tried, Tuning, search_of
from qnn_compare.statistics import Pair
from qnn_compare.statistics.weak_baseline import Run, suspicion
from qnn_core.errors import CompareError
from studies_to_compare import data, net

RATES = [1e-6, 1e-2]
# Of the rates one does not train at all.
ASKED: dict[str, Any] = {
    "weights": ["symmetric"], "bits": [2, 32], "seeds": 2, "epochs": 2, "batch_size": 20,
    "progress": False, "tune": {"lr": RATES},
}  # fmt: skip # one line for each would hide that it is short


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, thread: Executor) -> Path:
    """A store of a study whose configs were tuned."""
    store: Path = tmp_path_factory.mktemp("tuned") / "store"
    compare(net, data(), executor=thread, store=store, **ASKED)
    return store


@pytest.fixture(scope="module")
def tuned(folder: Path) -> Comparison:
    return Comparison.load(folder)


def tuning(comparison: Comparison) -> Tuning:
    assert comparison.plan.tuning is not None
    return comparison.plan.tuning


def test_the_best_of_what_was_held_back_is_trained(tuned: Comparison, thread: Executor) -> None:
    assert [dict(config.recipe) for config in tuned.configs] == [{"lr": 1e-2}] * 2
    assert [config.name for config in tuned.configs] == ["float", "symmetric:2"]
    # It is what a study of that recipe is, on all training samples.
    same = [config.changed(recipe={}) for config in tuned.configs]
    plain = {name: ASKED[name] for name in ("seeds", "epochs", "batch_size", "progress")}
    again = compare(net, data(), configs=same, executor=thread, **plain)
    for run, result in tuned.results.items():
        assert np.array_equal(result.correct, again.results[run].correct)
    assert again.plan.key(same[0], 0) == tuned.plan.key(tuned.configs[0], 0)


def test_what_was_tried_and_what_it_cost_is_told(tuned: Comparison) -> None:
    told = tuning(tuned)
    assert (told.samples, told.seeds, len(told.tried)) == (12, 1, 4)
    assert told.values("float") == {"lr": RATES}
    assert all(one.seconds > 0 and one.accuracy is not None for one in told.tried)
    text = " ".join(str(tuned).split())
    assert "tuned: lr of 1e-06, 0.01, for each config alike, by the accuracy on 12 samples" in text
    assert "at the edge of what was tried, float, symmetric:2: lr 0.01" in text
    table = tuned.table("csv").split("\n")
    column = table[0].split(",").index("tuned_lr")
    assert [line.split(",")[column] for line in table[1:3]] == ["0.01", "0.01"]


@pytest.mark.parametrize("end", ["html", "md"])
def test_the_report_tells_it(tuned: Comparison, tmp_path: Path, end: str) -> None:
    page = tuned.report(tmp_path / f"report.{end}").read_text("utf-8")
    assert "what is better may lie beyond" in page
    assert "lr 0.01" in page
    assert "'lr': 0.01" in page.replace("&#39;", "'")  # how to reproduce it
    if end == "html":
        assert "What each recipe gave on what was held back" in page
        assert "(chosen)" in page


def test_test_samples_decide_nothing(tuned: Comparison, thread: Executor, tmp_path: Path) -> None:
    train, (x, y) = data()
    wrong = train, (x[::-1].copy(), (y + 1) % 3)
    other = compare(net, wrong, executor=thread, store=tmp_path, **ASKED)
    assert other.images == tuned.images
    for ours, theirs in zip(tuning(tuned).tried, tuning(other).tried, strict=True):
        assert (ours.accuracy, ours.chosen) == (theirs.accuracy, theirs.chosen)
    # Nor are they among what nets are tuned on, nor what is held back among what they see.
    inside = Comparison.load(tmp_path / "tuning")
    assert inside.images == 12
    assert inside.seeds == (FIRST_SEED,)
    held, kept = (search_of({"lr": RATES}, Recipe(1)).data(data())[n] for n in (1, 0))
    seen = {row.tobytes() for part in (held, kept) for row in part[np.arange(len(part))][0]}
    assert len(seen) == len(held) + len(kept) == 120
    assert seen == {row.tobytes() for row in train[0]}


def test_a_second_call_trains_nothing(tuned: Comparison, folder: Path, thread: Executor) -> None:
    again = compare(net, data(), executor=thread, store=folder, **ASKED)
    assert str(again) == str(tuned)
    for store in (folder, folder / "tuning"):
        assert [s["cells"] for s in Comparison.load(store).sessions] == [4, 0]


def test_a_study_that_ended_while_it_was_tuned_goes_on(
    tuned: Comparison, folder: Path, thread: Executor, tmp_path: Path
) -> None:
    shutil.copytree(folder / "tuning", tmp_path / "tuning")
    [gone, *_] = sorted((tmp_path / "tuning" / "cells").iterdir())
    gone.unlink()
    found = compare(net, data(), executor=thread, store=tmp_path, **ASKED)
    assert found.against() == tuned.against()
    assert Comparison.load(tmp_path / "tuning").sessions[-1]["cells"] == 1


def test_more_configs_join_a_study(tuned: Comparison, folder: Path, thread: Executor) -> None:
    more = ASKED | {"weights": ["binary"], "bits": [1], "tune": {"lr": [1e-3, 1e-2, 1e-1]}}
    found = compare(net, data(), executor=thread, **more)
    both = tuned.merge(found)
    assert {one.config for one in tuning(both).tried} == {"float", "symmetric:2", "binary:1"}
    assert tuning(both).values("binary:1") == {"lr": [1e-3, 1e-2, 1e-1]}
    text = " ".join(str(both).split())
    assert "for float, symmetric:2, by" in text
    assert "for binary:1, by" in text


def test_data_that_a_function_returns_and_own_validation(
    tuned: Comparison, thread: Executor
) -> None:
    found = compare(net, data, executor=thread, **ASKED)
    assert [one.accuracy for one in tuning(found).tried] == [
        one.accuracy for one in tuning(tuned).tried
    ]

    def batches(seed: int) -> list[tuple[Any, Any]]:
        x, y = data()[0]
        order = np.random.default_rng(seed).permutation(len(y))
        return [(x[part], y[part]) for part in np.array_split(order, 6)]

    given = batches, data()[1]
    with pytest.raises(CompareError, match=r"cannot be divided; tune= takes validation"):
        compare(net, given, executor=thread, **ASKED)
    own = ASKED | {"tune": {"lr": RATES, "validation": data(50, 31)[1], "seeds": 2}}
    found = compare(net, given, executor=thread, **own)
    assert tuning(found).samples == 31
    assert tuning(found).seeds == 2


def test_what_fails_is_not_chosen(thread: Executor) -> None:
    with np.errstate(all="ignore"):
        found = compare(
            net, data(), executor=thread, **ASKED | {"tune": {"lr": [1e38, 1e-3, 1e-2]}}
        )
    first, *_ = tuning(found).of("float")
    assert (first.accuracy, first.chosen) == (None, False)
    assert not found.failures
    with np.errstate(all="ignore"):
        none = compare(net, data(), executor=thread, **ASKED | {"tune": {"lr": [1e38, 2e38]}})
    assert not any(one.chosen for one in tuning(none).tried)
    assert all(not config.recipe for config in none.configs)
    assert len(none.results) == 4
    text = " ".join(f"{found}\n{none}".split())
    assert "failed in tuning, float, symmetric:2: lr 1e+38 did not train" in text
    assert "lr 1e+38 and lr 2e+38 did not train, and nothing was chosen" in text


def test_all_combinations_and_other_fields(thread: Executor) -> None:
    asked = ASKED | {
        "tune": {"optimizer": ["sgd", "adam"], "batch_size": [20, 40]},
        "seeds": "auto",
    }
    found = compare(net, data(), executor=thread, max_seeds=3, margin=0.2, **asked)
    assert len(tuning(found).tried) == 8
    assert {*tuning(found).chosen("float")} == {"optimizer", "batch_size"}
    assert "optimizer" not in tuning(found).edges("float")
    assert "optimizer of sgd, adam; batch_size of 20, 40" in " ".join(str(found).split())


def test_another_study_is_refused_before_it_is_tuned(folder: Path, thread: Executor) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(CompareError, match=r"epochs is 2 there and 3 here"):
        compare(net, data(), executor=thread, store=folder, **ASKED | {"epochs": 3})
    assert sorted(folder.rglob("*")) == before


def test_another_search_in_a_store_is_refused_before_it_is_made(
    folder: Path, thread: Executor
) -> None:
    before = sorted(folder.rglob("*"))
    wider = {"tune": {"lr": [*RATES, 0.1]}}
    told = "of symmetric:2 in store .* was chosen from lr 1e-06, 0.01, and not from .* 0.01, 0.1"
    with pytest.raises(CompareError, match=told):
        compare(
            net, data(), executor=thread, store=folder,
            **ASKED | wider | {"configs": [Config("new")], "bits": [2]},
        )  # fmt: skip
    assert sorted(folder.rglob("*")) == before


def test_a_tuned_store_is_not_gone_on_with_without_its_search(
    folder: Path, thread: Executor
) -> None:
    plain = {name: value for name, value in ASKED.items() if name != "tune"}
    with pytest.raises(CompareError, match=r"recipe of float in store .* was chosen by tune=.*lr"):
        compare(net, data(), executor=thread, store=folder, **plain)


def test_scores_of_the_search_are_records(tuned: Comparison) -> None:
    rows = tuned.records("tuning")
    assert [(row["config"], row["lr"], row["chosen"]) for row in rows] == [
        ("float", 1e-6, False), ("float", 1e-2, True),
        ("symmetric:2", 1e-6, False), ("symmetric:2", 1e-2, True),
    ]  # fmt: skip # two configs
    assert all(0 <= row["validation_accuracy"] <= 1 for row in rows)


def test_what_would_be_unfair_is_refused(thread: Executor) -> None:
    tests = {"tune": {"lr": RATES, "validation": data()[1]}}
    with pytest.raises(CompareError, match="60 of the 60 samples of validation are test samples"):
        compare(net, data(), executor=thread, **ASKED | tests)
    (x, y), _ = data()
    with pytest.raises(CompareError, match="50 of the 50 validation samples are training samples"):
        compare(
            net, data(), executor=thread,
            **ASKED | {"tune": {"lr": RATES, "validation": (x[:50], y[:50])}},
        )  # fmt: skip # one call
    own = [Config("own", weight="symmetric:2", recipe={"lr": 0.5})]
    with pytest.raises(CompareError, match="own has lr of its own"):
        compare(net, data(), configs=own, executor=thread, **ASKED)


def test_what_ends_the_training_is_tuned_and_stages_keep_their_own(thread: Executor) -> None:
    asked: list[tuple[str, int]] = []

    def optimizer(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        bits = {q.quantizer.bits for q in qnn.nn.surgery.quantizers(model).values()}
        asked.append((str(bits), steps))
        return qnn.optim.Adam(model.named_parameters(), 0.01)

    def staged(**recipe: Any) -> Config:
        own = {"optimizer": optimizer, **recipe}
        stage = Config(weight="symmetric:8", recipe=own)
        return Config(
            "staged", weight="symmetric:2", recipe={"optimizer": optimizer}, stages=[stage]
        )

    given = {name: ASKED[name] for name in ("epochs", "batch_size", "progress")}
    given |= {"seeds": 1, "tune": {"epochs": [1, 2]}, "executor": thread}
    made = compare(net, data(), configs=[staged(epochs=3)], **given)
    assert [one.recipe["epochs"] for one in tuning(made).tried] == [1, 2]
    assert made.configs[0].stages[0].recipe["epochs"] == 3
    # In the search and after it the stage has its three epochs, of six batches.
    assert {steps for bits, steps in asked if bits == "{8}"} == {3 * 6}
    assert {steps for bits, steps in asked if bits == "{2}"} == {6, 12}
    with pytest.raises(
        CompareError, match="a stage of staged has no epochs of its own: the search"
    ):
        compare(net, data(), configs=[staged()], **given)
    # What is not trained at all has no rate.
    still = Config(weight="symmetric:8", recipe={"epochs": 0})
    config = Config("still", weight="symmetric:2", start="float", stages=[still])
    made = compare(net, data(), configs=[Config(), config], **given | {"tune": {"lr": RATES}})
    assert not made.failures


@pytest.mark.parametrize(
    ("tune", "told"),
    [
        ([0.1], "tune must be values by field"),
        ({"rate": [1, 2]}, "'rate' is no field of a recipe"),
        ({"epoch": [1, 2]}, "no field of a recipe; did you mean 'epochs'"),
        ({"lr": 0.1}, "lr must be a list of values, got 0.1"),
        ({"lr": "ab"}, "lr must be a list of values, got 'ab'"),
        ({"lr": [0.1, -1]}, "lr must be a number > 0, got -1"),
        ({"lr": [0.1, 0.1]}, "holds one twice"),
        ({"lr": [0.1]}, "nothing to choose from"),
        ({"lr": [0.1, 0.1000000001]}, "two values have one name"),
        ({}, "nothing to choose from"),
        ({"post_training": [0, 9]}, "no field of a recipe"),
        ({"lr": RATES, "seeds": 0}, "seeds must be a whole number >= 1, got 0"),
        ({"lr": RATES, "validation": 10}, "validation must be a share between 0 and 1"),
        ({"lr": RATES, "validation": 0.999}, "holds back 120 of 120 samples"),
        ({"lr": RATES, "validation": "abc"}, "compare: the test data"),
    ],
)
def test_a_search_that_is_none_is_refused(thread: Executor, tune: Any, told: str) -> None:
    with pytest.raises(CompareError, match=told):
        compare(net, data(), executor=thread, **ASKED | {"tune": tune})


def test_numpy_values_are_values() -> None:
    asked = {"lr": np.array([0.1, 0.2]), "epochs": np.arange(1, 3), "seeds": np.int64(2)}
    search = search_of(asked, Recipe(1))
    assert search == Search({"lr": [0.1, 0.2], "epochs": [1, 2]}, seeds=2)
    assert type(search.seeds) is int
    assert [type(value) for value in search.recipes()[0].values()] == [float, int]


def test_names_of_candidates_tell_them_apart() -> None:
    search = Search({"lr": (0.1, 0.2)})
    assert [*search.candidates(Config("mine"))] == ["mine (lr 0.1)", "mine (lr 0.2)"]
    losses = [functools.partial(scaled, by=by) for by in (1, 2, 1)]
    names = [name for by in losses for name in Search({"loss": [by]}).candidates(Config("a"))]
    assert [name[:15] for name in names] == ["a (loss scaled "] * 3
    assert names[0] == names[2] != names[1]


def scaled(outputs: qnn.Tensor, labels: Any, by: float) -> qnn.Tensor:
    return qnn.ops.softmax_cross_entropy(outputs, labels) * by


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": "2"},
        {"samples": None},
        {"tried": [3]},
        {"tried": [{"config": "a"}]},
        {"tried": [{"config": 1, "recipe": {}, "accuracy": 1, "seconds": 1, "chosen": True}]},
        {"tried": [{"config": "a", "recipe": {}, "accuracy": "x", "seconds": 1, "chosen": True}]},
    ],
)
def test_what_is_damaged_is_no_tuning(change: Any) -> None:
    told = Tuning(1, 9, (Tried("a", {"lr": 0.1}, None, 1.5, False),))
    assert Tuning.from_json(json.loads(json.dumps(told.to_json()))) == told
    with pytest.raises(TypeError):
        Tuning.from_json(told.to_json() | change)


def test_the_guard_of_the_baseline_knows_what_was_tuned() -> None:
    pair = Pair("W4", "float", 3, "better", difference=0.02, p_holm=0.001)
    runs = {"W4": {seed: Run(0.95) for seed in range(3)}}
    floats = {seed: Run(0.93) for seed in range(3)}
    [edge] = suspicion([pair], floats, runs, {"lr": True, "batch_size": False})
    assert "its best lr is at the edge of what was tried" in edge.reason
    assert edge.advice == "a wider range of lr, for all configs"
    [inside] = suspicion([pair], floats, runs, {"lr": False})
    assert "tuned by lr" in inside.reason
    assert "more epochs for all configs" in inside.advice
    [both] = suspicion([pair], floats, runs, {"lr": True, "epochs": True})
    assert "its best lr and epochs are at the edge" in both.reason


def test_a_weak_baseline_that_was_tuned_is_told(tuned: Comparison) -> None:
    # What the guard gets: of float what was chosen, and which of it is at an edge.
    assert tuning(tuned).edges("float") == {"lr": 1e-2}
    wider = Tuning(1, 9, tuple(Tried("a", {"lr": r}, 0.5, 1.0, r == 0.2) for r in (0.1, 0.2, 0.3)))
    assert wider.edges("a") == {}
    assert wider.chosen("b") == {}
    assert qnn.compare is compare


def test_what_trains_nothing_is_not_tuned(thread: Executor, tmp_path: Path) -> None:
    configs = [
        Config("float"),
        Config("after", weight="symmetric:4", start="float", recipe={"epochs": 0}),
        Config("on", weight="symmetric:2", start="after"),
    ]
    asked = {name: ASKED[name] for name in ("seeds", "epochs", "batch_size", "progress", "tune")}
    found = compare(net, data(), configs=configs, executor=thread, store=tmp_path, **asked)
    assert not found.failures
    assert {one.config for one in tuning(found).tried} == {"float", "on"}
    assert dict(found.plan.configs[1].recipe) == {"epochs": 0}
    assert "edge of what was tried, after" not in str(found)
    again = compare(net, data(), configs=configs, executor=thread, store=tmp_path, **asked)
    assert again.sessions[-1]["cells"] == 0
