"""Comparisons of nets with several outputs: two heads, each with its targets."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, compare
from qnn_compare.experiment.data import load, look
from qnn_compare.experiment.deployed import deployed
from qnn_core.errors import CompareError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(220, 6)).astype(np.float32)
KIND = (X[:, 0] + X[:, 1] > 0).astype(int)
AGE = (X @ RNG.normal(size=(6, 1))).astype(np.float32)
SMALL: dict[str, Any] = {"seeds": 2, "epochs": 3, "batch_size": 20, "lr": 0.01, "progress": False}
EIGHT, TWO = "symmetric:8", "symmetric:2"
CONFIGS = [
    Config(), Config("W8", weight=EIGHT, input=EIGHT), Config("W2", weight=TWO, input="uniform:4"),
]  # fmt: skip # three configs


class Heads(qnn.Module):
    """One body, and a head for each of two tasks."""

    def __init__(self, weight: Any, input: Any, seed: int) -> None:
        self.body = qnn.MLP(
            [6, 16, 8], weight=weight, input=input, last_weight=weight, last_input=input, seed=seed
        )
        self.kind = qnn.Linear(8, 2, seed=seed + 1)
        self.age = qnn.Linear(8, 1, seed=seed + 2)

    def forward(self, x: Any) -> Any:
        h = qnn.ops.relu(self.body(x))
        return self.kind(h), self.age(h)


class NamedHeads(Heads):
    """The same, by name."""

    def forward(self, x: Any) -> Any:
        kind, age = super().forward(x)
        return {"kind": kind, "age": age}


def loss(outputs: Any, targets: Any) -> Any:
    kind = qnn.ops.softmax_cross_entropy(outputs[0], targets[0])
    return kind + qnn.ops.mean_squared_error(outputs[1], targets[1])


def named_loss(outputs: Any, targets: Any) -> Any:
    return loss(*((part["kind"], part["age"]) for part in (outputs, targets)))


def wrong(outputs: Any, targets: Any) -> Any:
    far = np.abs(outputs[1] - targets[1])[:, 0]
    return (outputs[0].argmax(axis=1) != targets[0]) + far


def named_wrong(outputs: Any, targets: Any) -> Any:
    return wrong(*((part["kind"], part["age"]) for part in (outputs, targets)))


WRONG = qnn.Metric(wrong, greater_is_better=False, mean=True)
NAMED_WRONG = qnn.Metric(named_wrong, greater_is_better=False, name="wrong", mean=True)


def parts(targets: Any = (KIND, AGE)) -> Any:
    def part(rows: slice) -> Any:
        if isinstance(targets, dict):
            return X[rows], {name: y[rows] for name, y in targets.items()}
        return X[rows], tuple(y[rows] for y in targets)

    return part(slice(0, 160)), part(slice(160, 220))


def ask(thread: Any, **more: Any) -> Comparison:
    given: dict[str, Any] = {
        "build": Heads, "data": parts(), "configs": CONFIGS, "loss": loss, "metric": WRONG,
        "margin": 0.05, "executor": thread, **SMALL,
    }  # fmt: skip # one call
    given |= more
    return compare(given.pop("build"), given.pop("data"), **given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, thread: Executor) -> Path:
    store: Path = tmp_path_factory.mktemp("heads") / "store"
    ask(thread, store=store)
    return store


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return Comparison.load(folder)


def by_hand(seed: int) -> Any:
    """Train the float net as a comparison does, and return it."""
    (x, y), _ = parts()
    model = Heads(None, None, seed)
    orders = (np.random.default_rng([seed, epoch]).permutation(160) for epoch in range(3))

    class Epochs:
        def __iter__(self) -> Any:
            order = next(orders)
            cut = [order[n : n + 20] for n in range(0, 160, 20)]
            return iter([(x[rows], tuple(part[rows] for part in y)) for rows in cut])

    schedule = qnn.optim.Cosine(24)
    optimizer = qnn.optim.Adam(model.named_parameters(), 0.01, schedule=schedule)
    qnn.fit(model, Epochs(), epochs=3, optimizer=optimizer, loss=loss, progress=False)
    return model


def test_two_heads_are_trained_and_measured_sample_by_sample(found: Comparison) -> None:
    assert not found.failures
    x, targets = parts()[1]
    for seed in (0, 1):
        model = by_hand(seed)
        outputs = tuple(part.array for part in model(qnn.Tensor(x)))
        result = found.results["float", seed]
        assert np.array_equal(result.correct, wrong(outputs, targets))
        assert result.accuracy == pytest.approx(wrong(outputs, targets).mean())
        assert result.loss == pytest.approx(qnn.evaluate(model, (x, targets), loss=loss).loss)
    assert {pair.config for pair in found.against()} == {"W8", "W2"}
    assert all(np.isfinite(e["test_accuracy"]) for e in found.results["W2", 0].history)


def test_the_packed_net_gives_every_output(found: Comparison) -> None:
    assert [result.unpacked for result in found.results.values()] == [""] * 6
    assert [result.difference for result in found.results.values()] == [0.0] * 6
    assert all(result.nbytes and result.latency for result in found.results.values())


def test_a_difference_in_any_output_is_seen() -> None:
    (x, y), _ = parts()
    for build in (Heads, NamedHeads):
        model = build(None, None, 0).eval()
        given = model(qnn.Tensor(x))
        arrays = [part.array for part in (given.values() if build is NamedHeads else given)]
        same = dict(zip(("kind", "age"), arrays, strict=True))
        assert deployed(model, [(x, y)], [same])["difference"] == 0
        other = same | {"age": same["age"] + 0.25}
        assert deployed(model, [(x, y)], [other])["difference"] == pytest.approx(0.25)


def test_a_dictionary_is_the_same_study(found: Comparison, thread: Executor) -> None:
    named = parts({"kind": KIND, "age": AGE})
    made = ask(thread, build=NamedHeads, data=named, loss=named_loss, metric=NAMED_WRONG)
    assert made.results.keys() == found.results.keys()
    for run, result in made.results.items():
        assert np.array_equal(result.correct, found.results[run].correct)
        assert result.difference == 0


def test_it_is_reported(found: Comparison, tmp_path: Path) -> None:
    text = str(found)
    assert "wrong" in text
    assert "wrong: less is better" in text
    assert "wrong over bytes" in found.report(tmp_path / "report.html").read_text("utf-8")
    assert {row["wrong"] is not None for row in found.records("runs")} == {True}


def test_a_second_call_trains_nothing_and_other_targets_are_other_data(
    folder: Path, thread: Executor
) -> None:
    assert ask(thread, store=folder).sessions[-1]["cells"] == 0
    more = parts((KIND, AGE, AGE))
    with pytest.raises(CompareError, match=r"data\.all is .* there and .* here"):
        ask(thread, store=folder, data=more)


def test_every_target_counts_in_the_digest_of_the_data() -> None:
    other = AGE.copy()
    other[170] += 1
    named = ({"kind": KIND, "age": AGE}, {"kind": KIND, "years": AGE}, {"age": AGE, "kind": KIND})
    given = [parts(targets) for targets in ((KIND, AGE), (KIND, other), (AGE, KIND), *named)]
    digests = {look(load(each), classes=False).digest for each in given}
    assert len(digests) == len(given)
    # What was one array before has the digest that it had.
    one = (X[:160], AGE[:160]), (X[160:], AGE[160:])
    assert look(load(one), classes=False).test.dtype == "float32, labels float32"


class Items:
    """A data set that knows one sample at a time, as PyTorch's."""

    def __init__(self, rows: slice) -> None:
        self.x, self.kind, self.age = X[rows], KIND[rows], AGE[rows]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, n: Any) -> Any:
        if not isinstance(n, int):
            raise TypeError("a whole number is needed")
        return self.x[n], (self.kind[n], self.age[n])


