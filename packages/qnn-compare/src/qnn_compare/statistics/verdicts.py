"""Verdicts: what may be said of the difference of two configs, and for which question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import special

from .errors import StatisticsError
from .estimate import check_share
from .holm import holm
from .needs import Needs, needs
from .scores import Results, Scores, read_scores
from .variance import Difference, Moderated, difference, moderated

Verdict = Literal["better", "worse", "equivalent", "undecided"]
"""What is said of a pair.

Example:
    >>> from typing import get_args
    >>> get_args(Verdict)
    ('better', 'worse', 'equivalent', 'undecided')
"""

OPPOSITE: dict[Verdict, Verdict] = {
    "better": "worse",
    "worse": "better",
    "equivalent": "equivalent",
    "undecided": "undecided",
}
REJECTED = ("better", "worse")
MARGIN = 0.005
"""What is too small to matter unless another margin is named: half a point of accuracy.

Example:
    >>> MARGIN
    0.005
"""
ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """A config against a reference, over the seeds that both have.

    Differences are in the unit of the metric, config - reference. What is not known is None.

    Attributes:
        config, reference: names.
        n: seeds that both have.
        verdict: "better" or "worse" if the difference is significant, else "equivalent" if its
            interval lies within the margin, else "undecided".
        within_margin: whether the interval lies within the margin; a difference may be significant
            and still be that small.
        unstable: whether the difference varies more from seed to seed than errors on single samples
            explain, and more than that of others: single trainings go wrong.
        unstable_seeds: the seeds that stand out, if it is unstable.
        difference: mean difference.
        low, high: its interval, of this pair alone: other seeds, the same test samples.
        low_new, high_new: likewise for other seeds and other test samples.
        holds_for_new: whether the verdict holds for other test samples too.
        p: two-sided moderated t test of this pair alone: other seeds, the same test samples.
        p_holm: the same, by Holm's correction over the family.
        needs: what would decide it, if it is undecided.
        remark: what else a reader must know, or ``""``.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> def runs(share):
        ...     return {seed: rng.random(10_000) < share for seed in range(3)}
        >>> (pair,) = against({"float": runs(0.98), "1 bit": runs(0.95)}, "float")
        >>> pair.verdict, pair.low < pair.difference < pair.high, pair.holds_for_new
        ('worse', True, True)
    """

    config: str
    reference: str
    n: int
    verdict: Verdict
    within_margin: bool = False
    unstable: bool = False
    unstable_seeds: tuple[int, ...] = ()
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    low_new: float | None = None
    high_new: float | None = None
    holds_for_new: bool = False
    p: float | None = None
    p_holm: float | None = None
    needs: Needs | None = None
    remark: str = ""

    @property
    def decided(self) -> bool:
        """Whether the verdict is any but "undecided"."""
        return self.verdict != "undecided"

    def turned(self) -> "Pair":
        """Return the reference against the config.

        Example:
            >>> pair = Pair("a", "b", 5, "better", difference=0.01, low=0.008, high=0.012)
            >>> other = pair.turned()
            >>> other.config, other.difference, other.low, other.high, other.verdict
            ('b', -0.01, -0.012, -0.008, 'worse')
        """
        return replace(
            self,
            config=self.reference,
            reference=self.config,
            verdict=OPPOSITE[self.verdict],
            difference=_negated(self.difference),
            low=_negated(self.high),
            high=_negated(self.low),
            low_new=_negated(self.high_new),
            high_new=_negated(self.low_new),
        )


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def against(
    results: Results,
    reference: str,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    higher_is_better: bool = True,
    shares: bool = True,
) -> list[Pair]:
    """Compare each config with a reference: which of them lost something against it?

    Configs are paired by seed and by test sample. The test is a t test over the seeds with a
    moderated variance (see `qnn_compare.statistics.variance`), corrected by Holm over the configs.
    Significant differences are "better" or "worse". Else, if the 1 - alpha interval lies within
    the margin, the config is "equivalent" (Schuirmann's two one-sided tests, J. Pharmacokinet.
    Biopharm. 15, 1987, each at alpha / 2, so that what the interval shows and what is said agree).
    What is left is "undecided", with what would decide it.

    Args:
        results: ``{config: {seed: right}}``, `right` bool [samples]: which test samples were right;
            or any score of each sample, float [samples], whose mean is the metric; or one number
            for each run, which leaves the seeds alone to learn from.
        reference: name of a config.
        margin: what is too small to matter, in the unit of the metric, named beforehand.
        alpha: probability of one or more false "better" or "worse" in a study without differences.
        higher_is_better: False for errors and losses.
        shares: whether scores are shares from 0 to 1; False for other metrics.

    Returns:
        A pair for each other config, in their order.

    Raises:
        StatisticsError: if results have another form (see `read_scores`), there is no such
            reference, the margin is not above zero, or alpha not between 0 and 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> hard = rng.random(10_000) ** 20  # probability of being wrong, by sample
        >>> def runs(lost):
        ...     return {seed: rng.random(10_000) >= hard + lost for seed in range(5)}
        >>> results = {"float": runs(0), "4 bits": runs(0), "1 bit": runs(0.01)}
        >>> for pair in against(results, "float"):
        ...     print(pair.config, pair.verdict)
        4 bits equivalent
        1 bit worse
    """
    scores = read_scores(results, shares=shares)
    check_reference(scores, reference)
    return judge(
        scores,
        [(config, reference) for config in scores.runs if config != reference],
        margin=margin,
        alpha=alpha,
        higher_is_better=higher_is_better,
    )


def all_pairs(
    results: Results,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    higher_is_better: bool = True,
    shares: bool = True,
) -> list[Pair]:
    """Compare every config with every other one: a family of its own, with its own correction.

    Arguments and errors are those of `against`. Each pair is once in the result, the first config
    against the second, the first against the third, and so on.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> def runs(share):
        ...     return {seed: rng.random(10_000) < share for seed in range(3)}
        >>> results = {"float": runs(0.98), "2 bits": runs(0.95), "1 bit": runs(0.9)}
        >>> [(pair.config, pair.verdict, pair.reference) for pair in all_pairs(results)]
        [('float', 'better', '2 bits'), ('float', 'better', '1 bit'), ('2 bits', 'better', '1 bit')]
    """
    scores = read_scores(results, shares=shares)
    return judge(
        scores,
        [*combinations(scores.runs, 2)],
        margin=margin,
        alpha=alpha,
        higher_is_better=higher_is_better,
    )


def check_reference(scores: Scores, reference: str) -> None:
    """Raise a StatisticsError if there is no such config."""
    if reference not in scores.runs:
        raise StatisticsError(
            f"there is no config {reference!r} to compare with; there are {', '.join(scores.runs)}"
        )


def judge(
    scores: Scores,
    names: Sequence[tuple[str, str]],
    *,
    margin: float,
    alpha: float,
    higher_is_better: bool,
    closed: Mapping[str, Verdict] | None = None,
) -> list[Pair]:
    """Return a pair for each pair of names; see `against`.

    Args:
        scores: of at least these configs.
        names: config and reference of each pair: the family.
        margin: see `against`.
        alpha: likewise.
        higher_is_better: likewise.
        closed: configs whose pairs were decided before, and how: those found better or worse leave
            the family, as in Holm's procedure; what is said of them here means nothing.
    """
    check_share("alpha", alpha)
    if not (isinstance(margin, int | float) and 0 < margin < math.inf):
        raise StatisticsError(f"margin must be a number above 0, got {margin!r}")
    differences = [_difference(scores, *pair) for pair in names]
    variances = moderated(differences, len({name for pair in names for name in pair}))
    tested = [*zip(differences, variances, strict=True)]
    status = [(closed or {}).get(config) for config, _ in names]
    p_values, p_new = (
        holm(
            [
                None if s in REJECTED else 1.0 if s else _p(d, v, new=new)
                for (d, v), s in zip(tested, status, strict=True)
            ]
        )
        for new in (False, scores.samples > 0)
    )
    tests = max(1, sum(p is not None for p in p_values))
    sign = 1 if higher_is_better else -1
    pairs = []
    for (config, reference), (d, v), p_holm, new in zip(
        names, tested, p_values, p_new, strict=True
    ):
        if v is None or p_holm is None or new is None:
            pairs.append(_untested(config, reference, d))
            continue
        low, high = _interval(d, v, alpha)
        within = -margin < low and high < margin
        verdict: Verdict = "equivalent" if within else "undecided"
        if p_holm < alpha:
            verdict = "better" if sign * d.mean > 0 else "worse"
        unstable = v.chance < alpha / tests and scores.samples > 0
        pair = Pair(
            config,
            reference,
            d.n,
            verdict,
            within_margin=within,
            unstable=unstable,
            unstable_seeds=_standing_out(scores, config, reference, d, v) if unstable else (),
            difference=d.mean,
            low=low,
            high=high,
            p=_p(d, v),
            p_holm=p_holm,
        )
        if scores.samples:
            pair = _for_new(pair, d, v, new, margin=margin, alpha=alpha)
        if verdict == "undecided":
            pair = replace(
                pair,
                needs=None
                if d.own <= 0
                else needs(
                    d.mean,
                    v.variance,
                    v.df,
                    d.n,
                    alpha=alpha,
                    level=alpha / tests,
                    margin=margin,
                    predicted=0.0 if unstable else d.predicted,
                    samples=scores.samples,
                ),
                remark=_remark(pair, d, alpha, len(names)),
            )
        pairs.append(pair)
    return pairs


def _difference(scores: Scores, config: str, reference: str) -> Difference:
    first, second = scores.runs[config], scores.runs[reference]
    seeds = sorted({*first} & {*second})
    delta = np.array([first[seed] - second[seed] for seed in seeds])
    return difference(
        delta.reshape(len(seeds), max(scores.samples, 1)),
        whole=scores.whole,
        numbers=scores.samples == 0,
    )


def _untested(config: str, reference: str, d: Difference) -> Pair:
    if not d.n:
        return Pair(config, reference, 0, "undecided", remark="no seed in common")
    remark = "one seed in common: it takes two or more to see what training varies by"
    return Pair(config, reference, 1, "undecided", difference=d.mean, remark=remark)


def _squared_error(d: Difference, v: Moderated, *, new: bool) -> tuple[float, float]:
    """Return the variance of the mean difference and its degrees of freedom.

    Over other seeds and other samples it has crossed random effects, as in studies of many readers
    and many cases: the mean over seeds varies from sample to sample by what is the sample's own
    and by what chance adds, predicted / n. Satterthwaite's degrees of freedom: the part of the
    samples has so many that it counts as known.
    """
    error = v.variance / d.n
    if not new:
        return error, v.df
    both = max(error, error + d.between - d.predicted / d.n)
    return both, (v.df * (both / error) ** 2 if error > 0 else v.df)


def _p(d: Difference, v: Moderated | None, *, new: bool = False) -> float | None:
    if v is None:
        return None
    if v.variance <= 0:  # all seeds the same to the last digit: what training varies by is unknown
        return 1.0
    # Satterthwaite's degrees of freedom can outweigh a small part of the samples.
    errors = [_squared_error(d, v, new=either) for either in {False, new}]
    return max(
        float(2 * special.stdtr(df, -abs(d.mean) / math.sqrt(squared))) for squared, df in errors
    )


def _interval(
    d: Difference, v: Moderated, alpha: float, *, new: bool = False
) -> tuple[float, float]:
    errors = [_squared_error(d, v, new=either) for either in {False, new}]
    half = max(
        -float(special.stdtrit(df, alpha / 2)) * math.sqrt(squared) for squared, df in errors
    )
    return d.mean - half, d.mean + half


def _for_new(
    pair: Pair, d: Difference, v: Moderated, p_new: float, *, margin: float, alpha: float
) -> Pair:
    """Return the pair with what holds for other test samples too."""
    low, high = _interval(d, v, alpha, new=True)
    holds = p_new < alpha
    if pair.verdict == "equivalent":
        holds = -margin < low and high < margin
    return replace(pair, low_new=low, high_new=high, holds_for_new=pair.decided and holds)


def _standing_out(
    scores: Scores, config: str, reference: str, d: Difference, v: Moderated
) -> tuple[int, ...]:
    """Return the seeds that are far from the median by what a stable training varies by."""
    seeds = sorted({*scores.runs[config]} & {*scores.runs[reference]})
    far = np.abs(d.by_seed - np.median(d.by_seed))
    stable = math.sqrt(d.own / v.excess) if v.excess > 0 else 0.0
    found = tuple(seed for seed, by in zip(seeds, far, strict=True) if by > 3 * stable)
    return found or (seeds[int(np.argmax(far))],)


def _remark(pair: Pair, d: Difference, alpha: float, pairs: int) -> str:
    if d.own <= 0:
        return "all seeds have the same difference, so nothing shows what training varies by"
    if pair.p is not None and pair.p < alpha:
        return f"significant alone (p = {pair.p:.2g}), but not among {pairs} comparisons"
    return ""
