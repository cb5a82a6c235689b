"""Seeds until decided: verdicts that may be looked at after a few seeds, and again after more."""

from collections.abc import Sequence
from dataclasses import dataclass

from .scores import Results, Scores, read_scores
from .verdicts import ALPHA, MARGIN, Pair, check_reference, judge

# How many seeds there are at each look.
LOOKS = (3, 5, 8, 12, 20, 30)
"""After how many seeds a study of ``seeds="auto"`` looks whether it is decided.

Example:
    >>> LOOKS
    (3, 5, 8, 12, 20, 30)
"""
# Of the alpha that is left, at each look but the last.
SPENT = 0.4


def spent(alpha: float, looks: int) -> list[float]:
    """Return the part of alpha that each look may spend: two fifths of what is left, the last all.

    The parts add up to alpha, so whatever looks have to do with each other, all together keep the
    level (Bonferroni). The first gets most: where seeds are few, a small alpha costs most.

    Example:
        >>> [round(part, 3) for part in spent(0.05, 3)]
        [0.02, 0.012, 0.018]
    """
    parts: list[float] = []
    for look in range(looks):
        left = alpha - sum(parts)
        parts.append(left if look == looks - 1 else SPENT * left)
    return parts


@dataclass(frozen=True)
class Looked:
    """What is said after as many looks as the results have seeds for.

    Attributes:
        pairs: each config against the reference; one that is decided is as it was at its look.
        seeds: how many seeds the configs that are still open have, at most, in the last look that
            was taken; 0 before the first.
        open: the configs that are undecided.
    """

    pairs: list[Pair]
    seeds: int
    open: tuple[str, ...]


def sequential(
    results: Results,
    reference: str,
    *,
    seeds: Sequence[int] = (),
    looks: Sequence[int] = LOOKS,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    higher_is_better: bool = True,
    shares: bool = True,
    missing: Sequence[tuple[str, int]] = (),
) -> Looked:
    """Compare each config with a reference at several looks; one that is decided needs no more.

    At each look the verdicts are those of `against` at the part of alpha that is spent there, over
    all configs and the first so many seeds; intervals are wider accordingly, and hold however
    often one looks (repeated confidence intervals: Jennison and Turnbull, J. R. Stat. Soc. B 51,
    1989). What was decided stays so. It depends on the results alone: looks are taken anew each
    time, as far as there are seeds for them.

    Args:
        results: see `against`.
        reference: likewise.
        seeds: in the order in which they are run; left out: rising.
        looks: how many seeds there are at each.
        margin: see `against`.
        alpha: likewise, for all looks together.
        higher_is_better: likewise.
        shares: likewise.
        missing: configs and seeds that were run and have no result: they are not waited for.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> def runs(share, seeds):
        ...     return {seed: rng.random(10_000) < share for seed in range(seeds)}
        >>> found = sequential({"float": runs(0.98, 3), "1 bit": runs(0.95, 3)}, "float")
        >>> found.pairs[0].verdict, found.seeds, found.open
        ('worse', 3, ())
    """
    scores = read_scores(results, shares=shares)
    check_reference(scores, reference)
    known = {seed for by_seed in scores.runs.values() for seed in by_seed}
    order = [*seeds] or sorted(known | {seed for _, seed in missing})
    absent = {*missing}
    names = [(config, reference) for config in scores.runs if config != reference]
    decided: dict[str, Pair] = {}
    at = {config: 0 for config, _ in names}
    pairs: list[Pair] = []
    reached = 0
    for look, part in zip(looks, spent(alpha, len(looks)), strict=True):
        active = [config for config, _ in names if config not in decided]
        wanted = [(c, seed) for c in (reference, *active) for seed in order[:look]]
        if not active or len(order) < look or not _all_there(scores, wanted, absent):
            break
        at |= dict.fromkeys(active, look)
        reached = look
        shown = {config: frozenset(order[:count]) for config, count in at.items()}
        pairs = judge(
            scores.first(shown | {reference: frozenset(order[:look])}),
            names,
            margin=margin,
            alpha=part,
            higher_is_better=higher_is_better,
            closed={config: pair.verdict for config, pair in decided.items()},
        )
        decided |= {p.config: p for p in pairs if p.config in active and p.decided}
        pairs = [decided.get(pair.config, pair) for pair in pairs]
    if not reached:
        pairs = [
            Pair(config, reference, 0, "undecided", remark=f"fewer seeds than the {looks[0]} that "
                 "the first look takes")
            for config, _ in names
        ]  # fmt: skip # one remark
    open_ = tuple(config for config, _ in names if config not in decided)
    return Looked(pairs, reached, open_)


def _all_there(
    scores: Scores, wanted: Sequence[tuple[str, int]], absent: set[tuple[str, int]]
) -> bool:
    return all(run in absent or run[1] in scores.runs[run[0]] for run in wanted)
