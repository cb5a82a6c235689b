"""Metrics: their values, what they refuse, which is meant by a loss, and what goes by them."""

import functools
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import Tensor, ops
from qnn_core.errors import FileError, ShapeError, SpecError
from qnn_core.training import Epoch, History
from qnn_core.training.metrics import NAMED

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
SCORES = RNG.normal(size=(60, 4))
LABELS = RNG.integers(0, 4, 60)
ANSWERS = RNG.integers(0, 2, 60)
NUMBERS = RNG.normal(size=60)
WEIGHTS = RNG.uniform(0, 2, 60)

# metric, outputs, targets, the same by scikit-learn
KNOWN: list[tuple[str, Any, Any, Any]] = [
    (
        "accuracy",
        SCORES,
        LABELS,
        lambda s, y, w: sklearn.metrics.accuracy_score(y, s.argmax(1), sample_weight=w),
    ),
    (
        "binary_accuracy",
        SCORES[:, :1],
        ANSWERS,
        lambda s, y, w: sklearn.metrics.accuracy_score(y, s[:, 0] > 0, sample_weight=w),
    ),
    (
        "mae",
        SCORES[:, :1],
        NUMBERS,
        lambda s, y, w: sklearn.metrics.mean_absolute_error(y, s, sample_weight=w),
    ),
    (
        "mse",
        SCORES,
        SCORES[::-1],
        lambda s, y, w: sklearn.metrics.mean_squared_error(y, s, sample_weight=w),
    ),
    (
        "r2",
        SCORES,
        SCORES[::-1],
        lambda s, y, w: sklearn.metrics.r2_score(y, s, sample_weight=w),
    ),
    (
        "auc",
        SCORES[:, :1],
        ANSWERS,
        lambda s, y, w: sklearn.metrics.roc_auc_score(y, s[:, 0], sample_weight=w),
    ),
]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("name", "outputs", "targets", "reference"), KNOWN)
def test_values(name: str, outputs: Any, targets: Any, reference: Any, weights: Any) -> None:
    found = NAMED[name](outputs, targets, weights)
    assert found == pytest.approx(reference(outputs, targets, weights), rel=1e-12)


class Given(qnn.Module):
    """A model that gives its inputs."""

    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize("known", KNOWN, ids=[known[0] for known in KNOWN])
@given(cuts=st.sets(st.integers(1, 59)), weighted=st.booleans())
def test_a_metric_is_that_of_the_whole_however_it_is_cut(
    known: Any, cuts: set[int], weighted: bool
) -> None:
    name, outputs, targets, reference = known
    ends = [0, *sorted(cuts), 60]
    parts = (outputs, targets, WEIGHTS) if weighted else (outputs, targets)
    batches = [tuple(p[a:b] for p in parts) for a, b in pairwise(ends)]

    def loss(y: Tensor, targets: Any, sample_weight: Any = None) -> Tensor:
        return ops.sum(y) * 0

    result = qnn.evaluate(Given(), batches, loss=loss, metric=name)
    exact = outputs.astype(np.float32).astype(float)
    expected = reference(exact, targets, WEIGHTS if weighted else None)
    assert result.metric == pytest.approx(expected, rel=1e-5)
    assert (result.metric_name, result.samples) == (name, 60)


@pytest.mark.parametrize(
    ("name", "outputs", "targets", "message"),
    [
        ("accuracy", SCORES[:, :1], ANSWERS, "at least two columns.*'binary_accuracy' is for one"),
        ("accuracy", SCORES, LABELS + 1, r"label 4 is not in 0\.\.3, the columns of the outputs"),
        ("accuracy", SCORES, LABELS - 1, "label -1 is not in"),
        ("accuracy", SCORES, NUMBERS, "whole-number labels"),
        ("accuracy", SCORES[:, 0], LABELS, r"\[batch, classes\] are needed, got \(60,\)"),
        ("accuracy", (SCORES, SCORES), LABELS, "one output"),
        ("binary_accuracy", SCORES, ANSWERS, "'accuracy' is for a score for each class"),
        ("binary_accuracy", SCORES[:, 0], LABELS, "targets must be 0 or 1, got"),
        ("binary_accuracy", SCORES[:, 0], NUMBERS, "targets must be 0 or 1"),
        ("mse", SCORES, NUMBERS, r"\(60, 4\) and targets of shape \(60,\)"),
        ("mae", SCORES, (NUMBERS, NUMBERS), "one output and one target"),
        ("r2", SCORES[:, 0], np.ones(60), "targets of all 60 samples are the same"),
        ("auc", SCORES, LABELS, "one logit or two scores"),
        ("auc", SCORES[:, 0], ANSWERS * 0, r"0 and 1 are needed, both, got \[0\]"),
    ],
)
def test_what_has_no_meaning_is_refused(
    name: str, outputs: Any, targets: Any, message: str
) -> None:
    with pytest.raises(ShapeError, match=f"{name}: .*{message}"):
        NAMED[name](outputs, targets)


