"""The parts of a study whose numbers can be worked out by hand."""

import math

import numpy as np
import pytest
import qnn_data
from _study.images import load, resize
from _study.results import interval


def test_an_interval_is_students() -> None:
    # Standard deviation 1; with two degrees of freedom t is 4.302653.
    found = interval([97.0, 98.0, 99.0])
    assert found.mean == 98.0
    assert found.high - found.mean == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_one_seed_has_no_interval() -> None:
    found = interval([98.0])
    assert found.mean == 98.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_images_of_half_the_size() -> None:
    # Each new pixel weighs four old ones 1, 3, 3, 1; at the border the outer one is missing.
    image = np.array([[[0, 0, 0, 0], [0, 7, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]], np.float32)
    expected = 7 * np.outer([3 / 7, 1 / 7], [3 / 7, 1 / 7])
    np.testing.assert_allclose(resize(4, 2)(image)[0], expected, rtol=1e-6)


def test_a_plain_image_stays_plain() -> None:
    image = np.full((2, 28, 28), 0.3, np.float32)
    np.testing.assert_allclose(resize(28, 16)(image), np.full((2, 16, 16), 0.3), rtol=1e-6)


def test_images_of_the_same_size_stay_as_they_are() -> None:
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    np.testing.assert_array_equal(resize(3, 3)(image), image)


@pytest.mark.parametrize("prepared", [True, False])
def test_a_border_is_cut_off(prepared: bool) -> None:
    whole, _ = qnn_data.load("mnist-mini")
    cut, _ = load("mnist-mini", 4, 20, 0, prepared)
    x, y = whole[:5]
    middle = x.reshape(5, 28, 28)[:, 4:24, 4:24].reshape(5, 400)
    np.testing.assert_allclose(cut[:5][0], middle, atol=2e-3)  # other means
    np.testing.assert_array_equal(cut[:5][1], y)
