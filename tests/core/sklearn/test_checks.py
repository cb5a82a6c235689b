"""What scikit-learn asks of every estimator: all of it, without exceptions."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qnn_core as qnn
from qnn_core.sklearn import (
    QuantClassifier,
    QuantMLPClassifier,
    QuantMLPRegressor,
    QuantRegressor,
)
from sklearn.utils.estimator_checks import estimator_checks_generator


def small(inputs: int, outputs: int, **options: Any) -> qnn.Module:
    return qnn.MLP([inputs, 32, outputs], batch_norm=True, **options)


# Float and quantized, as all their defaults are, but for the size of the nets.
ESTIMATORS = [
    QuantMLPClassifier(hidden_layer_sizes=(32,)),
    QuantMLPRegressor(hidden_layer_sizes=(32,), weight="symmetric:4", input="uniform:4"),
    QuantClassifier(small, weight="symmetric:4"),
    QuantRegressor(small),
]


def checks() -> Iterator[Any]:
    """Yield what `parametrize_with_checks` does, by names that are the same in every process."""
    for each in ESTIMATORS:
        for estimator, check in estimator_checks_generator(each):
            yield pytest.param(estimator, check, id=f"{type(each).__name__}-{check.func.__name__}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


# It leaves one check out, `check_array_api_input`, unless SciPy was imported under a setting.
CHECKED_APART = """
from test_checks import ESTIMATORS
from sklearn.utils.estimator_checks import estimator_checks_generator

for estimator in ESTIMATORS:
    for checked, check in estimator_checks_generator(estimator):
        if check.func.__name__ == "check_array_api_input":
            check(checked)
            print("checked")
"""


def test_scikit_learn_with_array_api() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHECKED_APART],
        cwd=Path(__file__).parent,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["checked"] * len(ESTIMATORS), done.stderr
