"""The parts of a study whose numbers can be worked out by hand."""

import numpy as np
import pytest
import qnn_data
from _study.images import digits, resize


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


@pytest.mark.parametrize("augment", [{}, {"shift": 1.0}])
def test_a_border_is_cut_off(augment: dict[str, float]) -> None:
    _, whole = qnn_data.load("mnist-mini")
    _, cut = digits(dataset="mnist-mini", border=4, side=20, augment=augment)
    x, y = whole[:5]
    middle = x.reshape(5, 28, 28)[:, 4:24, 4:24].reshape(5, 400)
    np.testing.assert_allclose(cut[:5][0], middle, atol=2e-3)  # other means
    np.testing.assert_array_equal(cut[:5][1], y)


def test_images_that_are_held_out_are_not_trained_on() -> None:
    batches, held_out = digits(dataset="mnist-mini", held_out=1000)
    train, _ = qnn_data.load("mnist-mini")
    found = np.concatenate([x for x, _ in batches(0)])
    assert len(found) + len(held_out) == len(train)
    seen = {row.tobytes() for row in found}
    assert sum(row.tobytes() in seen for row in held_out[:][0]) == 0


def test_a_seed_sets_order_and_augmentation() -> None:
    batches, _ = digits(dataset="mnist-mini", samples=200, augment={"shift": 2.0})
    one, again, other = (np.concatenate([x for x, _ in batches(seed)]) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
