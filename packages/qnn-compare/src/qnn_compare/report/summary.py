"""A comparison in words: what is best, what cannot be told apart, and what to do next."""

from typing import TYPE_CHECKING

from ..experiment.configs import Arm
from ..experiment.result import PASSING
from ..formatting import counted, listed, percent, points, whole, within

NEAR = 0.01  # of accuracy

if TYPE_CHECKING:
    from ..comparison import Comparison


def size(comparison: "Comparison") -> str:
    """Return how large a study is: "17 arms, 5 seeds, 2,000 test samples"."""
    told = [counted(len(comparison.arms), "arm"), counted(len(comparison.seeds), "seed")]
    if comparison.images:
        told.append(counted(comparison.images, "test sample"))
    return ", ".join(told)


def summary(comparison: "Comparison") -> list[str]:
    """Return what came out, in a few sentences; what is wrong with it is said by `warnings`."""
    if not comparison.pareto:
        return ["No cell has been trained to its end yet."]
    return [
        _best(comparison),
        *_beside_float(comparison),
        resolution(comparison),
    ]


def resolution(comparison: "Comparison") -> str:
    """Return what the study is good for."""
    found = comparison.resolution
    if found is None:
        return (
            "Nothing can be told apart: that takes two arms, and two seeds or more, which show "
            "what training varies by."
        )
    if found >= 1:
        return "No difference could have been found: so few seeds are too few for so many pairs."
    return (
        f"The smallest difference that this study could have found: {points(found)} "
        "(four of five studies like it find one of that size; the median over its pairs of arms)."
    )


def warnings(comparison: "Comparison") -> list[str]:
    """Return what a reader must know before believing a number."""
    told = []
    if not comparison.complete:
        cells = len(comparison.arms) * len(comparison.seeds)
        told.append(f"INCOMPLETE: {len(comparison.results)} of {counted(cells, 'cell')}.")
    if failures := len(comparison.failures):
        told.append(f"{counted(failures, 'cell')} failed; the reasons are listed.")
    for arm in comparison.arms:
        done, run = len(comparison.done(arm)), len(comparison.of(arm))
        if 0 < done < run:
            told.append(
                f"{arm.name}: {counted(run - done, 'seed')} of {run} failed; what is said of it is "
                "about the others alone."
            )
    if comparison.unsealed:
        told.append(
            f"{counted(comparison.unsealed, 'result')} of an older version "
            f"{'has' if comparison.unsealed == 1 else 'have'} no checksum: damage to the files "
            "would not be seen."
        )
    told += [f"{suspicion}" for suspicion in comparison.suspicions]
    if comparison.untold:
        told.append(f"{comparison.untold}.")
    return told


def what_to_do(comparison: "Comparison") -> list[str]:
    """Return what would complete the study, or sharpen it."""
    told = []
    if not comparison.complete:
        told.append(
            "Ask for all arms and seeds in one call with the same store: it trains what is missing."
        )
    failures = {result.failure for result in comparison.failures}
    if failures & {*PASSING}:
        told.append(
            "Cells that were killed, or lacked something where they ran (environment), are tried "
            "again by the same call"
            + ("; fewer processes at a time need less memory." if "killed" in failures else ".")
        )
    if failures - {*PASSING}:
        told.append(
            "Other cells that failed would fail again, and are not tried again unless code or "
            "recipe change, which is another study, or by the same call with retry=True (qnn "
            "compare --retry)."
        )
    if any(result.failure == "diverged" for result in comparison.failures):
        told.append("Against divergence: a lower learning rate, for all arms.")
    if comparison.float_arm is None:
        told.append("Add 32 to the bits: without a float arm the cost of quantization is unknown.")
    if len(comparison.seeds) == 1:
        told.append("Run three seeds or more, in the same store: one shows no spread.")
    elif comparison.complete and "not distinguishable" in comparison.verdicts.values():
        told.append(
            "To tell apart what is not distinguishable: more seeds, in the same store; four times "
            "as many halve the difference that can be found, or better."
        )
    return told


