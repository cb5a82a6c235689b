"""What would decide an undecided difference: more seeds, or more test samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .scores import Array

MOST_SEEDS = 200


@dataclass(frozen=True)
class Needs:
    """What would decide a difference, if mean and variance are as they were seen.

    Attributes:
        seeds: how many of each config, in all; None if 200 are not enough.
        samples: how many test samples with the seeds that there are, to two digits; None if more
            samples cannot decide it.

    Example:
        >>> print(Needs(seeds=8, samples=20_000))
        about 8 seeds or about 20,000 test samples
    """

    seeds: int | None
    samples: int | None

    def __str__(self) -> str:
        told = [f"about {self.seeds} seeds"] if self.seeds else []
        told += [f"about {self.samples:,} test samples"] if self.samples else []
        return " or ".join(told) or f"more than {MOST_SEEDS} seeds"


def needs(
    mean: float,
    variance: float,
    df: float,
    seeds: int,
    *,
    alpha: float,
    level: float,
    margin: float,
    predicted: float = 0.0,
    samples: int = 0,
) -> Needs:
    """Return what would decide a difference that was seen.

    Args:
        mean: of the difference.
        variance: of the difference at one seed.
        df: degrees of freedom of the variance.
        seeds: how many there are.
        alpha: of the interval that lies within the margin if configs are equivalent.
        level: at which a difference is significant, after the correction for the family.
        margin: of equivalence.
        predicted: the part of the variance that falls with the number of samples.
        samples: how many there are; 0 if it is not known.

    Example:
        >>> needs(0.001, 1e-6, 8, 5, alpha=0.05, level=0.01, margin=0.0015,
        ...       predicted=1e-6, samples=1000)
        Needs(seeds=10, samples=2300)
    """
    levels = {"alpha": alpha, "level": level, "margin": margin}
    more = np.arange(seeds + 1, MOST_SEEDS + 1, dtype=np.float64)
    enough = _decided(mean, variance / more, df + more - seeds, **levels)
    found = int(more[np.argmax(enough)]) if enough.any() else None
    if not samples or not predicted:
        return Needs(found, None)
    factors: Array = np.geomspace(1, 1000, 400)[1:]
    falling = min(predicted, variance)
    shrunk = (variance - falling + falling / factors) / seeds
    enough = _decided(mean, shrunk, df + 0 * factors, **levels)
    if not enough.any():
        return Needs(found, None)
    wanted = samples * float(factors[np.argmax(enough)])
    step = 10.0 ** (np.floor(np.log10(wanted)) - 1)
    return Needs(found, int(np.ceil(wanted / step) * step))


def _decided(
    mean: float, squared_errors: Array, df: Array, *, alpha: float, level: float, margin: float
) -> NDArray[np.bool_]:
    errors = np.sqrt(squared_errors)
    significant = abs(mean) > -special.stdtrit(df, level / 2) * errors
    equivalent = abs(mean) - special.stdtrit(df, alpha / 2) * errors < margin
    return np.asarray(significant | equivalent)
