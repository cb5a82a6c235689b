"""A comparison in words: what is best, what cannot be told apart, and what to do next."""

from typing import TYPE_CHECKING

from ..experiment.configs import Config
from ..experiment.result import PASSING
from ..formatting import counted, listed, percent, points, whole, within

NEAR = 0.01  # of accuracy

if TYPE_CHECKING:
    from ..comparison import Comparison


def size(comparison: "Comparison") -> str:
    """Return how large a study is: "17 configs, 5 seeds, 2,000 test samples"."""
    told = [counted(len(comparison.configs), "config"), counted(len(comparison.seeds), "seed")]
    if comparison.images:
        told.append(counted(comparison.images, "test sample"))
    return ", ".join(told)


def summary(comparison: "Comparison") -> list[str]:
    """Return what came out, in a few sentences; what is wrong with it is said by `warnings`."""
    if not comparison.pareto:
        return ["No run has been trained to its end yet."]
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
            "Nothing can be told apart: that takes two configs, and two seeds or more, which show "
            "what training varies by."
        )
    if found >= 1:
        return "No difference could have been found: so few seeds are too few for so many pairs."
    return (
        f"The smallest difference that this study could have found: {points(found)} "
        "(four of five studies like it find one of that size; the median over pairs of configs)."
    )


def warnings(comparison: "Comparison") -> list[str]:
    """Return what a reader must know before believing a number."""
    told = []
    if not comparison.complete:
        runs = len(comparison.configs) * len(comparison.seeds)
        told.append(f"INCOMPLETE: {len(comparison.results)} of {counted(runs, 'run')}.")
    if failures := len(comparison.failures):
        told.append(f"{counted(failures, 'run')} failed; the reasons are listed.")
    for config in comparison.configs:
        done, run = len(comparison.done(config)), len(comparison.of(config))
        if 0 < done < run:
            told.append(
                f"{config.name}: {counted(run - done, 'seed')} of {run} failed; what is said of it "
                "is about the others alone."
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
            "Ask for all configs and seeds in one call with the same store: it trains the missing."
        )
    failures = {result.failure for result in comparison.failures}
    if failures & {*PASSING}:
        told.append(
            "Runs that were killed, or lacked something where they ran (environment), are tried "
            "again by the same call"
            + ("; fewer processes at a time need less memory." if "killed" in failures else ".")
        )
    if failures - {*PASSING}:
        told.append(
            "Other runs that failed would fail again, and are not tried again unless code or "
            "recipe change, which is another study, or by the same call with retry=True (qnn "
            "compare --retry)."
        )
    if any(result.failure == "diverged" for result in comparison.failures):
        told.append("Against divergence: a lower learning rate, for all configs.")
    if comparison.float_config is None:
        told.append(
            "Add 32 to the bits: without a float config the cost of quantization is unknown."
        )
    if len(comparison.seeds) == 1:
        told.append("Run three seeds or more, in the same store: one shows no spread.")
    elif comparison.complete and "not distinguishable" in comparison.verdicts.values():
        told.append(
            "To tell apart what is not distinguishable: more seeds, in the same store; four times "
            "as many halve the difference that can be found, or better."
        )
    return told


def _best(comparison: "Comparison") -> str:
    configs = [config for config in comparison.configs if comparison.done(config)]
    whole = [config for config in configs if not comparison.partial(config)]
    if not whole:
        return "No config has all seeds, so none has the highest mean accuracy."
    best = max(whole, key=lambda config: _mean(comparison, config))
    known = comparison.accuracy(best)
    assert known is not None
    told = (
        f"{best.name} has the highest mean accuracy, {within(known.mean, known.low, known.high)} %"
    )
    if len(whole) < len(configs):
        told += f", of the {counted(len(whole), 'config')} with all seeds"
    ahead = [
        f"{config.name} is ahead of it by {points(difference)} over the "
        f"{counted(len(both), 'seed')} that both have"
        for config in configs
        if config not in whole
        and (both := comparison.common(config, best))
        and (difference := comparison.mean(config, both) - comparison.mean(best, both)) > 0
    ]
    told = "; ".join([told, *ahead])
    equal = _with_verdict(comparison, best, "not distinguishable")
    if len(configs) == 1 or comparison.resolution is None:
        return f"{told}."
    if equal:
        return f"{told}; not distinguishable from it: {listed(equal)}."
    better = _with_verdict(comparison, best, "worse")
    if better:
        return f"{told}; better than it: {listed(better)}."
    return f"{told}, and is better than every other config."


def _beside_float(comparison: "Comparison") -> list[str]:
    reference = comparison.float_config
    if reference is None or comparison.resolution is None or not comparison.done(reference):
        return []
    equal, ahead, behind = (
        _with_verdict(comparison, reference, verdict)
        for verdict in ("not distinguishable", "worse", "better")
    )
    found = {"worse": behind, "better": ahead, "not distinguishable": equal}
    # Each with the noun, so that all are sentences of their own.
    told = [
        f"{counted(len(configs), 'config')} {'is' if len(configs) == 1 else 'are'} {verdict}"
        for verdict, configs in found.items()
        if configs
    ]
    if not told:
        return []
    sentences = [f"Beside float, {listed(told)}."]
    near = _near(comparison, reference)
    if near:
        sentences.append(_smallest(comparison, reference, near))
    return sentences


def _near(comparison: "Comparison", reference: Config) -> list[Config]:
    """Return the configs that are not more than a point below float, by their intervals."""
    below = {pair.second: pair.high for pair in comparison.pairs if pair.first == reference.name}
    bounds = {config: below.get(config.name) for config in comparison.configs}
    return [config for config, bound in bounds.items() if bound is not None and bound <= NEAR]


def _smallest(comparison: "Comparison", reference: Config, configs: list[Config]) -> str:
    """Name the smallest of the configs that are near float."""
    # Of equal sizes the one that is less below float, over the seeds that it shares with it.
    below = {p.second: p.difference for p in comparison.pairs if p.first == reference.name}
    least = min(
        configs, key=lambda config: (comparison.nbytes(config) or 0, below.get(config.name) or 0.0)
    )
    nbytes, of_float = comparison.nbytes(least), comparison.nbytes(reference)
    share = f", {percent(nbytes / of_float, 1)} % of float" if nbytes and of_float else ""
    return (
        f"The smallest config within a point of float, by its 95 % interval, is {least.name}: "
        f"{whole(nbytes)} bytes{share}."
    )


def _with_verdict(comparison: "Comparison", config: Config, verdict: str) -> list[str]:
    """Return the names of the configs against which a config has this verdict."""
    return [
        other.name
        for other in comparison.configs
        if comparison.verdicts.get((config.name, other.name)) == verdict
    ]


def _mean(comparison: "Comparison", config: Config) -> float:
    found = comparison.accuracy(config)
    return float("-inf") if found is None else found.mean
