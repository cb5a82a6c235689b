"""What samples and classes count."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from qnn_core import Tensor
from qnn_core.ops import softmax_cross_entropy
from qnn_core.sklearn import QuantMLPClassifier, QuantMLPRegressor
from qnn_core.sklearn.samples import Samples, WeightedLoss, batch_size, merged
from qnn_core.sklearn.scaling import Moments
from sklearn.datasets import load_iris, make_classification

X, CLASSES = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
FEW = RNG.permutation(150)[:20]
COUNTS = np.r_[0, 0, 0, 0, RNG.integers(1, 5, 16)]

QUANTIZED = {"weight": "symmetric:2", "input": "uniform:2", "batch_norm": True}
classifier = partial(QuantMLPClassifier, hidden_layer_sizes=(8,), max_iter=5, random_state=0)
regressor = partial(QuantMLPRegressor, hidden_layer_sizes=(8,), max_iter=5, random_state=0)


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("specs", [{}, QUANTIZED], ids=str)
def test_a_weight_of_k_is_the_sample_k_times(make: Any, specs: dict[str, Any]) -> None:
    x, y = X[FEW], CLASSES[FEW]
    weighed = make(**specs).fit(x, y, COUNTS)
    repeated = make(**specs).fit(x.repeat(COUNTS, axis=0), y.repeat(COUNTS))
    again = RNG.permutation(COUNTS.sum())
    shuffled = make(**specs).fit(x.repeat(COUNTS, axis=0)[again], y.repeat(COUNTS)[again])
    fractions = make(**specs).fit(x, y, COUNTS / 4)
    for other in (repeated, shuffled, fractions):
        assert np.array_equal(weighed.model_(X).data, other.model_(X).data)
    unweighed = make(**specs).fit(x, y)
    assert not np.array_equal(weighed.model_(X).data, unweighed.model_(X).data)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_weight_of_nothing_is_no_sample_and_equal_ones_are_none(make: Any) -> None:
    counts = (np.arange(150) % 3 > 0).astype(float)
    left_out = make().fit(X[counts > 0], CLASSES[counts > 0])
    weighed = make().fit(X, CLASSES, counts)
    assert np.array_equal(weighed.model_(X).data, left_out.model_(X).data)
    equal = make().fit(X, CLASSES, np.full(150, 7.0))
    assert np.array_equal(equal.model_(X).data, make().fit(X, CLASSES).model_(X).data)


def test_classes_count_by_their_weights() -> None:
    x, y = make_classification(300, weights=[0.7], class_sep=0.3, flip_y=0.2, random_state=0)
    recalls = {
        str(weight): float(
            np.mean(classifier(max_iter=15, class_weight=weight).fit(x, y).predict(x)[y == 1])
        )
        for weight in (None, "balanced", {0: 1, 1: 100}, {0: 100, 1: 1})
    }
    least, usual, balanced, most = (
        recalls[str(w)] for w in ({0: 100, 1: 1}, None, "balanced", {0: 1, 1: 100})
    )
    assert least < usual < balanced <= most


@pytest.mark.parametrize("weight", [0, -1])
def test_weights_must_count_something(weight: float) -> None:
    with pytest.raises(ValueError, match="must be 0 or more and not all zero"):
        classifier(class_weight=dict.fromkeys(range(3), weight)).fit(X, CLASSES)
    with pytest.raises(ValueError, match="weight"):
        classifier().fit(X, CLASSES, np.full(150, weight))


def test_balanced_classes_are_weights_of_samples() -> None:
    some = np.r_[0:50, 50:70, 100:110]
    share = np.repeat([80 / 150, 80 / 60, 80 / 30], [50, 20, 10])
    by_class = classifier(class_weight="balanced").fit(X[some], CLASSES[some])
    by_sample = classifier().fit(X[some], CLASSES[some], share)
    assert np.allclose(by_class.predict_proba(X), by_sample.predict_proba(X), atol=1e-4)
    # Weights of samples count in the balance, and both are multiplied.
    twice = classifier(class_weight="balanced").fit(
        X[some], CLASSES[some], np.repeat([1.0, 2.5, 5.0], [50, 20, 10])
    )
    assert np.allclose(by_class.predict_proba(X), twice.predict_proba(X), atol=1e-4)


def test_steps_weigh_as_the_data_do() -> None:
    # The mean of the gradients of all batches is that of the weighted mean over the data.
    logits, labels = RNG.normal(size=(40, 3)), RNG.integers(0, 3, 40)
    samples = Samples(logits, labels, RNG.exponential(size=40) ** 3)
    weights = samples.relative_weights
    assert weights is not None
    whole = softmax_cross_entropy(Tensor(logits, np.float64), labels, samples.weights).item()
    loss = WeightedLoss(softmax_cross_entropy)
    parts = [
        loss(Tensor(logits[n : n + 8], np.float64), labels[n : n + 8], weights[n : n + 8]).item()
        for n in range(0, 40, 8)
    ]
    assert np.mean(parts) == pytest.approx(whole, rel=1e-12)


def test_few_distinct_samples_are_merged_and_many_are_not() -> None:
    many = Samples(X.astype(np.float32), CLASSES, None)
    assert merged(many, 32) is None
    assert merged(Samples(many.x[:20], CLASSES[:20], None), 20) is not None
    assert merged(Samples(many.x[:20], CLASSES[:20], None), 5) is None
    tiled = Samples(np.tile(many.x[:4], (100, 1)), np.tile(CLASSES[:4], 100), None)
    few = merged(tiled, 32)
    assert few is not None
    assert few.weights is not None
    assert few.weights.tolist() == [100.0] * 4


@pytest.mark.parametrize("rows", [1, 2, 32, 33, 64, 65, 97, 150, 1025, 60_001])
@pytest.mark.parametrize("given", ["auto", 2, 32, 100])
def test_no_batch_has_one_sample(rows: int, given: int | str) -> None:
    size = batch_size(given, rows)
    assert rows == 1 or rows % size != 1


def test_moments_of_parts_are_those_of_all() -> None:
    weights = RNG.exponential(size=150)
    parts = Moments()
    for rows in np.array_split(np.arange(150), [1, 20, 21]):
        parts.add(X[rows], weights[rows])
    mean = np.average(X, axis=0, weights=weights)
    variance = np.average((X - mean) ** 2, axis=0, weights=weights)
    assert np.allclose(parts.mean, mean, rtol=1e-12)
    assert np.allclose(parts.deviation**2, variance, rtol=1e-12)


def test_what_is_constant_is_not_divided_by_its_rounding() -> None:
    moments = Moments()
    moments.add(np.full((100, 1), 0.1) * [[1.0, 1e6]], None)
    assert moments.deviation.tolist() == [1.0, 1.0]