def test_auc_of_two_scores_is_that_of_their_difference() -> None:
    difference = SCORES[:, 1] - SCORES[:, 0]
    assert NAMED["auc"](SCORES[:, :2], ANSWERS) == NAMED["auc"](difference, ANSWERS)


def test_a_row_with_nan_is_never_right() -> None:
    scores = np.array([[np.nan, 0.0], [0.0, np.nan], [1.0, 0.0]])
    assert NAMED["accuracy"].values(scores, np.array([0, 1, 0])).tolist() == [False, False, True]
    logits = np.array([np.nan, np.nan, 1.0])
    assert NAMED["binary_accuracy"].values(logits, np.array([0, 1, 1])).tolist() == [0, 0, 1]


# What a loss means


def net(outputs: int, seed: int = 0) -> qnn.MLP:
    return qnn.MLP([3, outputs], seed=seed)


def wrapped(scores: Tensor, labels: Any) -> Tensor:
    return ops.softmax_cross_entropy(scores, labels)


def first_column(scores: Tensor, numbers: Any) -> Tensor:
    return ops.mean_squared_error(scores[:, 0], numbers)


@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "name"),
    [
        (ops.softmax_cross_entropy, 4, LABELS, "accuracy"),
        (ops.softmax_cross_entropy, 7, LABELS, "accuracy"),
        (ops.softmax_cross_entropy, 1, ANSWERS * 0, ""),
        (ops.squared_hinge, 4, LABELS, "accuracy"),
        (wrapped, 4, LABELS, "accuracy"),
        (functools.partial(wrapped), 4, LABELS, "accuracy"),
        (ops.binary_cross_entropy_with_logits, 1, ANSWERS, "binary_accuracy"),
        (ops.binary_cross_entropy_with_logits, 1, ANSWERS * 0.5, ""),
        (ops.mean_squared_error, 1, ANSWERS, ""),
        (ops.mean_squared_error, 1, NUMBERS, ""),
        (functools.partial(ops.huber, delta=2.0), 1, ANSWERS, ""),
        (ops.mean_absolute_error, 1, LABELS, ""),
        (first_column, 1, ANSWERS, ""),
        (first_column, 4, LABELS * 25, ""),
        (first_column, 4, LABELS - 1, ""),
        (first_column, 4, NUMBERS, ""),
    ],
)
def test_what_is_meant(loss: Any, outputs: int, targets: Any, name: str) -> None:
    result = qnn.evaluate(net(outputs), (X, targets), loss=loss)
    assert result.metric_name == name
    assert (result.metric is None) == (name == "")
    assert result.accuracy == result.metric
    model = net(outputs)
    optimizer = qnn.optim.SGD(model.parameters(), lr=1e-3)
    history = qnn.fit(model, (X, targets), epochs=1, optimizer=optimizer, loss=loss)
    assert history.last.metric_name == name
    assert history.last.accuracy == history.last.metric


def test_one_logit_is_judged_by_its_sign_and_the_best_epoch_is_the_best() -> None:
    labels = (X[:, 0] + 0.2 * X[:, 1] > 0).astype(int)
    model = net(1)
    history = qnn.fit(
        model,
        (X, labels),
        epochs=40,
        batch_size=20,
        optimizer=qnn.optim.Adam(model.parameters(), lr=0.05),
        loss=ops.binary_cross_entropy_with_logits,
        validation=(X, labels),
        keep="best",
    )
    assert history.criterion == "val_binary_accuracy"
    assert history.best.val_accuracy == max(e.val_accuracy for e in history.epochs) > 0.95
    found = qnn.evaluate(model, (X, labels), loss=ops.binary_cross_entropy_with_logits)
    assert found.accuracy == history.best.val_accuracy


