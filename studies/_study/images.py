"""The images of a study."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import qnn_data
from numpy.typing import NDArray

Array = NDArray[Any]
Resize = Callable[[Array], NDArray[np.float32]]
# Of a seed, the batches of each epoch.
Training = Callable[[int], qnn_data.DataLoader]


def digits(
    *,
    dataset: str,
    held_out: int = 0,
    samples: int | None = None,
    batch_size: int = 100,
    border: int = 0,
    side: int = 28,
    augment: Mapping[str, float] | None = None,
    normalized: bool = True,
) -> tuple[Training, qnn_data.ArrayDataset]:
    """Return training and test data as `qnn.compare` takes them: rows of pixels, normalized.

    Args:
        dataset: a name that `qnn_data.load` knows.
        held_out: measure on so many of the training images, which are then not trained on; 0 for
            the test images.
        samples: so many of the training images; None for all.
        batch_size: of training.
        border: so many pixels are cut off at each side of the images. MNIST's digits fill the 20 x
            20 in the middle, nearly.
        side: their new height and width; 28 leaves whole ones alone.
        augment: arguments of `qnn_data.Augment`, another in each epoch; None for none.
        normalized: False for pixels / 255, of which black is 0: of whole images only.
    """
    plain = qnn_data.transforms.Compose(
        [qnn_data.transforms.ToFloat(), qnn_data.transforms.Flatten()]
    )
    train, test = qnn_data.load(dataset, transform="default" if normalized else plain)
    if border or side != train.images.shape[1]:
        # Augmented images are resized batch by batch: that comes after.
        train, test = (_resized(part, border, side, not augment) for part in (train, test))
    if held_out:
        train, test = train.split(held_out, seed=0)
    if samples is not None:
        train = train.subset(slice(samples))
    return partial(_batches, train, batch_size, augment), test


def shrunk(
    dataset: str, *, border: int = 0, side: int
) -> tuple[qnn_data.ArrayDataset, qnn_data.ArrayDataset]:
    """Return the same images without augmentation, all shrunk at once.

    Args:
        dataset: a name that `qnn_data.load` knows.
        border, side: as for `digits`.
    """
    train, test = (_resized(part, border, side, True) for part in qnn_data.load(dataset))
    return train, test


def _batches(
    train: qnn_data.ArrayDataset, size: int, augment: Mapping[str, float] | None, seed: int
) -> qnn_data.DataLoader:
    options: dict[str, Any] = dict(augment or {})
    moved = qnn_data.Augment(**options, seed=seed) if augment else None
    return qnn_data.DataLoader(train, size, shuffle=True, seed=seed, augment=moved)


def moved(rows: Array, rng: np.random.Generator) -> Array:
    """Return 28 x 28 digits, in rows as `digits` gives them, shifted, turned and scaled at random.

    For ``recipe={"augment": moved}``, where only some nets of a study are to see others in each
    epoch: up to 1.5 pixels, 10 degrees and a tenth of the size either way.
    """
    black = -qnn_data.MNIST.mean / qnn_data.MNIST.std
    moves = rng.uniform(-1, 1, (len(rows), 4)) * (1.5, 1.5, 10, 0.1) + (0, 0, 0, 1)
    return qnn_data.Augment(fill=black, shape=(28, 28)).move(rows, moves)


def _resized(
    data: qnn_data.ArrayDataset, border: int, side: int, at_once: bool
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
    if at_once:
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
