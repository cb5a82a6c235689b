"""Whole comparisons, small ones, in this process."""

import dataclasses
import functools
import json
import math
import sys
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare.experiment.result import failed
from qnn_compare.experiment.store import Store
from qnn_core.errors import CompareError, SpecError
from studies_to_compare import Part, data, net

SMALL: dict[str, Any] = {
    "weights": ["symmetric", "binary"],
    "bits": [1, 2, 32],
    "seeds": 2,
    "epochs": 2,
    "batch_size": 20,
    "lr": 0.01,
    "progress": False,
}


@pytest.fixture(scope="module")
def found(thread: Executor) -> qnn.Comparison:
    return qnn.compare(net, data, executor=thread, **SMALL)


def same(a: qnn.Comparison, b: qnn.Comparison) -> bool:
    """Whether two comparisons have the same runs with the same numbers, to the bit."""
    return a.results.keys() == b.results.keys() and all(
        np.array_equal(result.correct, b.results[run].correct)
        and (result.loss, result.nbytes, result.history)
        == (b.results[run].loss, b.results[run].nbytes, b.results[run].history)
        for run, result in a.results.items()
    )


# What is measured


def test_every_config_is_trained_from_every_seed(found: qnn.Comparison) -> None:
    assert [config.name for config in found.configs] == ["float", "symmetric:2", "binary:1"]
    assert found.complete
    assert not found.failures
    assert [out.config for out in found.plan.left_out] == ["symmetric:1", "binary:2"]
    assert found.results.keys() == {
        (config.name, seed) for config in found.configs for seed in (0, 1)
    }


def test_a_run_is_what_a_bare_training_loop_gives(found: qnn.Comparison) -> None:
    train, test = data()
    rounds = [np.random.default_rng([1, epoch]).permutation(120) for epoch in range(2)]
    epochs = [[tuple(part[order[n : n + 20]] for part in train) for n in range(0, 120, 20)]
              for order in rounds]  # fmt: skip
    quantizer = qnn.get_quantizer("symmetric:2")
    model = net(quantizer, quantizer, seed=1)
    optimizer = qnn.optim.Adam(model.named_parameters(), 0.01, schedule=qnn.optim.Cosine(12))
    for batches in epochs:
        qnn.fit(model, batches, epochs=1, optimizer=optimizer, progress=False)
    result = found.results["symmetric:2", 1]
    scores = model(qnn.Tensor(test[0])).data
    np.testing.assert_array_equal(result.correct, scores.argmax(axis=1) == test[1])
    assert result.accuracy == result.correct.mean()
    assert result.loss == qnn.evaluate(model, [test]).loss


def test_the_cost_is_that_of_the_packed_file(found: qnn.Comparison, tmp_path: Path) -> None:
    _, test = data()
    for name, result in ((config, found.results[config, 0]) for config in ("float", "binary:1")):
        quantizer = None if name == "float" else qnn.get_quantizer(name)
        model = net(quantizer, quantizer, 0)
        qnn.fit(model, [data()[0]], epochs=1, optimizer=qnn.optim.SGD(model.parameters(), 1e-3))
        qnn.pack(model, test[0]).save(tmp_path / "m.qnn")
        # Thresholds differ with the training, by a few bytes.
        assert abs(result.nbytes - (tmp_path / "m.qnn").stat().st_size) < 300
        assert result.difference == 0
        assert result.macs == {
            f"{w}x{a}": n for (w, a), n in qnn.summary(model, test[0][:1]).macs.items()
        }
        assert result.latency.keys() == {"1"}  # there are fewer than 100 samples
        assert all(0 < seconds < 1 for seconds in result.latency.values())
        assert 0 < result.train_seconds < result.seconds
        assert [*result.history[0]] == ["loss", "accuracy", "test_loss", "test_accuracy"]


