"""Transforms act on whole batches, in float32, and leave their input alone."""

from typing import Any

import numpy as np
import pytest
from qnn_data import MNIST, AsType, Compose, Flatten, MNISTMini, Normalize, Reshape, ToFloat

PIXELS = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)


def test_to_float_is_the_rounded_quotient() -> None:
    out = ToFloat()(PIXELS)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, (PIXELS.astype(np.float64) / 255).astype(np.float32))


@pytest.mark.parametrize(
    "transform", [ToFloat(), Flatten(), Reshape(1, 8, 16), AsType("i4"), Compose([ToFloat()])]
)
def test_input_is_unchanged(transform: Any) -> None:
    x = PIXELS.copy()
    x.flags.writeable = False
    transform(x)
    np.testing.assert_array_equal(x, PIXELS)


def test_normalize_leaves_its_input_alone() -> None:
    x = np.ones((2, 3), np.float32)
    x.flags.writeable = False
    np.testing.assert_array_equal(Normalize(0.5, 0.25)(x), np.full((2, 3), 2, np.float32))


def test_normalize_per_channel() -> None:
    mean = np.array([1, 2, 3]).reshape(3, 1, 1)
    out = Normalize(mean, 2)(np.full((4, 3, 2, 2), 5, np.float32))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[0, :, 0, 0], [2, 1.5, 1])


def test_flatten_and_reshape_are_views() -> None:
    assert np.shares_memory(Flatten()(PIXELS), PIXELS)
    assert np.shares_memory(Reshape(1, 8, 16)(PIXELS), PIXELS)
    assert AsType("u1")(PIXELS) is PIXELS


def test_empty_batches() -> None:
    x = Compose([ToFloat(), Normalize(0.1, 0.3), Flatten()])(PIXELS[:0])
    assert x.shape == (0, 128)


def test_reprs() -> None:
    transform = Compose(
        [ToFloat(), AsType("f4"), Normalize(0.1307, [0.5, 1]), Flatten(), Reshape(2, 3)]
    )
    assert repr(transform) == (
        "Compose([ToFloat(), AsType('float32'), Normalize(mean=0.1307, std=[0.5, 1. ]), "
        "Flatten(), Reshape(2, 3)])"
    )


@pytest.mark.parametrize(("mean", "std"), [(0, 0), (0, -1), (float("nan"), 1), (0, float("inf"))])
def test_normalize_refuses(mean: float, std: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        Normalize(mean, std)


def test_wrong_kinds() -> None:
    with pytest.raises(TypeError, match=r"ToFloat takes uint8 pixels.*not float64"):
        ToFloat()(np.zeros((1, 2)))
    with pytest.raises(TypeError, match="Normalize takes float32, not uint8; put ToFloat"):
        Normalize(0, 1)(PIXELS)
    with pytest.raises(TypeError, match="a function of a batch, not 'flatten'"):
        Compose(["flatten"])  # type: ignore[list-item] # what is refused


def mean_and_std(images: np.ndarray) -> tuple[float, float]:
    counts = np.bincount(images.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = np.average(values, weights=counts)
    return float(mean), float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))


def test_mini_is_normalised_by_its_own_pixels() -> None:
    np.testing.assert_allclose(mean_and_std(MNISTMini().images), (MNISTMini.mean, MNISTMini.std))


def test_mnist_is_normalised_by_its_own_pixels(mnist_folder: str) -> None:
    np.testing.assert_allclose(
        mean_and_std(MNIST(folder=mnist_folder).images), (MNIST.mean, MNIST.std)
    )


@pytest.mark.parametrize(
    "transforms",
    [
        [ToFloat()],
        [ToFloat(), Normalize(0.13, 0.31), Flatten()],
        [ToFloat(), Normalize(0.5, 0.5), Normalize(-0.1, 3)],
        [ToFloat(), Normalize(np.arange(16), 2), Reshape(128)],
        [ToFloat(), AsType("f8"), Flatten()],
        [Flatten(), ToFloat(), Normalize(0.5, 0.5)],
    ],
)
@pytest.mark.parametrize("part", [slice(None), slice(0, 0), slice(None, None, -1)])
def test_compose_is_one_after_the_other(transforms: list[Any], part: slice) -> None:
    """Also where it takes a table instead."""
    x = expected = PIXELS[part]
    for transform in transforms:
        expected = transform(expected)
    out = Compose(transforms)(x)
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out, expected)


def test_compose_still_refuses_floats() -> None:
    with pytest.raises(TypeError, match="ToFloat takes uint8"):
        Compose([ToFloat()])(np.zeros((1, 2)))
