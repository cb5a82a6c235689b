"""The spiral data set: small, two-dimensional, and not linearly separable."""

import numpy as np

from .dataset import ArrayDataset
from .transforms import Transform

_CLASSES = 3
_PER_CLASS = 100
_TRAIN_SEED, _TEST_SEED = 1984, 2020  # DeZero's


class Spiral(ArrayDataset):
    """Three interleaved spiral arms in the plane, 100 points each, shuffled.

    Point i of class j has radius r = i / 100 and angle theta = 4 j + 4 r + 0.2 * normal (radians);
    it is (r sin theta, r cos theta). With the default seeds these are the points of DeZero's
    data set of this name (https://github.com/oreilly-japan/deep-learning-from-scratch-3).

    Args:
        train: the training points, or the test points; they differ by their seed.
        transform: from a batch of points to what is given out; None gives them as they are.
        seed: of the noise and the order, in place of the default one.

    Attributes:
        x: points, float32, shape (300, 2), within the unit circle.
        y: classes 0 to 2, int64, shape (300,).

    Example:
        >>> data = Spiral(train=True)
        >>> data
        Spiral(300 samples, x=float32 (2,), 3 classes)
        >>> x, y = data[:2]
        >>> x.shape, y
        ((2, 2), array([1, 1]))
    """

    def __init__(
        self, train: bool = True, *, transform: Transform | None = None, seed: int | None = None
    ) -> None:
        if seed is None:
            seed = _TRAIN_SEED if train else _TEST_SEED
        # RandomState: its streams are frozen, and DeZero's points come from it.
        random = np.random.RandomState(seed)
        y = np.arange(_CLASSES).repeat(_PER_CLASS)
        r = np.tile(np.arange(_PER_CLASS) / _PER_CLASS, _CLASSES)
        theta = y * 4.0 + 4.0 * r + random.standard_normal(len(y)) * 0.2
        x = np.stack([r * np.sin(theta), r * np.cos(theta)], axis=1).astype(np.float32)
        order = random.permutation(len(y))
        super().__init__(x[order], y[order], transform)