def test_configs_are_paired(found: qnn.Comparison) -> None:
    assert len(found.pairs) == 3
    assert all(pair.n == 2 for pair in found.pairs)
    assert found.verdicts["float", "binary:1"] in ("better", "worse", "equivalent", "undecided")
    with pytest.raises(CompareError, match="there is no config 'symmetric:3'; there are float"):
        found.accuracy("symmetric:3")
    for config in found.configs:
        estimate = found.accuracy(config)
        assert estimate is not None
        assert found.accuracy(config.name) == estimate
        accuracies = [found.results[config.name, seed].accuracy for seed in (0, 1)]
        assert estimate.mean == pytest.approx(np.mean(accuracies))


def test_one_against_the_others_is_a_smaller_family(found: qnn.Comparison) -> None:
    family = found.against()
    assert [(pair.config, pair.reference) for pair in family] == [
        ("symmetric:2", "float"),
        ("binary:1", "float"),
    ]
    assert found.against("float") == family
    among_all = [pair.turned() for pair in found.pairs if pair.config == "float"]
    for one, other in zip(family, among_all, strict=True):
        assert (one.config, one.difference) == (other.config, other.difference)
    assert [pair.config for pair in found.against("binary:1")] == ["float", "symmetric:2"]
    with pytest.raises(SpecError, match=r"there is no config 'flaot' .*; there are float, symm"):
        found.against("flaot")


def test_nothing_on_the_front_is_beaten_in_both(found: qnn.Comparison) -> None:
    means = {config: found.accuracy(config).mean for config in found.configs}  # type: ignore[union-attr] # all are done
    sizes = {config: found.nbytes(config) or 0 for config in found.configs}
    for config in found.configs:
        beaten = any(
            (means[o] >= means[config] and sizes[o] < sizes[config])
            or (means[o] > means[config] and sizes[o] <= sizes[config])
            for o in found.configs
        )  # fmt: skip
        assert (config in found.pareto) != beaten


def test_numbers_do_not_depend_on_where_runs_run(found: qnn.Comparison) -> None:
    assert same(found, qnn.compare(net, data, executor=2, **SMALL))


def test_identical_configs_are_equivalent(thread: Executor) -> None:
    def build(weight: Any, input: Any, seed: int) -> qnn.Module:
        return qnn.MLP([6, 8, 3], weight=weight, input=input and "uniform:2", seed=seed)

    found = qnn.compare(
        build, data, weights=["symmetric:3"], activations=["uniform:2", "uniform:bits=2,ste=clip"],
        seeds=3, epochs=1, executor=thread, progress=False,
    )  # fmt: skip
    (pair,) = found.asking(margin=0.05).pairs
    assert (pair.difference, pair.p, pair.verdict) == (0, 1, "equivalent")


# Stopped and continued


def test_what_is_done_is_not_done_again(thread: Executor, tmp_path: Path) -> None:
    def run(**changes: Any) -> tuple[int, qnn.Comparison]:
        calls: list[int] = []

        def optimizer(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
            calls.append(steps)
            return qnn.optim.Adam(model.named_parameters(), 0.01)

        given = SMALL | {"optimizer": optimizer, "store": tmp_path / "s"} | changes
        return len(calls) or 0, qnn.compare(net, data, executor=thread, **given)

    counted: list[str] = []
    for changes in ({}, {}, {"seeds": 3}, {"bits": [1, 2, 3, 32], "seeds": [2]}):
        before = {path.name for path in (tmp_path / "s").glob("cells/*")}
        _, found = run(**changes)
        after = {path.name for path in (tmp_path / "s").glob("cells/*")}
        assert before <= after
        counted.append(f"{len(after - before)} of {len(found.results)}")
    assert counted == ["6 of 6", "0 of 6", "3 of 9", "1 of 4"]
    loaded = qnn.Comparison.load(tmp_path / "s")
    assert [config.name for config in loaded.configs] == [
        "float",
        "symmetric:2",
        "binary:1",
        "symmetric:3",
    ]
    assert loaded.seeds == (0, 1, 2)
    assert len(loaded.results) == 10
    assert not loaded.complete


def test_a_loaded_study_has_the_same_numbers(
    found: qnn.Comparison, thread: Executor, tmp_path: Path
) -> None:
    qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL)
    assert same(found, qnn.Comparison.load(tmp_path))
    for path in (tmp_path / "cells").iterdir():
        json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)  # NaN is no JSON


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 3}, "recipe.epochs is 2 there and 3 here"),
    ({"lr": 0.1}, "recipe.lr is 0.01 there and 0.1 here"),
    ({"optimizer": "sgd"}, "recipe.optimizer is adam there and sgd here"),
    ({"data": data(train=100)}, "data.all is "),
    (
        {"build": functools.partial(qnn.MLP, [6, 5, 3])},
        "build is studies_to_compare.net there and qnn_core.nn.models.mlp.MLP here",
    ),
]


