"""Initial weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Seed = int | np.random.Generator | None


def generator(seed: Seed) -> np.random.Generator:
    """Return the generator itself, or a new one from a seed (None: from the system's entropy).

    Raises:
        ValueError: for True and False, which NumPy would take for 1 and 0.
    """
    if isinstance(seed, bool | np.bool_):
        raise ValueError(f"seed must be a whole number, a NumPy generator or None, got {seed!r}")
    # An array without axes is the number in it; NumPy's own generators ask for its length.
    return np.random.default_rng(seed[()] if isinstance(seed, np.ndarray) else seed)


def kaiming_uniform(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return float32 weights, uniform in ``+-sqrt(6 / fan_in)``.

    (He et al. 2015, arXiv:1502.01852, eq. 10: keeps the variance through layers with ReLU.)
    """
    bound = np.sqrt(6 / max(fan_in, 1))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
