"""Every pair of configs: how far apart, how sure, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .check import check
from .difference import Difference, paired
from .errors import StatisticsError
from .estimate import check_share
from .holm import holm
from .images import image_test, majority

Rights = Mapping[int, NDArray[np.bool_]]  # by seed
Verdict = Literal["better", "worse", "not distinguishable"]

OPPOSITE: dict[Verdict, Verdict] = {
    "better": "worse",
    "worse": "better",
    "not distinguishable": "not distinguishable",
}


@dataclass(frozen=True)
class Pair:
    """Two configs beside each other, over the seeds that both have.

    Two p values, since there are two questions. `p` and `p_holm` say whether training this way and
    that way differs on these test images, whatever the seed. `p_images` says whether the nets that
    were trained here would differ on other images; it knows nothing of other seeds, and is not
    corrected for the number of pairs. The verdict goes by `p_holm`.

    Differences are shares, 0..1. What cannot be computed is None.

    Attributes:
        first, second: names of the configs.
        n: seeds that both have.
        difference: mean accuracy of first less that of second.
        low, high: its t interval, at 1 - alpha, not corrected for the number of pairs.
        p: paired t test over the seeds, two-sided.
        p_holm: the same, by Holm's correction over all pairs of the study.
        p_images: McNemar's test on the test images, combined over seeds.
        detectable: the true difference that this spread and this number of seeds and pairs would
            have found in four of five studies.
        verdict: of first against second.
        reason: why a verdict is "not distinguishable" if p_holm is not what says so, or ``""``.
    """

    first: str
    second: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_images: float | None
    detectable: float | None
    verdict: Verdict
    reason: str


def pairs(
    accuracies: Mapping[str, Mapping[int, float]],
    correct: Mapping[str, Rights],
    *,
    alpha: float = 0.05,
    against: str | None = None,
) -> list[Pair]:
    """Compare every pair of configs, or each config with one of them.

    The first config is better, or worse, if `p_holm` is below alpha and the difference is at least
    `detectable`. The second condition asks for a difference that is 1.2 to 1.4 times as large as
    the first alone, and costs about as much power as one seed gives (measured in ADR 24). It is
    there for two reasons. A verdict never claims what the study could not be expected to find, so
    that one number, `resolution`, says what it is good for. And a difference that is significant in
    a study that was too small for it is mostly an exaggerated one (Gelman and Carlin, Perspectives
    on Psychological Science 9, 2014).

    Each pair has a spread of its own, over its own differences: configs of few bits may vary a
    hundred times as much as others, so nothing is pooled. With few seeds and many configs that
    takes large differences; `detectable` says how large.

    Args:
        accuracies: share of right images, 0..1, by config and seed.
        correct: bool [images], which images were right, for the same configs and seeds.
        alpha: probability of one or more false verdicts in a study without differences.
        against: compare only this config with each other one. That is a family of fewer tests, with
            a finer resolution; which of the two is asked should be settled before anything is seen.

    Returns:
        The pairs in the order of the configs, first with second, first with third, and so on.

    Raises:
        StatisticsError: if alpha is not between 0 and 1, there is no config `against`, an accuracy
            is not the share of `correct`, or `correct` is not bool, lacks a config or a seed, holds
            no images, or other numbers of them for two configs.

    Example:
        >>> right = np.arange(1000)
        >>> correct = {
        ...     "float": {0: right < 984, 1: right < 983, 2: right < 985},
        ...     "4 bits": {0: right < 983, 1: right < 984, 2: right < 984},
        ...     "1 bit": {0: right < 934, 1: right < 932, 2: right < 936},
        ... }
        >>> accuracies = {
        ...     config: {seed: float(c.mean()) for seed, c in seeds.items()}
        ...     for config, seeds in correct.items()
        ... }
        >>> for pair in pairs(accuracies, correct):
        ...     print(f"{pair.first}, {pair.second}: {pair.difference:.4f} {pair.verdict}")
        float, 4 bits: 0.0003 not distinguishable
        float, 1 bit: 0.0500 better
        4 bits, 1 bit: 0.0497 better
    """
    check_share("pairs: alpha", alpha)
    check(accuracies, correct)
    if against is not None and against not in accuracies:
        raise StatisticsError(
            f"pairs: against {against!r}: the configs are {', '.join(accuracies)}"
        )
    right = {
        config: {seed: correct[config][seed] for seed in accuracies[config]}
        for config in accuracies
    }
    configs = list(combinations(accuracies, 2))
    if against is not None:
        configs = [(against, other) for other in accuracies if other != against]
    differences = [paired(accuracies[a], accuracies[b], _step(right[a])) for a, b in configs]
    corrected = holm([difference.p for difference in differences])
    # Holm's first step, the hardest.
    tests = sum(p is not None for p in corrected)
    level = alpha / max(1, tests)
    found = []
    for (first, second), difference, p_holm in zip(configs, differences, corrected, strict=True):
        low, high = difference.interval(1 - alpha)
        detectable = difference.detectable(level)
        significant = None if p_holm is None else p_holm < alpha
        verdict, reason = _verdict(difference, significant, detectable)
        if significant is False and (difference.p or 0) < alpha:
            told = f"significant alone (p = {difference.p:.2g}), but not among {tests} pairs"
            reason = f"{told}: more seeds may tell"
        found.append(
            Pair(
                first=first,
                second=second,
                n=difference.n,
                difference=difference.mean,
                low=low,
                high=high,
                p=difference.p,
                p_holm=p_holm,
                p_images=_p_images(right[first], right[second]),
                detectable=detectable,
                verdict=verdict,
                reason=reason,
            )
        )
    return found


def resolution(found: Sequence[Pair]) -> float | None:
    """Return the smallest difference that a study could have found: the median over its pairs.

    None if no pair has two seeds.

    Example:
        >>> from dataclasses import replace
        >>> one = Pair("a", "b", 5, 0.01, 0.008, 0.012, 1e-4, 1e-4, 1e-9, 0.004, "better", "")
        >>> resolution([one, replace(one, detectable=0.006)])
        0.005
    """
    detectable = [pair.detectable for pair in found if pair.detectable is not None]
    return median(detectable) if detectable else None


def verdict_matrix(found: Sequence[Pair]) -> dict[tuple[str, str], Verdict]:
    """Return the verdict of each config against each other one, in both orders.

    Example:
        >>> pair = Pair("a", "b", 5, 0.01, 0.008, 0.012, 1e-4, 1e-4, 1e-9, 0.004, "better", "")
        >>> verdict_matrix([pair])
        {('a', 'b'): 'better', ('b', 'a'): 'worse'}
    """
    matrix = {}
    for pair in found:
        matrix[pair.first, pair.second] = pair.verdict
        matrix[pair.second, pair.first] = OPPOSITE[pair.verdict]
    return matrix


def _verdict(
    difference: Difference, significant: bool | None, detectable: float | None
) -> tuple[Verdict, str]:
    """Return the verdict, and why it is none if the test is not what says so."""
    if difference.mean is None:
        return "not distinguishable", "no seed in common"
    if significant is None or detectable is None:
        return "not distinguishable", "one seed in common: two or more show what training varies by"
    if not significant:
        return "not distinguishable", ""
    if abs(difference.mean) < detectable:
        return "not distinguishable", (
            f"significant, but below the {100 * detectable:.2f} points that a study of this size "
            "can be expected to find: more seeds may tell"
        )
    return ("better" if difference.mean > 0 else "worse"), ""


def _p_images(first: Rights, second: Rights) -> float | None:
    """Return p of McNemar's test, over the seeds that both configs have; None without one."""
    tests = [image_test(first[seed], second[seed]) for seed in first if seed in second]
    return majority(tests) if tests else None


def _step(rights: Rights) -> float:
    """Return the share of one image; of the smallest test set, if seeds have different ones."""
    return max((1 / right.size for right in rights.values()), default=0.0)