def batches(seed: int) -> Any:
    (x, y), _ = parts()
    order = np.random.default_rng([seed, 0]).permutation(160)
    return [(x[r], [part[r] for part in y]) for r in np.array_split(order, 8)]


class Batches:
    """Test data that are batches, as a loader gives them."""

    def __iter__(self) -> Any:
        x, y = parts()[1]
        return iter([(x[r], [part[r] for part in y]) for r in (slice(0, 40), slice(40, 60))])


def test_all_kinds_of_data_are_taken(found: Comparison, thread: Executor) -> None:
    sets = Items(slice(0, 160)), Items(slice(160, 220))
    made = ask(thread, data=sets, configs=CONFIGS[:1])
    for seed in (0, 1):
        ours, theirs = (which.results["float", seed].correct for which in (made, found))
        assert np.array_equal(ours, theirs)
    # Batches in the place of both, whose targets are lists, as PyTorch's loaders make them.
    made = ask(thread, data=(batches, Batches()), configs=CONFIGS[:1])
    assert not made.failures
    again = ask(thread, data=(batches, parts()[1]), configs=CONFIGS[:1])
    for run, result in made.results.items():
        assert np.array_equal(result.correct, again.results[run].correct)


def taught(outputs: Any, targets: Any, teacher: Any) -> Any:
    return loss(outputs, targets) + qnn.ops.mean_squared_error(outputs[1], teacher[1].array)