def _best(comparison: "Comparison") -> str:
    arms = [arm for arm in comparison.arms if comparison.done(arm)]
    whole = [arm for arm in arms if not comparison.partial(arm)]
    if not whole:
        return "No arm has all seeds, so none has the highest mean accuracy."
    best = max(whole, key=lambda arm: _mean(comparison, arm))
    known = comparison.accuracy(best)
    assert known is not None
    told = (
        f"{best.name} has the highest mean accuracy, {within(known.mean, known.low, known.high)} %"
    )
    if len(whole) < len(arms):
        told += f", of the {counted(len(whole), 'arm')} with all seeds"
    ahead = [
        f"{arm.name} is ahead of it by {points(difference)} over the {counted(len(both), 'seed')} "
        "that both have"
        for arm in arms
        if arm not in whole
        and (both := comparison.common(arm, best))
        and (difference := comparison.mean(arm, both) - comparison.mean(best, both)) > 0
    ]
    told = "; ".join([told, *ahead])
    equal = _with_verdict(comparison, best, "not distinguishable")
    if len(arms) == 1 or comparison.resolution is None:
        return f"{told}."
    if equal:
        return f"{told}; not distinguishable from it: {listed(equal)}."
    better = _with_verdict(comparison, best, "worse")
    if better:
        return f"{told}; better than it: {listed(better)}."
    return f"{told}, and is better than every other arm."


def _beside_float(comparison: "Comparison") -> list[str]:
    reference = comparison.float_arm
    if reference is None or comparison.resolution is None or not comparison.done(reference):
        return []
    equal, ahead, behind = (
        _with_verdict(comparison, reference, verdict)
        for verdict in ("not distinguishable", "worse", "better")
    )
    found = {"worse": behind, "better": ahead, "not distinguishable": equal}
    # Each with the noun, so that all are sentences of their own.
    told = [
        f"{counted(len(arms), 'arm')} {'is' if len(arms) == 1 else 'are'} {verdict}"
        for verdict, arms in found.items()
        if arms
    ]
    if not told:
        return []
    sentences = [f"Beside float, {listed(told)}."]
    near = _near(comparison, reference)
    if near:
        sentences.append(_smallest(comparison, reference, near))
    return sentences


def _near(comparison: "Comparison", reference: Arm) -> list[Arm]:
    """Return the arms that are not more than a point below float, by their intervals."""
    below = {pair.second: pair.high for pair in comparison.pairs if pair.first == reference.name}
    bounds = {arm: below.get(arm.name) for arm in comparison.arms}
    return [arm for arm, bound in bounds.items() if bound is not None and bound <= NEAR]


def _smallest(comparison: "Comparison", reference: Arm, arms: list[Arm]) -> str:
    """Name the smallest of the arms that are near float."""
    # Of equal sizes the one that is less below float, over the seeds that it shares with it.
    below = {p.second: p.difference for p in comparison.pairs if p.first == reference.name}
    least = min(arms, key=lambda arm: (comparison.nbytes(arm) or 0, below.get(arm.name) or 0.0))
    nbytes, of_float = comparison.nbytes(least), comparison.nbytes(reference)
    share = f", {percent(nbytes / of_float, 1)} % of float" if nbytes and of_float else ""
    return (
        f"The smallest arm within a point of float, by its 95 % interval, is {least.name}: "
        f"{whole(nbytes)} bytes{share}."
    )


def _with_verdict(comparison: "Comparison", arm: Arm, verdict: str) -> list[str]:
    """Return the names of the arms against which an arm has this verdict."""
    return [
        other.name
        for other in comparison.arms
        if comparison.verdicts.get((arm.name, other.name)) == verdict
    ]


def _mean(comparison: "Comparison", arm: Arm) -> float:
    found = comparison.accuracy(arm)
    return float("-inf") if found is None else found.mean
