"""Studies that nobody trained: nets that are right or wrong on images of different difficulty."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

SEEDS = 5
IMAGES = 10_000
BASE = stats.norm.ppf(0.98)  # in these units a net without a shift has 98 % right
SHARED = 0.9  # share of what makes an image hard that is hard for every net

Rights = dict[str, dict[int, NDArray[np.bool_]]]


def points(gap: float) -> float:
    """Return the shift that adds so many percentage points to 98 %."""
    return float(stats.norm.ppf(0.98 + gap / 100) - BASE)


class Study:
    """Configs with a shift each, trained with a few seeds, tested on the same images.

    A net has an image right if base + shift + difficulty + noise + luck > 0: difficulty belongs
    to the image, noise to image and net, luck to the net. Two nets then disagree on 1.7 % of the
    images, which alone gives accuracies a standard deviation of 0.09 points over seeds; a luck of
    0.025 brings it to 0.15, one of 0.01 to 0.1.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shifts: Sequence[float],
        luck: float = 0.025,
        seeds: int = SEEDS,
        images: int = IMAGES,
    ) -> None:
        difficulty = np.sqrt(SHARED) * rng.standard_normal(images, dtype=np.float32)
        self.luck, self.centre = luck, BASE + difficulty
        self.correct: Rights = {}
        for config, shift in enumerate(shifts):
            noise = np.sqrt(1 - SHARED) * rng.standard_normal((seeds, images), dtype=np.float32)
            level = shift + luck * rng.standard_normal((seeds, 1))
            right = self.centre + noise + level > 0
            self.correct[f"config {config}"] = dict(enumerate(right))
        self.accuracies = {
            config: {seed: float(right.mean()) for seed, right in seeds.items()}
            for config, seeds in self.correct.items()
        }

    def expected(self, shift: float) -> float:
        """Return the mean accuracy of endlessly many seeds on the images of this study."""
        spread = np.sqrt(1 - SHARED + self.luck**2)
        return float(stats.norm.cdf((self.centre + shift) / spread).mean())
