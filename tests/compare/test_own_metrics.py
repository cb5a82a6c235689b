"""Comparisons by other metrics than the accuracy: distances, yes and no, functions of one's own."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, Target, compare
from qnn_compare.experiment.result import Result
from qnn_core.errors import CompareError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(220, 6)).astype(np.float32)
LINES = (X @ RNG.normal(size=(6, 2)) + 0.1 * RNG.normal(size=(220, 2))).astype(np.float32)
YES = (X[:, 0] + X[:, 1] > 0).astype(np.float32)
SMALL: dict[str, Any] = {"seeds": 3, "epochs": 3, "batch_size": 20, "lr": 0.01, "progress": False}
CONFIGS = [
    Config(), Config("W8", weight="symmetric:8", input="symmetric:8"),
    Config("W2", weight="symmetric:2", input="symmetric:2"),
]  # fmt: skip # three configs


def parts(targets: Any) -> Any:
    return (X[:160], targets[:160]), (X[160:], targets[160:])


def net(weight: Any, input: Any, seed: int) -> qnn.Module:
    return qnn.MLP([6, 16, 2], batch_norm=True, weight=weight, input=input, seed=seed)


def one(weight: Any, input: Any, seed: int) -> qnn.Module:
    return qnn.MLP([6, 16, 1], batch_norm=True, weight=weight, input=input, seed=seed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, thread: Executor) -> Path:
    store: Path = tmp_path_factory.mktemp("distances") / "store"
    compare(
        net, parts(LINES), configs=CONFIGS, loss=qnn.ops.mean_squared_error, metric="mae",
        margin=0.05, executor=thread, store=store, **SMALL,
    )  # fmt: skip # one call
    return store


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return Comparison.load(folder)


def test_a_distance_is_compared_sample_by_sample(found: Comparison, folder: Path) -> None:
    assert (found.metric.name, found.metric.higher_is_better, found.metric.shares) == (
        "mae", False, False,
    )  # fmt: skip # a triple
    assert not found.failures
    result = found.results["float", 0]
    assert result.correct.dtype == np.float64
    assert len(result.correct) == 60
    assert result.accuracy == pytest.approx(float(np.mean(result.correct)))
    (w2,) = [pair for pair in found.against() if pair.config == "W2"]
    assert w2.difference > 0
    assert w2.verdict in ("worse", "undecided")
    assert all(result.difference == 0 for result in found.results.values())
    assert all(len(result.history) == 3 for result in found.results.values())
    assert all(np.isfinite(e["test_accuracy"]) for e in result.history)
    text = str(found)
    assert "mae" in text
    assert "accuracy" not in text.split("not shown", maxsplit=1)[0].replace("both accuracy", "")
    # It is read as it was written.
    again = Comparison.load(folder).results["float", 0]
    assert np.array_equal(again.correct, result.correct)


def test_it_is_reported(found: Comparison, tmp_path: Path) -> None:
    page = found.report(tmp_path / "report.html").read_text("utf-8")
    assert "test mae" in page
    assert "mae over bytes" in page
    assert found.report(tmp_path / "report.md").exists()
    assert {row["mae"] is not None for row in found.records("runs")} == {True}


def test_a_second_call_trains_nothing(found: Comparison, folder: Path, thread: Executor) -> None:
    options: dict[str, Any] = {"loss": qnn.ops.mean_squared_error, "executor": thread}
    again = compare(
        net, parts(LINES), configs=CONFIGS, metric="mae", margin=0.05, store=folder, **options,
        **SMALL,
    )  # fmt: skip # one call
    assert again.sessions[-1]["cells"] == 0
    assert again.metric == found.metric
    with pytest.raises(CompareError, match=r"metric\.name is mae there and mse here"):
        compare(
            net, parts(LINES), configs=CONFIGS, metric="mse", margin=0.05, store=folder, **options,
            **SMALL,
        )  # fmt: skip # one call


def test_yes_and_no_are_shares(thread: Executor) -> None:
    made = compare(
        one, parts(YES[:, None]), configs=CONFIGS[:2],
        loss=qnn.ops.binary_cross_entropy_with_logits, executor=thread, **SMALL,
    )  # fmt: skip # one call
    assert not made.failures
    assert made.metric.name == "binary_accuracy"
    assert made.metric.shares
    assert made.results["float", 0].correct.dtype == np.bool_
    assert made.results["float", 0].accuracy > 0.7


def test_what_is_no_mean_has_one_number_for_each_run(thread: Executor) -> None:
    made = compare(
        net, parts(LINES), configs=CONFIGS, loss=qnn.ops.mean_squared_error, metric="r2",
        margin=0.05, executor=thread, **SMALL,
    )  # fmt: skip # one call
    result = made.results["float", 0]
    assert len(result.correct) == 0
    assert result.accuracy < 1
    assert {pair.config for pair in made.against()} == {"W8", "W2"}


def test_a_function_of_ones_own(thread: Executor) -> None:
    def worst(outputs: Any, targets: Any) -> Any:
        return np.abs(outputs - targets).max(axis=1)

    metric = qnn.Metric(worst, greater_is_better=False, mean=True)
    made = compare(
        net, parts(LINES), configs=CONFIGS[:1], loss=qnn.ops.mean_squared_error, metric=metric,
        margin=0.1, executor=thread, **SMALL,
    )  # fmt: skip # one call
    assert made.metric.name == "worst"
    assert made.results["float", 0].accuracy > 0
    assert "judge" in made.plan.configuration


def test_tuning_goes_by_the_metric(thread: Executor) -> None:
    made = compare(
        net, parts(LINES), configs=CONFIGS[:1], loss=qnn.ops.mean_squared_error, metric="mae",
        margin=0.05, executor=thread, tune={"lr": [1e-6, 1e-2]}, **{**SMALL, "lr": 0.1},
    )  # fmt: skip # one call
    assert made.plan.tuning is not None
    assert made.plan.tuning.chosen("float")["lr"] == 1e-2
    assert all((tried.accuracy or 0) > 0 for tried in made.plan.tuning.tried)
    assert "by the mae on 16 samples" in " ".join(str(made).split())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "mean_squared_error is a distance, which means no metric: give metric="),
    ({"metric": "mae"}, "give margin=, what is too small to matter in the unit of mae"),
    ({"metric": "mea", "margin": 0.1}, "no metric 'mea'; did you mean"),
    ({"metric": np.ptp, "margin": 0.1}, "which way is ptp better"),
    (
        {"metric": "mae", "margin": 0.1, "configs": [Config(target=Target(accuracy=0.9))]},
        "the target of float is an accuracy, and nets are compared by mae",
    ),
]


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_what_is_wrong_is_said(given: Any, told: str, thread: Executor) -> None:
    asked = {"configs": CONFIGS, "loss": qnn.ops.mean_squared_error, **SMALL, **given}
    with pytest.raises(CompareError, match=told):
        compare(net, parts(LINES), executor=thread, **asked)


def test_bad_targets_are_refused(thread: Executor) -> None:
    asked: dict[str, Any] = {"loss": qnn.ops.mean_squared_error, "metric": "mae", "margin": 0.1}
    bad = LINES.copy()
    bad[3, 1] = np.nan
    with pytest.raises(CompareError, match="the targets of batch 0 of the training data hold NaN"):
        compare(net, parts(bad), configs=CONFIGS, executor=thread, **asked, **SMALL)
    with pytest.raises(CompareError, match="targets that are no labels need a metric, such as"):
        compare(net, parts(LINES[:, 0]), configs=CONFIGS, executor=thread, **SMALL)


@pytest.mark.parametrize("bad", [{"floats": "AAAA"}, {"floats": 3}, {"floats": "AAAAAAAA+H8="}])
def test_damaged_values_are_refused(bad: Any) -> None:
    content = Result("a", 0, accuracy=0.5, loss=1.0, correct=np.array([0.5])).to_json()
    assert np.array_equal(Result.from_json(content).correct, [0.5])
    with pytest.raises(ValueError, match=r"correct\.floats"):
        Result.from_json(content | {"correct": {"samples": 1} | bad})
