"""Write estimators of scikit-learn as ONNX files, by skl2onnx.

    pip install scikit-learn skl2onnx
    python tests/nets/make_sklearn_nets.py

A file is called ``ESTIMATOR-sklearn-OPSET.onnx``; probabilities are an array (``zipmap`` is off).
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

HERE = Path(__file__).parent
FEATURES = 12
SETTINGS: dict[str, Any] = {"max_iter": 30, "random_state": 0}


def data(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features of several scales and as many classes."""
    x, y = make_classification(
        300, FEATURES, n_informative=8, n_classes=classes, random_state=classes
    )
    return (x * np.linspace(0.5, 3, FEATURES) + 1).astype(np.float32), y


def estimators() -> dict[str, tuple[Any, int]]:
    """Return fitted estimators by name, with the opset of the file."""
    five, two = data(5), data(2)
    words = np.array(["ant", "bee", "cow", "dog", "elk"])[five[1]]
    x, one = make_regression(300, FEATURES, noise=0.1, random_state=0)
    _, three = make_regression(300, FEATURES, n_targets=3, noise=0.1, random_state=0)
    numbers = x.astype(np.float32)
    return {
        "mlp_classifier": (MLPClassifier(hidden_layer_sizes=(16, 12), **SETTINGS).fit(*five), 13),
        "mlp_classifier_words": (
            MLPClassifier(hidden_layer_sizes=(8,), activation="tanh", **SETTINGS).fit(
                five[0], words
            ),
            17,
        ),
        "mlp_classifier_two": (
            MLPClassifier(hidden_layer_sizes=(8,), activation="logistic", **SETTINGS).fit(*two),
            17,
        ),
        "mlp_regressor": (
            MLPRegressor(hidden_layer_sizes=(16,), **SETTINGS).fit(numbers, one / 50),
            13,
        ),
        "mlp_regressor_three": (
            MLPRegressor(hidden_layer_sizes=(8,), activation="identity", **SETTINGS).fit(
                numbers, three / 50
            ),
            17,
        ),
        "logistic_regression": (LogisticRegression().fit(*five), 17),
        "logistic_regression_two": (LogisticRegression().fit(*two), 17),
        "linear_regression": (LinearRegression().fit(numbers, three), 17),
        "scaled_mlp_classifier": (
            make_pipeline(
                StandardScaler(), MLPClassifier(hidden_layer_sizes=(16,), **SETTINGS)
            ).fit(*five),
            17,
        ),
        "scaled_mlp_regressor": (
            make_pipeline(MinMaxScaler(), MLPRegressor(hidden_layer_sizes=(12,), **SETTINGS)).fit(
                numbers, one / 50
            ),
            17,
        ),
    }


def main() -> None:
    """Write all files."""
    warnings.simplefilter("ignore")  # 30 epochs are not enough to converge, and need not be
    for name, (estimator, opset) in estimators().items():
        example = np.zeros((1, FEATURES), np.float32)
        options = {} if hasattr(estimator, "predict_proba") is False else {"zipmap": False}
        model = to_onnx(
            estimator, example, target_opset={"": opset, "ai.onnx.ml": 3}, options=options
        )
        path = HERE / f"{name}-sklearn-{opset}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        print(path.name, path.stat().st_size, [node.op_type for node in model.graph.node])


if __name__ == "__main__":
    main()
