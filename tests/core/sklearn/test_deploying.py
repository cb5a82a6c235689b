"""What an estimator is packed into and exported to answers as it does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import ExportError
from qnn_core.sklearn import QuantMLPClassifier, QuantMLPRegressor
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import NotFittedError

X, CLASSES = load_wine(return_X_y=True)
NAMES = np.array(["Barolo", "Grignolino", "Barbera"])[CLASSES]
INPUTS, NUMBERS = load_diabetes(return_X_y=True)

ALL = {"last_weight": "same", "last_input": "same", "batch_norm": True}
SPECS: list[dict[str, Any]] = [
    {},
    {"weight": "symmetric:4", "input": "uniform:4"},
    {"weight": "symmetric", "input": "uniform", "bits": 2, **ALL},
    {"weight": "binary", "input": "binary", "activation": "hardtanh", **ALL},
    {"weight": "symmetric:2", "input": "uniform:4", "standardize": False, **ALL},
]


def fitted(**specs: Any) -> QuantMLPClassifier:
    how = {"hidden_layer_sizes": (16,), "max_iter": 5, "random_state": 0}
    return QuantMLPClassifier(**how, **specs).fit(X, NAMES)


@pytest.mark.parametrize("specs", SPECS, ids=str)
def test_a_packed_classifier_answers_as_it_does(specs: dict[str, Any], tmp_path: Path) -> None:
    net = fitted(**specs)
    packed = net.pack()
    scores = packed(X)
    assert isinstance(scores, np.ndarray)
    assert np.abs(scores - net.model_(X).data).max() == 0
    assert np.array_equal(scores.astype(np.float64), net.decision_function(X))
    assert np.array_equal(net.classes_[packed.predict(X)], net.predict(X))
    net.export(tmp_path / "net.qnn")
    assert np.array_equal(qnn.load(tmp_path / "net.qnn")(X), scores)
    assert net.pack(X).nbytes == packed.nbytes


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_packed_regressor_answers_as_it_does(outputs: int) -> None:
    y = NUMBERS if outputs == 1 else np.c_[NUMBERS, -NUMBERS]
    how = {"weight": "symmetric:4", "input": "uniform:4", "max_iter": 3, "random_state": 0}
    net = QuantMLPRegressor(**how).fit(INPUTS, y)
    answers = net.pack().predict(INPUTS, task="regression")
    assert np.abs(answers - net.predict(INPUTS)).max() == 0


def test_a_summary_tells_what_is_quantized() -> None:
    told = str(fitted(weight="symmetric:4", input="uniform:4").summary())
    assert "4 x 4" in told
    assert "left float" in told


def test_onnx_gives_the_same(tmp_path: Path) -> None:
    made = fitted(weight="symmetric:2", input="uniform:2", **ALL).export(tmp_path / "net.onnx")
    assert made.exact
    assert (tmp_path / "net.onnx").exists()


def test_c_gives_the_same_and_is_named_by_its_path(tmp_path: Path) -> None:
    net = fitted(weight="symmetric:2", input="uniform:2", **ALL)
    net.export(tmp_path / "one" / "wine.c")
    net.export(tmp_path / "two", name="vines")
    assert (tmp_path / "one" / "wine.c").exists()
    assert (tmp_path / "two" / "vines.h").exists()
    with pytest.raises(ExportError, match="stays float"):
        net.export(tmp_path / "three", float="never")
    integers = fitted(weight="symmetric:2", input="uniform:4", standardize=False, **ALL)
    integers.export(tmp_path / "four", float="never")


def test_other_paths_and_estimators_without_a_net_are_refused(tmp_path: Path) -> None:
    net = fitted()
    with pytest.raises(ValueError, match=r"must end in \.qnn, \.onnx or \.c"):
        net.export(tmp_path / "net.h5")
    with pytest.raises(TypeError, match="a packed file has no options, got form"):
        net.export(tmp_path / "net.qnn", form="integer")
    for give in (QuantMLPClassifier().pack, QuantMLPClassifier().summary):
        with pytest.raises(NotFittedError):
            give()


def test_no_training_sample_is_kept() -> None:
    net = fitted()
    held = [value for value in vars(net).values() if isinstance(value, np.ndarray)]
    assert all(len(array) != len(X) for array in held)
    assert not any(np.array_equal(row, X[0].astype(np.float32)) for row in net._example())
