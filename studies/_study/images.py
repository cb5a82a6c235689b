"""The images of a study."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import qnn_data
from numpy.typing import NDArray

Array = NDArray[Any]
Resize = Callable[[Array], NDArray[np.float32]]


class Data(NamedTuple):
    """What a net is trained on and what it is measured on."""

    train: qnn_data.ArrayDataset
    test: qnn_data.ArrayDataset


@cache
def load(dataset: str, border: int, side: int, held_out: int, prepared: bool) -> Data:
    """Return the images as rows of pixels, normalized; kept, since a worker trains many cells.

    Args:
        dataset: a name that `qnn_data.load` knows.
        border: so many pixels are cut off at each side of the images.
        side: their new height and width.
        held_out: measure on so many of the training images, which are then not trained on; 0 for
            the test images.
        prepared: whether the rows are made once, not batch by batch: not if the images are
            augmented, which comes before.
    """
    train, test = qnn_data.load(dataset)
    if border or side != train.images.shape[1]:
        train, test = (_resized(part, border, side, prepared) for part in (train, test))
    return Data(*train.split(held_out, seed=0)) if held_out else Data(train, test)


def _resized(
    data: qnn_data.ArrayDataset, border: int, side: int, prepared: bool
) -> qnn_data.ArrayDataset:
    steps = qnn_data.transforms
    size = data.images.shape[1]
    middle = slice(border, size - border)
    rows = steps.Compose(
        [
            steps.ToFloat(),
            lambda images: images[:, middle, middle],
            resize(size - 2 * border, side),
            steps.Normalize(qnn_data.MNIST.mean, qnn_data.MNIST.std),
            steps.Flatten(),
        ]
    )
    if prepared:
        return qnn_data.ArrayDataset(rows(data.images), data.labels, classes=data.classes)
    return qnn_data.ArrayDataset(data.images, data.labels, rows, classes=data.classes)


def resize(before: int, after: int) -> Resize:
    """Return a function that shrinks square images, linearly and without aliasing.

    Each new pixel is a mean of the old ones, with weights that fall evenly with the distance, to
    zero at the width of one new pixel: a triangle as wide as the images shrink.

    Example:
        >>> resize(4, 2)(np.ones((1, 4, 4), np.float32))
        array([[[1., 1.],
                [1., 1.]]], dtype=float32)
    """
    width = before / after
    centers = (np.arange(after) + 0.5) * width - 0.5
    distance = np.abs(np.arange(before) - centers[:, None]) / max(width, 1)
    weights = np.maximum(0, 1 - distance)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return lambda images: np.matmul(np.matmul(weights, images), weights.T)
