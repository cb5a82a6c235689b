"""The estimators among scikit-learn's tools: searches, frames, labels, parts of data, copies."""

import copy
import io
import pickle
from functools import partial
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import qnn_core as qnn
from qnn_core.errors import NonFiniteError, SpecError
from qnn_core.sklearn import (
    QuantClassifier,
    QuantMLPClassifier,
    QuantMLPRegressor,
    QuantRegressor,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

X, CLASSES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[CLASSES]
INPUTS, NUMBERS = load_diabetes(return_X_y=True)
QUANTIZED = {"weight": "symmetric:4", "input": "uniform:4"}

quick = partial(QuantMLPClassifier, hidden_layer_sizes=(16,), max_iter=10, random_state=0)
quick_regressor = partial(QuantMLPRegressor, hidden_layer_sizes=(16,), max_iter=10, random_state=0)


def convolutional(shape: tuple[int, ...], outputs: int, **options: Any) -> qnn.Module:
    return qnn.VGGSmall(shape, classes=outputs, **options)


def plain(inputs: int, outputs: int) -> qnn.Module:
    return qnn.Sequential(qnn.Linear(inputs, outputs, seed=0))


def two_layers(inputs: int, outputs: int, hidden: int = 16, **options: Any) -> qnn.Module:
    return qnn.MLP([inputs, hidden, outputs], **options)


def same_bits(a: Any, b: Any, x: Any = X) -> bool:
    return np.array_equal(a.model_(np.asarray(x)).data, b.model_(np.asarray(x)).data)


# Accuracy


@pytest.mark.parametrize("specs", [{}, QUANTIZED, {"weight": "binary"}], ids=str)
def test_the_defaults_learn(specs: dict[str, Any]) -> None:
    images, digits = load_digits(return_X_y=True)
    net = QuantMLPClassifier(**specs, max_iter=15, random_state=0)
    assert net.fit(images[:1200], digits[:1200]).score(images[1200:], digits[1200:]) > 0.9


def test_a_regressor_answers_in_the_units_of_its_targets() -> None:
    net = quick_regressor(**QUANTIZED).fit(INPUTS, 1e6 + 1e4 * NUMBERS)
    assert net.score(INPUTS, 1e6 + 1e4 * NUMBERS) > 0.4


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_a_regressor_has_several_losses_and_outputs(loss: str) -> None:
    both = np.c_[NUMBERS, -2 * NUMBERS]
    net = quick_regressor(loss=loss, early_stopping=True).fit(INPUTS, both)
    assert net.predict(INPUTS).shape == both.shape
    assert net.score(INPUTS, both) > 0.35
    assert net.n_outputs_ == 2


# Searches and pipelines


def test_a_search_over_bits_and_schemes_in_a_pipeline() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(site=np.tile(["n", "s", "w"], 50))
    prepared = make_column_transformer(
        (StandardScaler(), ["a", "b", "c", "d"]), (OneHotEncoder(sparse_output=False), ["site"])
    )
    grid = {
        "quantmlpclassifier__weight": ["binary", "symmetric:2", "symmetric:4", None],
        "quantmlpclassifier__input": [None, "uniform:4"],
    }
    search = GridSearchCV(make_pipeline(prepared, quick(max_iter=30)), grid, cv=2, n_jobs=2)
    search.fit(frame, NAMES)
    assert np.all(search.cv_results_["mean_test_score"] > 0.7)
    assert set(search.predict(frame)) == set(NAMES)


def test_bits_are_a_parameter_of_their_own() -> None:
    grid = {"weight": ["symmetric", "logarithmic"], "bits": [2, 8, 32]}
    search = GridSearchCV(quick(input="uniform"), grid, cv=2).fit(X, NAMES)
    assert len(search.cv_results_["params"]) == 6
    made = quick(weight="symmetric", input="uniform", bits=3, last_weight="same").fit(X, NAMES)
    widths = {row.weight_bits for row in made.summary().rows if row.weight_bits}
    assert widths == {3}
    as_float = quick(weight="symmetric", bits=32, last_weight="same").fit(X, NAMES)
    assert same_bits(as_float, quick().fit(X, NAMES))


def test_nets_of_one_seed_begin_alike_whatever_their_quantizers() -> None:
    plain_net, coded = (
        quick(max_iter=1, optimizer="sgd", learning_rate_init=1e-30, **specs)
        for specs in ({}, QUANTIZED)
    )
    for net in (plain_net, coded):
        net.fit(X, NAMES)
    first = [net.model_[-1][0].weight.data for net in (plain_net, coded)]
    assert np.array_equal(*first)


def test_processes_and_threads_give_the_same() -> None:
    one, processes = (cross_val_score(quick(), X, NAMES, cv=2, n_jobs=n) for n in (1, 2))
    with joblib.parallel_backend("threading"):
        threads = cross_val_score(quick(), X, NAMES, cv=2, n_jobs=2)
    assert one.tolist() == processes.tolist() == threads.tolist()


# Data


def test_frames_give_names_to_features() -> None:
    columns = ["a", "b", "c", "d"]
    by_pandas = quick().fit(pd.DataFrame(X, columns=columns), pd.Series(NAMES))
    by_polars = quick().fit(pl.DataFrame(X, columns), pl.Series(NAMES))
    for net in (by_pandas, by_polars):
        assert net.feature_names_in_.tolist() == columns
        assert net.n_features_in_ == 4
    assert same_bits(by_pandas, by_polars)
    with pytest.raises(ValueError, match="feature names should match"):
        by_pandas.predict(pd.DataFrame(X, columns=columns[::-1]))


def test_labels_are_what_they_were() -> None:
    for labels in (NAMES, CLASSES * 10 - 5, CLASSES.astype(float), CLASSES > 0, list(NAMES)):
        net = quick().fit(X, labels)
        assert net.classes_.tolist() == np.unique(labels).tolist()
        assert net.predict(X).dtype == np.asarray(labels).dtype
        assert net.score(X, labels) > 0.8


def test_probabilities_and_scores_agree_with_the_answers() -> None:
    three, two = quick().fit(X, NAMES), quick().fit(X, CLASSES > 0)
    share = three.predict_proba(X)
    assert np.allclose(share.sum(axis=1), 1, rtol=1e-12)
    assert np.allclose(np.log(share), three.predict_log_proba(X))
    assert np.array_equal(three.classes_[share.argmax(axis=1)], three.predict(X))
    assert three.decision_function(X).shape == (150, 3)
    assert np.array_equal(two.decision_function(X) > 0, two.predict(X))


@pytest.mark.parametrize(
    ("make", "x", "error", "message"),
    [
        (quick, sparse.csr_matrix(X), TypeError, "Sparse data was passed"),
        (quick, np.where(X > 7, np.nan, X), ValueError, "contains NaN"),
        (quick, np.where(X > 7, 1e300, X), ValueError, "too large"),
        (partial(quick, bits=4), X, SpecError, "bits=4 is a width, which needs a scheme"),
        (partial(quick, weight="binary", bits=33), X, SpecError, "1 to 8, or 32 for float, got 33"),
        (partial(quick, weight="symetric"), X, SpecError, "did you mean 'symmetric'"),
        (partial(quick, weight="binary", bits=2), X, SpecError, "there is one bit"),
        (partial(quick, optimizer="adma"), X, SpecError, "did you mean 'adam'"),
        (partial(quick, learning_rate=0.1), X, SpecError, "the rate itself is learning_rate_init"),
        (partial(quick, batch_size="all"), X, SpecError, "batch_size must be 'auto' or a whole"),
        (partial(quick, batch_size=0), X, ValueError, "batch_size must be a whole number >= 1"),
        (partial(quick, max_iter=0), X, ValueError, "max_iter must be a whole number >= 1"),
        (partial(quick, hidden_layer_sizes=[0]), X, ValueError, "a size in hidden_layer_sizes"),
        (partial(quick, class_weight={"rose": 1}), X, ValueError, "not in class_weight"),
        (partial(QuantClassifier, 3), X, TypeError, "builder must be a function"),
        (partial(QuantClassifier, dict), X, TypeError, "dict"),
        (partial(QuantClassifier, lambda i, o: 3), X, TypeError, "must return a qnn_core.Module"),
        (partial(QuantClassifier, two_layers, options=3), X, TypeError, "must be a dictionary"),
        (partial(QuantClassifier, lambda i, o: plain(i, o + 1)), X, ValueError, r"makes \[n, 3\]"),
        (partial(QuantClassifier, lambda i, o: plain(i, o - 1)), X, ValueError, r"makes \(1, 2\)"),
        (partial(QuantClassifier, two_layers, shape=(3, 1)), X, ValueError, "4 features do not"),
        (partial(QuantClassifier, two_layers, shape=(4, -1)), X, ValueError, "a length in shape"),
        (partial(quick, **QUANTIZED, learning_rate_init=1e3), X, NonFiniteError, "a lower learn"),
    ],
)
def test_what_is_wrong_is_said(make: Any, x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make().fit(x, NAMES)


def test_a_single_class_and_an_unknown_loss_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two classes are needed"):
        quick().fit(X, np.zeros(150))
    with pytest.raises(SpecError, match="did you mean 'squared_error'"):
        quick_regressor(loss="squared_eror").fit(INPUTS, NUMBERS)


def test_sizes_may_be_an_array() -> None:
    again = quick(hidden_layer_sizes=(7, 5)).fit(X, NAMES)
    assert same_bits(quick(hidden_layer_sizes=np.array([7, 5])).fit(X, NAMES), again)


@pytest.mark.parametrize("factor", [1e-37, 1e-40, 1e36])
def test_features_at_the_ends_of_float32(factor: float) -> None:
    assert quick().fit(X * factor, NAMES).score(X * factor, NAMES) > 0.8


@pytest.mark.parametrize("factor", [1e37, 1e300])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_targets_that_float32_does_not_hold_are_refused(method: str, factor: float) -> None:
    with pytest.raises(ValueError, match="y holds a value too large"):
        getattr(quick_regressor(), method)(INPUTS, NUMBERS * factor)


def test_a_fit_that_was_refused_leaves_no_estimator() -> None:
    net = quick(hidden_layer_sizes=(0,))
    with pytest.raises(ValueError, match="a size in hidden_layer_sizes"):
        net.fit(X, NAMES)
    with pytest.raises(NotFittedError):
        net.predict(X)


def test_a_pipeline_hands_weights_on_and_shows_itself() -> None:
    pipeline = Pipeline([("scaler", StandardScaler()), ("net", quick(class_weight={"setosa": 2}))])
    counts = np.where(CLASSES == 2, 0.0, 1.0)
    assert set(pipeline.fit(X, NAMES, net__sample_weight=counts).predict(X)) == {*NAMES[:100]}
    assert "class_weight" in pipeline._repr_html_()


# How a training goes on


def test_the_same_seed_gives_the_same_bits() -> None:
    first, again = (quick(**QUANTIZED, dropout=0.2).fit(X, NAMES) for _ in range(2))
    other = quick(**QUANTIZED, dropout=0.2, random_state=1).fit(X, NAMES)
    assert same_bits(first, again)
    assert not same_bits(first, other)
    by_generator = quick(random_state=np.random.RandomState(0)).fit(X, NAMES)
    assert same_bits(by_generator, quick().fit(X, NAMES))


def test_early_stopping_ends_and_keeps_the_best() -> None:
    net = quick(max_iter=200, early_stopping=True, n_iter_no_change=3, validation_fraction=0.3)
    net.fit(X, NAMES)
    scores = net.validation_scores_
    assert net.n_iter_ == len(scores) == len(net.loss_curve_) < 200
    assert net.history_.best.val_accuracy == max(scores)
    assert net.history_.best_epoch == net.n_iter_ - 3
    weighted = quick(early_stopping=True, class_weight="balanced").fit(X[20:], NAMES[20:])
    assert len(weighted.validation_scores_) == weighted.n_iter_


def test_a_warm_start_goes_on() -> None:
    cold = quick(max_iter=3)
    first = cold.fit(X, NAMES).loss_curve_
    assert cold.fit(X, NAMES).loss_curve_ == first
    warm = quick(max_iter=3, warm_start=True).fit(X, NAMES)
    assert warm.loss_curve_ == first
    assert max(warm.fit(X, NAMES).loss_curve_) < first[0]
    with pytest.raises(ValueError, match=r"y has the labels \['rose'\]"):
        warm.fit(X, np.where(CLASSES == 0, "rose", NAMES))


def test_parts_of_data_come_one_after_the_other() -> None:
    order = np.random.default_rng(0).permutation(150)
    net = quick(**QUANTIZED, learning_rate_init=0.01)
    for _ in range(12):
        for part in np.array_split(order, 3):
            net.partial_fit(X[part], NAMES[part], classes=np.unique(NAMES))
    assert net.n_iter_ == 36
    assert net.score(X, NAMES) > 0.8
    # In the middle of it, a copy goes on as the original does, its optimizer included.
    loaded = pickle.loads(pickle.dumps(net))
    for each in (net, loaded):
        each.partial_fit(X[:50], NAMES[:50])
    assert same_bits(net, loaded)
    # Standardized by all that was there, as if it had come at once.
    mean = net.model_[0].mean.data
    counted = np.concatenate([X] * 12 + [X[:50]]).mean(axis=0)
    assert np.allclose(mean, counted, rtol=1e-6)


def test_parts_of_numbers_come_one_after_the_other() -> None:
    net = quick_regressor(learning_rate_init=0.01)
    for _ in range(5):
        for part in np.array_split(np.arange(len(INPUTS)), 4):
            net.partial_fit(INPUTS[part], NUMBERS[part])
    assert net.score(INPUTS, NUMBERS) > 0.3
    with pytest.raises(ValueError, match="y has 2 columns, before it had 1"):
        net.partial_fit(INPUTS, np.c_[NUMBERS, NUMBERS])


def test_parts_of_data_need_all_classes_at_first() -> None:
    with pytest.raises(ValueError, match="classes must be given at the first call"):
        quick().partial_fit(X, NAMES)
    with pytest.raises(ValueError, match="needs all data at once"):
        quick(class_weight="balanced").partial_fit(X, NAMES, classes=np.unique(NAMES))
    net = quick().partial_fit(X, NAMES, classes=np.unique(NAMES))
    with pytest.raises(ValueError, match="are not those of before"):
        net.partial_fit(X, NAMES, classes=["rose", "setosa"])
    with pytest.raises(ValueError, match=r"y has the labels \['rose'\]"):
        net.partial_fit(X[:1], ["rose"])


def test_schedules_and_optimizers_may_be_functions() -> None:
    def halving(step: int) -> float:
        return float(0.5**step)

    sgd = partial(qnn.optim.SGD, momentum=0.5)
    net = quick(optimizer=sgd, learning_rate=halving, weight_decay=1e-3).fit(X, NAMES)
    assert net.history_.last.lr < 1e-9
    named = quick(optimizer="sgd", learning_rate="constant").fit(X, NAMES)
    assert named.history_.last.lr == named.learning_rate_init


def test_no_batch_of_one_sample_is_left() -> None:
    # 97 = 3 * 32 + 1: batch normalization has no variance of one.
    assert quick(batch_norm=True).fit(X[:97], CLASSES[:97]).score(X[:97], CLASSES[:97]) > 0.8


# Copies


@pytest.mark.parametrize(
    "make", [partial(quick, **QUANTIZED), partial(QuantClassifier, two_layers)]
)
def test_copies_answer_alike(make: Any) -> None:
    net = make(max_iter=3, random_state=0).fit(X, NAMES)
    file = io.BytesIO()
    joblib.dump(net, file)
    file.seek(0)
    copies = [copy.deepcopy(net), pickle.loads(pickle.dumps(net)), joblib.load(file)]
    copies.append(clone(net).fit(X, NAMES))
    for other in copies:
        assert same_bits(net, other)
        assert other.get_params().keys() == net.get_params().keys()


# Any net


def test_a_net_of_images() -> None:
    images, digits = load_digits(return_X_y=True)
    options = {"width": 4}
    net = QuantClassifier(
        convolutional, shape=(8, 8, 1), options=options, max_iter=8, weight="binary", random_state=0
    )
    net.fit(images[:600], digits[:600])
    assert net.score(images[:600], digits[:600]) > 0.6
    assert np.array_equal(net.pack().predict(images), net.predict(images))


def test_a_builder_gets_what_it_takes() -> None:
    assert QuantClassifier(plain).fit(X, NAMES).score(X, NAMES) > 0.8
    search = GridSearchCV(
        QuantClassifier(two_layers, input="uniform", max_iter=5, random_state=0),
        {"options": [{"hidden": 4}, {"hidden": 8}], "weight": ["symmetric"], "bits": [2, 32]},
        cv=2,
    )
    search.fit(X, NAMES)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    net = QuantRegressor(two_layers, max_iter=10, random_state=0).fit(INPUTS, NUMBERS)
    assert net.score(INPUTS, NUMBERS) > 0.3


def test_a_training_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    quick().fit(X, NAMES)
    assert capfd.readouterr() == ("", "")
