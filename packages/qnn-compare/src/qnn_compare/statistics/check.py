"""Do accuracies and the images that were right belong together?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .errors import StatisticsError


def check(
    accuracies: Mapping[str, Mapping[int, float]],
    correct: Mapping[str, Mapping[int, NDArray[np.bool_]]],
) -> None:
    """Refuse accuracies that are not those of `correct`; see `pairs`.

    Example:
        >>> check({"float": {0: 98.0}}, {"float": {0: np.arange(100) < 98}})
        Traceback (most recent call last):
            ...
        qnn_compare.statistics.errors.StatisticsError: pairs: accuracy of 'float', seed 0, is 98...
    """
    images: dict[int, tuple[str, int]] = {}
    for config, seeds in accuracies.items():
        for seed, accuracy in seeds.items():
            right = _right(correct, config, seed)
            # A float32 accuracy is that of its images too.
            if not abs(accuracy - right.mean()) < 0.5 / right.size:
                raise StatisticsError(
                    f"pairs: accuracy of {config!r}, seed {seed}, is {accuracy}, but "
                    f"{right.mean():.6g} of its images are right"
                )
            other, size = images.setdefault(seed, (config, right.size))
            if size != right.size:
                raise StatisticsError(
                    f"pairs: for seed {seed}, {other!r} was tested on {size} images and {config!r} "
                    f"on {right.size}; paired configs need the same ones"
                )


def _right(
    correct: Mapping[str, Mapping[int, NDArray[np.bool_]]], config: str, seed: int
) -> NDArray[np.bool_]:
    """Return which images a run had right."""
    where = f"pairs: correct of {config!r}, seed {seed},"
    if config not in correct or seed not in correct[config]:
        raise StatisticsError(f"{where} is missing, though there is an accuracy")
    right = np.asarray(correct[config][seed])
    if right.dtype != np.bool_:
        raise StatisticsError(f"{where} must be bool, one for each image, got {right.dtype}")
    if right.ndim != 1 or right.size == 0:
        raise StatisticsError(f"{where} must be [images], one or more, got shape {right.shape}")
    return right
