"""Symmetric quantization that is random in training."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError, nearest

from .symmetric import Symmetric

Array = NDArray[np.floating]

Noise = Literal["rounding", "additive"]
NOISES = get_args(Noise)


@dataclass(frozen=True)
class Stochastic(Symmetric):
    """`Symmetric`, in training with noise that has the mean of the data; deployed without.

    ::

        rounding    the level below u or the one above, each more likely the nearer it is
        additive    u + e inside the range, e uniform over a step around 0: no level

    Stochastic rounding (Gupta et al. 2015, arXiv:1502.02551, section 3; of one bit, Courbariaux et
    al. 2015, arXiv:1511.00363) passes on what is smaller than a step in the mean. Additive noise of
    the size of the rounding error has a true gradient (Baskin et al. 2018, UNIQ, arXiv:1804.10969;
    Defossez et al. 2021, DiffQ, arXiv:2104.09987). In evaluation and deployed, values go to the
    nearest level. Each layer draws from a generator of its own, whose seed is made of its first
    data: a training can be repeated.

    Args:
        noise: which.
        bits, grid, ...: see `Symmetric`.

    Example:
        >>> q = Stochastic(bits=2)
        >>> q.training_levels(np.full(1000, 0.25), np.random.default_rng(0)).mean()
        np.float64(0.2...)
        >>> q.encode(np.float32([0.25])), q.levels
        (array([1], dtype=uint8), array([-1.,  0.,  1.], dtype=float32))
    """

    noise: Noise = "rounding"

    def __post_init__(self) -> None:
        if self.noise not in NOISES:
            raise SpecError(
                f"Stochastic: noise must be one of {', '.join(NOISES)}, got {self.noise!r}"
                + nearest(str(self.noise), NOISES)
            )
        super().__post_init__()

    def training_levels(self, u: Array, rng: np.random.Generator) -> Array:
        """Return a level drawn for each `u`, or `u` with noise."""
        levels = self.levels.astype(u.dtype)
        step = levels[1] - levels[0]
        inside = np.clip(u, levels[0], levels[-1])
        if self.noise == "additive":
            moved: Array = inside + step * (rng.random(u.shape, u.dtype) - u.dtype.type(0.5))
            return moved
        drawn = np.floor((inside - levels[0]) / step + rng.random(u.shape, u.dtype))
        level: Array = levels[0] + step * np.minimum(drawn, levels.size - 1)
        return level