@pytest.mark.parametrize(("changes", "told"), OTHERS)
def test_a_store_of_another_configuration_is_refused(
    thread: Executor, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL | {"seeds": 1})
    given = {"build": net, "data": data} | SMALL | changes
    with pytest.raises(CompareError, match="holds a study with another configuration") as caught:
        qnn.compare(executor=thread, store=tmp_path, **given)
    assert told in str(caught.value)


def test_foreign_folders_and_files_are_refused(thread: Executor, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("", "utf-8")
    for store in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(CompareError, match=r"other files|is a file"):
            qnn.compare(net, data, executor=thread, store=store, **SMALL)
        with pytest.raises(CompareError):
            qnn.Comparison.load(store)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["", "{}", '{"arm": "float"}', "null"])
def test_a_damaged_run_is_named(thread: Executor, tmp_path: Path, content: str) -> None:
    qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL | {"seeds": 1})
    path = min((tmp_path / "cells").iterdir())
    path.write_text(content, "utf-8")
    with pytest.raises(CompareError, match=r"is damaged .* delete it") as caught:
        qnn.Comparison.load(tmp_path)
    assert path.name in str(caught.value)


# Failures


def test_a_run_that_diverges_takes_no_other_with_it(thread: Executor, tmp_path: Path) -> None:
    def exploding(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        quantized = any("quantizer" in name for name, _ in model.named_parameters())
        return qnn.optim.SGD(model.parameters(), 1e-3 if quantized else 1e38)

    given = SMALL | {"optimizer": exploding, "weights": ["symmetric"], "bits": [2, 32]}
    found = qnn.compare(net, data, executor=thread, store=tmp_path, **given)
    assert {(r.config, r.failure) for r in found.failures} == {("float", "diverged")}
    assert "a lower learning rate" in found.failures[0].reason
    assert math.isnan(found.failures[0].accuracy)
    assert found.complete
    assert len(found.done(found.config("symmetric:2"))) == 2
    assert found.accuracy(found.config("float")) is None
    assert not found.pairs
    again = qnn.Comparison.load(tmp_path)
    assert [r.reason for r in again.failures] == [r.reason for r in found.failures]


def test_all_may_fail(thread: Executor) -> None:
    def broken(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        raise ZeroDivisionError("no optimizer\ntoday")

    found = qnn.compare(net, data, executor=thread, **SMALL | {"optimizer": broken})
    assert {r.reason for r in found.failures} == {"ZeroDivisionError: no optimizer today"}
    assert (found.pairs, found.against(), found.suspicions, found.pareto) == ([], [], [], ())
    assert found.images == 0


# Merging


def test_numbers_of_numpy_are_numbers(
    found: qnn.Comparison, thread: Executor, tmp_path: Path
) -> None:
    numbers = {
        "bits": np.array([1, 2, 32]),
        "seeds": np.arange(2),
        "epochs": np.int64(2),
        "batch_size": np.uint8(20),
        "lr": np.float64(0.01),
    }
    again = qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL | numbers)
    assert same(found, again)
    assert again.plan.key(again.configs[1], 1) == found.plan.key(found.configs[1], 1)
    pairs = {"bits": [(np.int8(1), np.int8(2))], "weights": ["binary"], "activations": ["uniform"]}
    some = qnn.compare(net, data, executor=np.int64(1), **SMALL | {"seeds": np.int16(1)} | pairs)
    assert [config.name for config in some.configs] == ["binary:1 x uniform:2"]


# What is built


COUNTED_NOW: list[tuple[str, int]] = []


def test_each_config_is_built_once_for_the_checks_and_nothing_where_nothing_is_left(
    tmp_path: Path,
) -> None:
    def counting(weight: Any, input: Any, seed: int) -> qnn.Module:
        getattr(sys.modules.get(__name__), "COUNTED_NOW", []).append((str(weight), seed))
        return net(weight, input, seed)

    def count(**changes: Any) -> list[tuple[str, int]]:
        COUNTED_NOW.clear()
        given = SMALL | {"store": tmp_path / "s"} | changes
        assert not qnn.compare(counting, data, executor=1, **given).failures
        return [*COUNTED_NOW]

    # Runs run in another process: only the checks build here.
    assert count(seeds=3) == [
        ("None", 1), ("Symmetric(bits=2)", 1), ("Binary(bits=1)", 1), ("None", 0), ("None", 2),
    ]  # fmt: skip
    assert count(seeds=3) == []
    # One net of a seed that is known, to see that it still begins with the same weights.
    assert count(seeds=[3]) == [("None", 3), ("Symmetric(bits=2)", 3), ("Binary(bits=1)", 3),
                                ("None", 0)]  # fmt: skip


def test_a_builder_that_makes_other_weights_than_the_store_has_is_refused(
    thread: Executor, tmp_path: Path
) -> None:
    shift = tmp_path / "shift.txt"
    shift.write_text("0", "utf-8")

    def build(weight: Any, input: Any, seed: int) -> qnn.Module:
        # Read from a file: nothing of the code tells that it is another net.
        return net(weight, input, seed + int(shift.read_text("utf-8")))

    run = functools.partial(qnn.compare, build, data, executor=thread, store=tmp_path / "s")
    kept = run(**SMALL)
    assert kept.plan.starts.keys() == {0, 1}
    shift.write_text("10", "utf-8")
    assert run(**SMALL).complete  # nothing is left to be trained
    for more in ({"seeds": 3}, {"bits": [1, 2, 3, 32]}, {"seeds": [7]}):
        with pytest.raises(CompareError, match="makes other initial weights here than there"):
            run(**SMALL | more)
    with pytest.raises(CompareError, match=r"with seed \d, build makes other initial weights"):
        kept.merge(run(**SMALL | {"store": None}))
    shift.write_text("0", "utf-8")
    assert run(**SMALL | {"seeds": 3}).complete


def test_versions_that_change_numbers_are_of_the_configuration(
    found: qnn.Comparison, tmp_path: Path
) -> None:
    configuration = dict(found.plan.configuration)
    assert configuration["versions"]["numpy"] == np.__version__
    found.save(tmp_path)
    other = configuration | {"versions": configuration["versions"] | {"numpy": "1.0"}}
    plan = dataclasses.replace(found.plan, configuration=other)
    for act in (
        lambda: found.merge(qnn.Comparison(plan, found.results)),
        lambda: qnn.Comparison(plan, found.results).save(tmp_path),
    ):
        with pytest.raises(CompareError, match=r"versions\.numpy is .* and .* here"):
            act()


def test_a_study_of_an_earlier_version_is_read_and_not_gone_on_with(thread: Executor) -> None:
    folder = Path(__file__).parents[2] / "docs" / "results" / "bits"
    kept = qnn.Comparison.load(folder)
    assert kept.complete
    assert kept.merge(kept).results.keys() == kept.results.keys()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(CompareError, match="told in the way of another version of qnn-core"):
        qnn.compare(net, data, executor=thread, store=folder, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_parts_that_were_done_elsewhere_are_merged(
    found: qnn.Comparison, thread: Executor, tmp_path: Path
) -> None:
    run = functools.partial(qnn.compare, net, data, executor=thread)
    one = run(**SMALL | {"seeds": [1], "weights": ["binary"], "store": tmp_path / "a"})
    two = run(**SMALL | {"seeds": [1], "weights": ["symmetric"]})
    three = run(**SMALL | {"seeds": [0]})
    merged = one.merge(two, three)
    assert same(merged, found)
    assert merged.complete
    assert len(merged.sessions) == 3
    merged.save(tmp_path / "merged")
    assert same(qnn.Comparison.load(tmp_path / "merged"), found)
    with pytest.raises(CompareError, match="another configuration"):
        run(**SMALL | {"epochs": 1}).save(tmp_path / "merged")


def test_what_does_not_match_is_not_merged(found: qnn.Comparison, thread: Executor) -> None:
    other = qnn.compare(net, data, executor=thread, **SMALL | {"epochs": 1})
    with pytest.raises(CompareError, match=r"do not match: .*epochs is 2 there and 1 here"):
        found.merge(other)
    run, result = next(iter(found.results.items()))
    changed = dict(vars(result), correct=~result.correct)
    liar = qnn.Comparison(found.plan, {run: type(result)(**changed)})
    with pytest.raises(
        CompareError, match=r"float, seed 0, has .* other answers for 60 of 60 test samples"
    ):
        found.merge(liar)
    right = result.correct
    swapped = right.copy()
    first, second = int(np.argmax(right)), int(np.argmin(right))
    swapped[[first, second]] = right[[second, first]]
    equal = dict(vars(result), correct=swapped)
    with pytest.raises(CompareError, match=f"for 2 of 60 .* number {min(first, second)}: "):
        found.merge(qnn.Comparison(found.plan, {run: type(result)(**equal)}))


# Bad input, before anything is trained


CACHED = qnn.MLP([6, 8, 3], seed=0)


def wrong(change: str) -> Any:
    """Return a builder that is wrong in one way."""

    def build(weight: Any, input: Any, seed: int) -> Any:
        quantizers: dict[str, Any] = {"weight": weight, "input": input}
        sizes = [6, 8, 3]
        seeds = {
            "other seeds": seed + (weight is None),
            "one seed": 0,
            "one seed if quantized": seed if weight is None else 0,
        }
        seed = seeds.get(change, seed)
        if change == "raises":
            raise ZeroDivisionError("a bug")
        if change == "ignores the quantizers":
            quantizers = {"weight": None, "input": None}
        elif change == "ignores one":
            quantizers["input"] = None if input is None else "uniform:8"
        elif change == "quantizes float" and weight is None:
            quantizers["weight"] = "binary"
        elif change == "other widths":
            sizes[1] += weight is not None
        elif change == "other inputs":
            sizes[0] = 7
        elif change == "two classes":
            sizes[2] = 2
        elif change == "other layers":
            quantizers["batch_norm"] = weight is None
        elif change == "ignores the weight":
            quantizers["weight"] = None
        elif change == "the same object":
            return CACHED
        return "a net" if change == "no module" else qnn.MLP(sizes, seed=seed, **quantizers)

    return build


WRONG = {
    "ignores the quantizers": "build ignored weight=symmetric:2 of symmetric:2: the model answers",
    "ignores one": "build ignored input=Symmetric(bits=2) of symmetric:2",
    "quantizes float": "the float config has the quantizer Binary(bits=1)",
    "raises": "build cannot make float: ZeroDivisionError: a bug",
    "no module": "build must return a qnn.Module, for float it gave a str",
    "other widths": "layers.0.weight has shape (9, 6) instead of (8, 6)",
    "other layers": "only one of them has layers.1.bias, layers.1.weight, layers.2.bias",
    "other seeds": "layers.0.weight has other values",
    "one seed": "the same weights for seeds 0 and 1",
    "one seed if quantized": "for seed 1, build makes symmetric:2 with other parameters than float",
    "ignores the weight": "build ignored weight=symmetric:2 of symmetric:2: the model answers as",
    "the same object": "build must return a new model each time",
    "two classes": "must give one row of scores for each sample, with a score for each label",
    "other inputs": "float cannot take samples of shape (6,): ShapeError",
}


@pytest.mark.parametrize(("change", "told"), WRONG.items())
def test_a_builder_that_breaks_the_pairs_is_refused(
    thread: Executor, tmp_path: Path, change: str, told: str
) -> None:
    with pytest.raises(CompareError) as caught:
        qnn.compare(wrong(change), data, executor=thread, store=tmp_path / "s", **SMALL)
    assert told in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_builder_with_other_arguments_is_explained(thread: Executor) -> None:
    with pytest.raises(CompareError, match="must take the keyword arguments weight, input"):
        qnn.compare(lambda bits: None, data, executor=thread, **SMALL)  # type: ignore[arg-type, return-value] # what is refused


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"seeds": 0}, 'a list of whole numbers >= 0, or "auto", got 0'),
    ({"seeds": []}, "got []"),
    ({"seeds": [-1]}, "got [-1]"),
    ({"seeds": [1, 1]}, "holds one twice"),
    ({"seeds": True}, "got True"),
    ({"seeds": 1.5}, "got 1.5"),
    ({"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
    ({"batch_size": 2.5}, "batch_size must be a whole number"),
    ({"lr": -1}, "lr must be a number > 0"),
    ({"lr": math.nan}, "lr must be a number > 0"),
    ({"lr": True}, "lr must be a number > 0"),
    ({"loss": None}, "loss must be loss(outputs, labels)"),
    ({"weights": [3]}, "weights must be spec strings, quantizers or their classes, or None"),
    ({"bits": np.array([[2, 4]])}, "bits must be a list with one entry at least"),
    ({"bits": [1], "weights": ["binary:scale=1"], "activations": ["symmetric"]}, "one bit of the"),
    ({"epochs": np.float64(2)}, "epochs must be a whole number >= 1"),
    ({"epochs": 10**5000}, "epochs must be a whole number >= 1, got a number of 16610 bits"),
    ({"lr": 10**400}, "lr must be a number > 0, got a number of 1329 bits"),
    ({"lr": "0.1"}, "lr must be a number > 0"),
    ({"seeds": 10**12}, "a number of seeds >= 1"),
    ({"executor": np.int64(0)}, "executor must be an Executor or a number >= 1"),
    ({"data": lambda: Path("no such file").read_bytes()}, "data raised FileNotFoundError"),
    ({"optimizer": "adma"}, "did you mean 'adam'"),
    ({"executor": 0}, "executor must be an Executor or a number >= 1, got 0"),
    ({"executor": "dask"}, "executor must be an Executor or a number >= 1"),
    ({"weights": ["symetric"]}, "did you mean 'symmetric'"),
    ({"bits": [1], "weights": ["symmetric"]}, "one bit of the odd grid"),
    ({"bits": [1, 32], "weights": ["symmetric"]}, "one bit of the odd grid"),
    ({"data": (data()[0], (np.zeros((0, 6)), np.zeros(0, int)))}, "the test data are empty"),
]


@pytest.mark.parametrize(("changes", "told"), ARGUMENTS)
def test_bad_arguments_are_explained(
    thread: Executor, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    given = {"build": net, "data": data, "executor": thread} | SMALL | changes
    with pytest.raises((CompareError, SpecError)) as caught:
        qnn.compare(store=tmp_path / "s", **given)
    assert told in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_what_cannot_be_sent_to_a_process_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file:

        def build(weight: Any, input: Any, seed: int) -> qnn.Module:
            assert not file.closed
            return net(weight, input, seed)

        with pytest.raises(CompareError, match=r"build -> file is <_io\.TextIOWrapper"):
            qnn.compare(build, data, **SMALL)

    lock = threading.Lock()

    def locked(weight: Any, input: Any, seed: int) -> qnn.Module:
        with lock:
            return net(weight, input, seed)

    with pytest.raises(CompareError, match="can be sent to other processes"):
        qnn.compare(locked, data, **SMALL)


def test_a_builder_that_exits_ends_no_script(thread: Executor) -> None:
    def exits(weight: Any, input: Any, seed: int) -> qnn.Module:
        sys.exit(3)

    with pytest.raises(CompareError, match="build cannot make float: SystemExit: 3"):
        qnn.compare(exits, data, executor=thread, **SMALL)


def test_a_call_that_failed_leaves_nothing_to_the_next(thread: Executor) -> None:
    run = functools.partial(qnn.compare, executor=thread, **SMALL | {"seeds": 1})
    expected = run(net, data(train=100))
    with pytest.raises(CompareError):
        run(wrong("raises"), data())
    assert same(run(net, data(train=100)), expected)


def test_an_executor_that_cannot_work_is_an_error_of_the_call(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as closed:
        pass
    with pytest.raises(CompareError, match="the executor takes no work"):
        qnn.compare(net, data, executor=closed, store=tmp_path / "s", **SMALL)
    with (
        ProcessPoolExecutor(1) as pickles,
        pytest.raises(CompareError, match="cannot send build or data to its workers"),
    ):
        qnn.compare(wrong("nothing"), data, executor=pickles, **SMALL)


def test_one_process_at_a_time_works_in_a_store(thread: Executor, tmp_path: Path) -> None:
    with (
        Store(tmp_path).locked(),
        pytest.raises(CompareError, match="another process is at work in store"),
    ):
        qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL)
    assert qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL).complete


def test_a_store_that_had_only_begun_is_gone_on_with(thread: Executor, tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / ".study.json.0123.partial").touch()
    assert qnn.compare(net, data, executor=thread, store=tmp_path, **SMALL).complete
    assert not [*tmp_path.glob("**/.*")]


def test_saving_keeps_what_is_there(
    found: qnn.Comparison, thread: Executor, tmp_path: Path
) -> None:
    found.save(tmp_path)
    run, result = next(iter(found.results.items()))
    lost = failed(*run, "killed", "no memory \x1b[1m")
    assert lost.reason == "no memory \\x1b[1m"
    qnn.Comparison(found.plan, {run: lost}).save(tmp_path)
    again = qnn.Comparison.load(tmp_path)
    assert same(again, found)
    again.save(tmp_path)
    assert len(qnn.Comparison.load(tmp_path).sessions) == len(found.sessions)
    other = type(result)(**dict(vars(result), correct=~result.correct))
    with pytest.raises(CompareError, match="do not match"):
        qnn.Comparison(found.plan, {run: other}).save(tmp_path)


DAMAGED = [
    ('"accuracy": 0', '"accuracy": "0'),
    ('"nbytes": ', '"nbytes": "5'),
    ('"failure": null', '"failure": "eaten"'),
    ('"samples": 60', '"samples": 600'),
    ('"arm": "binary:1"', '"arm": "float"'),
    ('"latency": {', '"latency": {"100": [], '),
]


@pytest.mark.parametrize(("before", "after"), DAMAGED)
def test_runs_of_another_kind_are_damaged(
    found: qnn.Comparison, tmp_path: Path, before: str, after: str
) -> None:
    found.save(tmp_path)
    path = min((tmp_path / "cells").glob("binary*"))
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(CompareError, match=r"is damaged .* delete it") as caught:
        qnn.Comparison.load(tmp_path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("runs", None), ("arms", [{"weight": 3, "input": None}]), ("seeds", "012"), ("schemes", [1])],
)
def test_a_study_of_another_kind_is_damaged(
    found: qnn.Comparison, tmp_path: Path, key: str, value: object
) -> None:
    found.save(tmp_path)
    path = tmp_path / "study.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")
    with pytest.raises(CompareError, match=r"study\.json is damaged"):
        qnn.Comparison.load(tmp_path)


# The data's own batches


def test_batches_may_be_a_function_of_the_seed(thread: Executor) -> None:
    train, test = data()

    def augmented(seed: int) -> list[Part]:
        noise = np.random.default_rng(seed).normal(scale=0.1, size=train[0].shape)
        return [((train[0] + noise).astype(np.float32), train[1])]

    found = qnn.compare(net, (augmented, test), executor=thread, **SMALL)
    assert found.complete
    assert not found.failures


def test_training_uses_one_thread_and_gives_the_others_back(thread: Executor) -> None:
    seen: list[int] = []

    def watched(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        seen.append(qnn.get_num_threads())
        return qnn.optim.Adam(model.named_parameters())

    before = qnn.get_num_threads()
    qnn.set_num_threads(2)
    try:
        qnn.compare(net, data, executor=thread, **SMALL | {"optimizer": watched, "seeds": 1})
        assert qnn.get_num_threads() == 2
    finally:
        qnn.set_num_threads(before)
    assert set(seen) == {1}
