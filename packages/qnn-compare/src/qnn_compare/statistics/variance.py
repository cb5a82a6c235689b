"""How much the difference of two configs varies from seed to seed.

Two sources. The differences of a handful of seeds have a variance of their own, known as badly as a
handful of numbers can tell. And nets of one recipe err on single samples nearly independently of
each other (Jordan, arXiv:2304.01910), so the variance of a mean over thousands of samples is the
sum of the variances of the samples, which is known well. `moderated` takes both together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from .scores import Array

# The weight of the predicted variance, in degrees of freedom, where many configs teach how far to
# trust it. 8 and more find more, and err where single configs vary more than was predicted.
PRIOR_DF = 6.0
# The same where runs are one number each, and all pairs have one prediction.
PRIOR_DF_OF_RUNS = 4.0
# So many other configs teach half of that.
HALF = 3
# A pair whose own variance is among the so many greatest by chance is not moderated.
GUARD = 0.1


@dataclass(frozen=True)
class Difference:
    """The difference of two configs over the seeds that both have.

    Attributes:
        by_seed: mean over the samples of first - second, for each seed.
        predicted: the variance of `by_seed` that independent errors on single samples give; 0 where
            there is one number for each run, or one seed.
        between: variance over samples of the mean over seeds, divided by the number of samples;
            what other samples would change.
        step: what `by_seed` is a multiple of, or nearly so; 0 if that is not known.
    """

    by_seed: Array
    predicted: float
    between: float
    step: float

    @property
    def n(self) -> int:
        """How many seeds both configs have."""
        return len(self.by_seed)

    @property
    def mean(self) -> float:
        """The mean difference; NaN without a seed in common."""
        return float(self.by_seed.mean()) if self.n else float("nan")

    @property
    def own(self) -> float:
        """Variance over the seeds, not below that of the difference of two rounded numbers."""
        return max(float(self.by_seed.var(ddof=1)), self.step**2 / 6)


def difference(delta: Array, *, whole: bool, numbers: bool = False) -> Difference:
    """Return what is to know of a difference.

    Args:
        delta: [seeds, samples], first - second, paired by seed and sample.
        whole: whether they are differences of right and wrong, -1, 0 or 1.
        numbers: whether there is one number for each run, and nothing to predict from.

    Example:
        >>> right = np.random.default_rng(0).random((2, 5, 10_000)) < 0.98
        >>> found = difference(right[0] - 1.0 * right[1], whole=True)
        >>> print(f"{found.own ** 0.5:.4f} {found.predicted ** 0.5:.4f}")
        0.0022 0.0020
    """
    seeds, samples = delta.shape
    by_seed = delta.mean(axis=1)
    if numbers or seeds == 0:
        return Difference(by_seed, 0.0, 0.0, 0.0)
    # Scores that are no whole numbers: what a typical sample adds.
    step = (1.0 if whole else float(np.sqrt(np.mean(delta**2)))) / samples
    between = float(delta.mean(axis=0).var(ddof=1)) / samples if samples > 1 else 0.0
    if seeds == 1:
        return Difference(by_seed, 0.0, between, step)
    predicted = float(delta.var(axis=0, ddof=1).sum()) / samples**2
    return Difference(by_seed, max(predicted, step**2 / 6), between, step)


@dataclass(frozen=True)
class Moderated:
    """The variance over seeds that tests of a pair are based on.

    Attributes:
        variance: of the difference at one seed.
        df: its degrees of freedom.
        excess: the pair's own variance over what the study predicts for it; 1 if that is right.
        chance: the probability of so great an excess in a pair that varies as the study predicts.
    """

    variance: float
    df: float
    excess: float
    chance: float


def moderated(differences: Sequence[Difference], configs: int) -> list[Moderated | None]:
    """Return the variance of each pair of a family; None for one with fewer than two seeds.

    With own variance s2 over nu = seeds - 1 degrees of freedom and predicted variance f2, a pair
    has (nu s2 + d c f2) / (nu + d) with nu + d degrees of freedom: the moderated variance of Smyth
    ("Linear models and empirical Bayes methods", 2004, doi:10.2202/1544-6115.1027), with a prior
    mean of its own for each pair. c is the excess of the study over what was predicted, never below
    1: the median over pairs of s2 / f2, each by the median of chi2(nu) / nu (of an even number of
    pairs the upper one of the two in the middle). d is 6 o / (o + 3) where there are o other
    configs to learn c from: with two configs alone there is none, and what is left is Student's t.
    A pair whose s2 is beyond the upper 10 % of F(nu, 4 d) times c f2 has s2 alone.

    These numbers are the ones that keep the level in all simulated studies and find most; ADR 42
    has them, and what lost.

    Where there is one number for each run, f2 is the same for all pairs, as in Smyth's own way, c
    may be below 1, and d is 4 o / (o + 3).

    Args:
        differences: of the pairs.
        configs: how many configs the family is about.
    """
    tested = [d for d in differences if d.n > 1]
    if not tested:
        return [None for _ in differences]
    sampled = any(d.predicted > 0 for d in tested)
    rows = zip(
        *moderate(
            np.array([d.own for d in tested]),
            np.array([d.predicted if sampled else 1.0 for d in tested]),
            np.array([d.n - 1.0 for d in tested]),
            configs,
            sampled=sampled,
        ),
        strict=True,
    )
    return [Moderated(*map(float, next(rows))) if d.n > 1 else None for d in differences]


def moderate(
    own: Array, predicted: Array, df: Array, configs: int, *, sampled: bool = True
) -> tuple[Array, Array, Array, Array]:
    """Return variance, degrees of freedom, excess and chance of pairs; see `moderated`.

    Args:
        own: variances of the pairs of a family, float64 [..., pairs].
        predicted: what single samples predict for them, likewise.
        df: degrees of freedom of `own`, likewise.
        configs: how many configs the family is about.
        sampled: whether single samples predict something; else runs are one number each.
    """
    # The median of chi2(nu) / nu: what s2 / f2 is in half of all pairs.
    median = 2 * special.gammaincinv(df / 2, 0.5) / df
    # Of a pair of the same nets nothing varies, and it teaches nothing: those sort to the end.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sort(np.where(predicted > 0, own / predicted / median, np.nan), axis=-1)
    known = np.count_nonzero(predicted > 0, axis=-1, keepdims=True)
    middle = np.minimum(known // 2, ratios.shape[-1] - 1)
    excess = np.maximum(1.0 if sampled else 0.0, np.take_along_axis(ratios, middle, axis=-1))
    others = max(configs - 2, 0)
    prior_df = (PRIOR_DF if sampled else PRIOR_DF_OF_RUNS) * others / (others + HALF)
    if not prior_df:
        with np.errstate(divide="ignore", invalid="ignore"):
            over = np.where(predicted > 0, own / predicted, 1.0)
        return own, df + 0 * own, over, special.chdtrc(df, df * over)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(excess * predicted > 0, own / (excess * predicted), 1.0)
    chance = special.fdtrc(df, 4 * prior_df, over)
    weight = np.where(chance < GUARD, 0.0, prior_df)
    return (
        (df * own + weight * excess * predicted) / (df + weight),
        df + weight,
        over,
        chance,
    )