def test_papers_ways_hold_for_them_too(thread: Executor) -> None:
    configs = [
        Config(),
        Config("from float", weight=TWO, input="uniform:4", start="float"),
        Config("as it is", weight=EIGHT, start="float",
               recipe={"epochs": 0, "bias_correction": True}),
        Config("after training", weight=EIGHT, input=EIGHT, recipe={"post_training": 50}),
        Config("taught", weight=TWO, teacher="float", recipe={"loss": taught}),
        Config("8, then 2", weight=TWO, stages=[Config(weight=EIGHT)]),
        Config("best", weight=TWO, recipe={"validation": 0.2, "keep": "best"}),
        Config("rule", weight=TWO, rules={"age": EIGHT}),
    ]  # fmt: skip # a config a line
    made = ask(thread, configs=configs)
    assert [result.reason for result in made.failures] == []
    assert all(result.difference == 0 and result.nbytes for result in made.results.values())
    assert len({result.accuracy for result in made.results.values()}) == len(made.results)


def test_tuning_and_other_numbers(thread: Executor) -> None:
    def apart(model: Any, test: Any) -> Any:
        x, (kind, age) = test[:]
        scores, years = (part.array for part in model(qnn.Tensor(x)))
        return {"right": np.mean(scores.argmax(axis=1) == kind), "mae": np.abs(years - age).mean()}

    made = ask(thread, configs=CONFIGS[:1], tune={"lr": [1e-6, 1e-2]}, measure=apart)
    assert made.plan.tuning is not None
    assert made.plan.tuning.chosen("float")["lr"] == 1e-2
    result = made.results["float", 0]
    measured = result.measured
    assert 1 - measured["right"] + measured["mae"] == pytest.approx(result.accuracy)


def test_what_is_no_mean_sees_all_samples_at_once(thread: Executor) -> None:
    def greatest(outputs: Any, targets: Any) -> Any:
        return np.abs(outputs[1] - targets[1]).max()

    metric = qnn.Metric(greatest, greater_is_better=False)
    made = ask(thread, configs=CONFIGS[:2], metric=metric)
    x, targets = parts()[1]
    outputs = tuple(part.array for part in by_hand(0)(qnn.Tensor(x)))
    assert made.results["float", 0].accuracy == pytest.approx(greatest(outputs, targets))


def test_processes_get_them(found: Comparison) -> None:
    made = ask(2, configs=CONFIGS[:2])
    assert made.results.keys() == {run for run in found.results if run[0] != "W2"}
    for run, result in made.results.items():
        assert np.array_equal(result.correct, found.results[run].correct)


class Unequal(Heads):
    """A net one of whose outputs has no row for each sample."""

    def forward(self, x: Any) -> Any:
        kind, age = super().forward(x)
        return kind, qnn.ops.sum(age)


def test_what_is_wrong_is_said(thread: Executor) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"metric": None}, r"several targets for each sample, \(int64, float32\): .* metric that"),
        (
            {"metric": None, "data": ((X, KIND), (X[:9] + 1, KIND[:9]))},
            "float gives 2 outputs, and accuracy is of one: give a metric that gets all of them",
        ),
        ({"metric": "mae"}, "float gives 2 outputs, and mae is of one"),
        ({"loss": "huber"}, "float gives 2 outputs, and huber is of one: give a loss"),
        (
            {"configs": [Config(), Config("W2", weight=TWO, recipe={"loss": "huber"})]},
            "W2 gives 2 outputs, and huber is of one",
        ),
        (
            {"configs": [Config(), Config("W2", weight=TWO, teacher="float")]},
            "W2 gives 2 outputs, and learns from float: nobody can tell which of them are classes",
        ),
        ({"build": Unequal}, r"one row for each sample; for 4 samples it gave shape \(4, 2\) and"),
        ({"data": (parts()[0], (X, (KIND, AGE[:9])))}, "test data: samples and targets has"),
        ({"data": (((X, X), AGE), parts()[1])}, "each sample has 2 inputs, and nets of several"),
        (
            {"data": parts((KIND, np.full((220, 1), np.nan)))},
            "the targets of batch 0 of the training data hold NaN",
        ),
    ]
    for given, told in refused:
        with pytest.raises(CompareError, match=told):
            ask(thread, **given)


def test_a_metric_that_gives_no_number_for_each_sample_fails_the_run(thread: Executor) -> None:
    def one(outputs: Any, targets: Any) -> Any:
        return wrong(outputs, targets).mean(keepdims=True)

    def unknown(outputs: Any, targets: Any) -> Any:
        return np.where(targets[0] == 1, np.nan, wrong(outputs, targets))

    for function, told in ((one, "it gave 1 for 60 samples"), (unknown, "is NaN or infinite for")):
        metric = qnn.Metric(function, greater_is_better=False, mean=True)
        made = ask(thread, configs=CONFIGS[:1], metric=metric)
        assert [told in result.reason for result in made.failures] == [True, True]


def test_a_teacher_of_several_outputs_needs_a_loss_of_ones_own() -> None:
    model, teacher = Heads(None, None, 0), Heads(None, None, 1)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    distilled = qnn.Distillation(teacher, loss=loss)
    with pytest.raises(ShapeError, match="of several outputs nobody can tell which are classes"):
        qnn.fit(model, parts()[0], epochs=1, optimizer=optimizer, loss=distilled)
