"""A regression at 8, 4 and 2 bits: python studies/regression.py

Diabetes (Efron et al. 2004, it comes with scikit-learn): ten measurements of 442 patients, and how
far the disease had gone a year later, from 25 to 346 points. 300 of them, drawn once, train
10-32-32-1; the others are the test. All columns are standardised by mean and spread of the 300
(79.1 points), and errors are told in points. The measurements enter at 8 bits; else all weights and
inputs have the bits that are named.

Of the test patients, the median of the 300 is wrong by 62.3 points, ridge regression by 45.2. What
is too small to matter is set at 2 points: about a tenth of what all measurements tell.

A first run had 30 epochs for all. Float overfitted, to 47.4 points, more than 2 bits did, to 45.7.
So epochs are chosen as rates are, on patients that are held out of the 300.
"""

from functools import partial
from typing import Any

import numpy as np
import qnn_core as qnn
from qnn_compare import Config, compare
from sklearn.datasets import load_diabetes

COLUMNS, POINTS = load_diabetes(return_X_y=True, scaled=False)
ORDER = np.random.default_rng(0).permutation(len(POINTS))
TRAIN, TEST = ORDER[:300], ORDER[300:]
SPREAD = POINTS[TRAIN].std()


def patients() -> Any:
    """Return training and test data, all standardised."""
    x = (COLUMNS - COLUMNS[TRAIN].mean(axis=0)) / COLUMNS[TRAIN].std(axis=0)
    y = (POINTS - POINTS[TRAIN].mean()) / SPREAD
    x, y = x.astype(np.float32), y.astype(np.float32)
    return (x[TRAIN], y[TRAIN]), (x[TEST], y[TEST])


def wrong_by(outputs: Any, targets: Any) -> Any:
    """Return the error of each patient in points."""
    return SPREAD * np.abs(outputs.ravel() - targets)


def config(bits: int) -> Config:
    weight, input = f"symmetric:{bits}", f"uniform:{bits}"
    last: dict[str, Any] = {"last_weight": weight, "last_input": input}
    return Config(f"{bits} bits", weight=weight, input=input, first_input="uniform:8", **last)


if __name__ == "__main__":
    found = compare(
        partial(qnn.MLP, [10, 32, 32, 1], batch_norm=True), patients,
        configs=[Config("float"), *map(config, (8, 4, 2))], seeds="auto", epochs=30, batch_size=30,
        loss="mean_squared_error", metric=qnn.Metric(wrong_by, False, "MAE, points", mean=True),
        tune={"lr": [1e-2, 3e-2], "epochs": [8, 30], "validation": 0.25, "seeds": 3},
        margin=2.0, store="docs/results/regression", executor=1,
    )  # fmt: skip # one call
    title = "Diabetes, a regression at 8, 4 and 2 bits"
    found.report("docs/results/regression/README.md", title=title, about=__doc__)
    print(found)