def test_nothing_is_measured_if_none_is_named() -> None:
    result = qnn.evaluate(net(4), (X, LABELS), metric=None)
    assert (result.metric, result.accuracy, result.metric_name) == (None, None, "")


# Functions


def greatest_error(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(abs(outputs[:, 0] - targets).max())


def test_a_function_sees_the_whole_data_set() -> None:
    model = net(1)
    expected = greatest_error(model(X).data, NUMBERS)
    batches = [(X[:7], NUMBERS[:7]), (X[7:], NUMBERS[7:])]
    found = qnn.evaluate(model, batches, loss=ops.mean_squared_error, metric=greatest_error)
    assert (found.metric, found.metric_name) == (expected, "greatest_error")
    assert found.accuracy is None


def test_functions_of_scikit_learn_are_called_in_their_order() -> None:
    model = net(1)
    r2 = sklearn.metrics.r2_score
    outputs = model(X).data[:, 0]
    found = qnn.evaluate(model, (X, NUMBERS), loss=ops.mean_squared_error, metric=r2)
    assert found.metric == r2(NUMBERS, outputs) != r2(outputs, NUMBERS)
    weighted = qnn.evaluate(model, (X, NUMBERS, WEIGHTS), loss=ops.mean_squared_error, metric=r2)
    assert weighted.metric == r2(NUMBERS, outputs, sample_weight=WEIGHTS)
    with pytest.raises(ValueError, match=r"accuracy_score.*outputs\.argmax\(axis=1\)"):
        qnn.evaluate(net(4), (X, LABELS), metric=sklearn.metrics.accuracy_score)


@pytest.mark.parametrize(
    ("metric", "greater"),
    [
        (sklearn.metrics.r2_score, True),
        (sklearn.metrics.mean_absolute_error, False),
        (qnn.Metric(greatest_error, greater_is_better=False), False),
        ("mse", False),
        ("r2", True),
    ],
)
def test_the_best_epoch_is_that_of_the_metrics_direction(metric: Any, greater: bool) -> None:
    model = net(1)
    history = qnn.fit(
        model,
        (X, X[:, 0] + 0.5 * X[:, 1]),
        epochs=12,
        batch_size=10,
        optimizer=qnn.optim.SGD(model.parameters(), lr=0.2),
        loss=ops.mean_squared_error,
        metric=metric,
        validation=(X, NUMBERS),
    )
    values = [epoch.val_metric for epoch in history.epochs]
    assert history.best.val_metric == (max if greater else min)(values)
    assert history.criterion == f"val_{history.last.metric_name}"
    assert history.last.greater_is_better == greater


def test_a_direction_that_is_not_known_is_asked_for() -> None:
    model = net(1)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(SpecError, match=r"qnn\.Metric\(greatest_error, greater_is_better=True\)"):
        qnn.fit(model, (X, NUMBERS), epochs=1, optimizer=optimizer, metric=greatest_error)
    quantized = qnn.quantize(qnn.MLP([3, 4, 4], seed=0), weight="symmetric:2")
    for function in (qnn.anatomy, functools.partial(qnn.allocate, budget=10**6)):
        with pytest.raises(SpecError, match="which way is greatest_error better"):
            function(quantized, (X, LABELS), metric=greatest_error)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("acuracy", "no metric 'acuracy'; did you mean 'accuracy'"),
        (3, "must be a name, a qnn.Metric or a function, got 3"),
    ],
)
def test_what_is_no_metric(metric: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        qnn.evaluate(net(4), (X, LABELS), metric=metric)


def test_a_function_that_takes_no_weights_is_not_called_without_them() -> None:
    with pytest.raises(SpecError, match="greatest_error takes no sample_weight"):
        qnn.evaluate(
            net(1), (X, NUMBERS, WEIGHTS), loss=ops.mean_squared_error, metric=greatest_error
        )
    with pytest.raises(SpecError, match="the loss takes none"):
        qnn.evaluate(net(1), (X, NUMBERS, WEIGHTS), loss=first_column)


# Histories


def epoch(number: int, **measured: Any) -> Epoch:
    usual = {"accuracy": None, "val_loss": None, "val_accuracy": None}
    rest = {"lr": 0.1, "seconds": 1.0, "samples_per_second": 1.0}
    return Epoch(epoch=number, **{"loss": 1.0, **usual, **rest, **measured})


@pytest.mark.parametrize(
    ("losses", "best", "patience"),
    [
        ([np.nan, 0.5, 0.7], 2, 1),
        ([0.7, np.nan, 0.5], 3, 2),
        ([np.nan, np.nan], 2, 2),
        ([np.inf, 0.5], 2, 2),
    ],
)
def test_nan_is_never_best(losses: list[float], best: int, patience: int) -> None:
    history = History([epoch(n, val_loss=loss) for n, loss in enumerate(losses, start=1)])
    assert (history.best_epoch, history.criterion) == (best, "val_loss")
    if np.isnan(losses).all():
        assert history.stalled(patience)
        assert not history.stalled(patience + 1)


def test_nan_metrics_are_never_best() -> None:
    values = [np.nan, 0.2, 0.9]
    history = History(
        [
            epoch(n, val_metric=value, metric_name="r2", greater_is_better=True)
            for n, value in enumerate(values, start=1)
        ]
    )
    assert (history.best_epoch, history.criterion) == (3, "val_r2")
    less = History(
        [
            epoch(n, val_metric=value, metric_name="mae", greater_is_better=False)
            for n, value in enumerate(values, start=1)
        ]
    )
    assert less.best_epoch == 2


def test_fit_keeps_what_is_a_number() -> None:
    """The first validation loss is NaN: the second epoch is the best of two."""
    model = net(2)
    calls = iter([np.nan, 1.0, 2.0])

    def loss(scores: Tensor, labels: Any) -> Tensor:
        value = ops.softmax_cross_entropy(scores, labels)
        return value if len(labels) == 60 else value * 0 + next(calls)

    states = []
    history = qnn.fit(
        model,
        [(X, ANSWERS)],
        epochs=3,
        optimizer=qnn.optim.SGD(model.parameters(), lr=0.1),
        loss=loss,
        metric=None,
        validation=[(X[:9], ANSWERS[:9])],
        keep="best",
        on_epoch=lambda _: states.append(model.state_dict()),
    )
    assert history.best_epoch == 2
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, states[1][name])


