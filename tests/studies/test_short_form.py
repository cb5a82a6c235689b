"""Studies of one file each: that they compare what they say."""

import math
from pathlib import Path

import numpy as np
import pytest
import total_bits
from _study.images import digits, shrunk
from qnn_compare import Comparison

RESULTS = Path(__file__).parents[2] / "docs" / "results"
LEVELS = {"1 bit": 2, "ternary": 3, "2 bits": 4, "3 bits": 8, "4 bits": 16, "8 bits": 256}


def test_weights_of_equal_bits_are_equal() -> None:
    for (name, options), width in zip(
        total_bits.WEIGHTS.items(), total_bits.WIDTHS["weights"], strict=True
    ):
        net = total_bits.net(width=width, input="uniform:8", seed=0, **options)
        count = sum(parameter.size for parameter in net.parameters() if parameter.ndim == 2)
        bits = count * math.log2(LEVELS[name])
        assert bits == pytest.approx(100_864, rel=0.005)


def test_files_of_equal_size_are_equal() -> None:
    found = Comparison.load(RESULTS / "total_bits" / "files")
    assert [found.nbytes(config) for config in found.configs] == pytest.approx(
        [12_000] * 6, rel=0.02
    )


def test_images_are_those_of_the_other_studies() -> None:
    _, other = digits(dataset="mnist-mini", side=16)
    _, test = shrunk("mnist-mini", side=16)
    np.testing.assert_array_equal(test[:][0], other[:][0])


def test_patients_are_standardised_by_those_that_train() -> None:
    regression = pytest.importorskip("regression", exc_type=ModuleNotFoundError)
    (x, y), (test, targets) = regression.patients()
    assert (x.shape, test.shape) == ((300, 10), (142, 10))
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(), 1, rtol=1e-5)
    # In points: who is told the mean of the 300 is wrong by the distance from it.
    points = regression.POINTS
    wrong = regression.wrong_by(np.zeros((142, 1)), targets)
    expected = np.abs(points[regression.TEST] - points[regression.TRAIN].mean())
    np.testing.assert_allclose(wrong, expected, rtol=1e-4, atol=1e-4)


def test_signals_get_shorter() -> None:
    study = pytest.importorskip("one_dimensional", exc_type=ModuleNotFoundError)
    net = study.net(weight="symmetric:2", input="uniform:2", seed=0)
    assert net(np.zeros((3, 40), np.float32)).shape == (3, 10)
    assert net.layers[-1].weight.shape == (10, 5 * 32)
