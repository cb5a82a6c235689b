"""Would these trained nets differ on other images?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr


def image_test(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return p of McNemar's exact test of two nets on the same images.

    Only images that one net has right and the other wrong count: are there as many of one kind as
    of the other, up to chance? (McNemar, Psychometrika 12, 1947; for classifiers: Dietterich,
    Neural Computation 10, 1998.)

    Args:
        first: [images], whether each image was classified right.
        second: the same of the other net.

    Example:
        >>> a = np.array([True] * 9 + [False] * 2)
        >>> b = np.array([False] * 8 + [True] * 3)
        >>> round(image_test(a, b), 4)  # 8 against 2: 2 * (1 + 10 + 45) / 1024
        0.1094
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    fewer, differing = min(only_first, only_second), only_first + only_second
    # Both tails of the binomial distribution; both hold the middle, if there is one.
    return min(1.0, 2 * float(bdtr(fewer, differing, 0.5)))


def majority(p_values: Sequence[float]) -> float:
    """Return one p value for tests that may depend on each other in any way.

    It is below alpha if more than half of the n tests, k of them, have p < alpha * k / n: the k-th
    smallest p, times n / k (Rüger, Metrika 25, 1978; Vovk and Wang, "Combining p-values via
    averaging", Biometrika 107, 2020). This is a little sharper than twice the median, and the p
    itself if there is one.

    Example:
        >>> majority([0.2, 0.01, 0.001]), majority([0.03])
        (0.015, 0.03)
    """
    n = len(p_values)
    k = n // 2 + 1
    return min(1.0, sorted(p_values)[k - 1] * n / k)