def test_epochs_of_before_there_were_metrics_are_read() -> None:
    old = {
        "epoch": 1,
        "loss": 0.5,
        "accuracy": 0.8,
        "val_loss": 0.6,
        "val_accuracy": 0.7,
        "lr": 0.1,
        "seconds": 1.0,
        "samples_per_second": 100.0,
    }
    history = History.from_list([old])
    assert (history.last.metric, history.last.val_metric) == (0.8, 0.7)
    assert (history.last.metric_name, history.criterion) == ("accuracy", "val_accuracy")
    assert history.to_list() == [old]


@pytest.mark.parametrize("metric", ["mae", "r2", None])
def test_checkpoints_keep_every_metric(metric: Any, tmp_path: Any) -> None:
    def run(epochs: int, path: Any) -> History:
        model = net(1)
        optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
        data = (X, X[:, 0])
        return qnn.fit(
            model,
            data,
            epochs=epochs,
            optimizer=optimizer,
            loss=ops.mean_squared_error,
            metric=metric,
            validation=data,
            checkpoint=path,
            resume=True,
        )

    run(1, tmp_path / "a.qnn")
    resumed, whole = run(3, tmp_path / "a.qnn"), run(3, tmp_path / "b.qnn")
    for mine, theirs in zip(resumed.epochs, whole.epochs, strict=True):
        assert (mine.metric, mine.val_metric, mine.metric_name, mine.val_loss) == (
            theirs.metric,
            theirs.val_metric,
            theirs.metric_name,
            theirs.val_loss,
        )


def test_a_run_goes_on_with_its_metric(tmp_path: Any) -> None:
    def run(metric: Any, path: Any = tmp_path / "run.qnn") -> None:
        model = net(1)
        qnn.fit(
            model,
            (X, NUMBERS),
            epochs=2,
            optimizer=qnn.optim.SGD(model.parameters(), lr=0.1),
            loss=ops.mean_squared_error,
            metric=metric,
            checkpoint=path,
            resume=True,
        )

    run("mae")
    run("mae")
    for other in ("r2", None, "auto"):
        with pytest.raises(FileError, match="whose metric is 'mae' instead of"):
            run(other)


# Where bits are lost


def test_anatomy_and_allocation_are_told_in_the_metric() -> None:
    model = qnn.quantize(
        qnn.MLP([3, 8, 1], seed=0), weight="symmetric:3", last_weight="symmetric:2"
    )
    data = (X, NUMBERS)
    options: Any = {"loss": ops.mean_squared_error, "metric": "mae"}
    found = qnn.anatomy(model, data, **options)
    assert found.metric is NAMED["mae"]
    assert found.result == qnn.evaluate(model, data, **options)
    for row in found.rows:
        assert row.among.accuracy is None
    both = [row.among.metric for row in found.rows]
    assert any(both)
    assert "mae" in found.table().splitlines()[0]
    assert "points" not in found.table()
    assert f"mae {found.result.metric:.4g}" in str(found)

    allocation = qnn.allocate(model, data, budget=10**6, bits=(2, 32), **options)
    assert allocation.plan.result == qnn.evaluate(allocation.model, data, **options)
    falls = [costs["2"].metric for costs in allocation.sensitivities.values()]
    two = next(plan for plan in allocation.uniform if plan.name == "2")
    assert two.predicted_metric == pytest.approx(allocation.float_result.metric + sum(falls))
    assert "mae" in allocation.table()


def test_anatomy_of_one_logit() -> None:
    model = qnn.quantize(qnn.MLP([3, 8, 1], seed=0), weight="symmetric:2")
    loss = ops.binary_cross_entropy_with_logits
    found = qnn.anatomy(model, (X, ANSWERS), loss=loss)
    signs = (model(X).data[:, 0] > 0) == ANSWERS
    assert found.result.accuracy == signs.mean()
    assert "points" in found.table()


def test_predictions_follow_the_task() -> None:
    one, many = qnn.pack(net(1), X), qnn.pack(net(4), X)
    logits = one(X)[:, 0]
    np.testing.assert_array_equal(one.predict(X, task="binary"), logits > 0)
    np.testing.assert_array_equal(one.predict(X, task="regression"), logits)
    np.testing.assert_array_equal(many.predict(X), many(X).argmax(axis=1))
    np.testing.assert_array_equal(many.predict(X, task="classes"), many.predict(X))
    np.testing.assert_array_equal(many.predict(X, task="binary"), many(X) > 0)
    for task, metric in (("binary", "binary_accuracy"), ("regression", "mae")):
        np.testing.assert_array_equal(one.predict(X, metric=metric), one.predict(X, task=task))
    np.testing.assert_array_equal(many.predict(X, metric="accuracy"), many.predict(X))
    with pytest.raises(SpecError, match="got 'acuracy'"):
        one.predict(X, metric="acuracy")
    with pytest.raises(SpecError, match="a task or a metric"):
        one.predict(X, task="binary", metric="mae")
    with pytest.raises(ShapeError, match="task='binary' is for logits"):
        one.predict(X)
    wrong: Any = "clusters"
    with pytest.raises(SpecError, match="task must be"):
        one.predict(X, task=wrong)


def test_a_packed_model_is_evaluated_as_the_model() -> None:
    model = net(4)
    assert qnn.evaluate(qnn.pack(model, X), (X, LABELS)) == qnn.evaluate(model, (X, LABELS))


def test_a_loss_that_gives_no_number() -> None:
    with pytest.raises(TypeError, match=r"a tensor of one element, .* got a Tensor of shape"):
        qnn.evaluate(net(4), (X, LABELS), loss=lambda y, t: y)
