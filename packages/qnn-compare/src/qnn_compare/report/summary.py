"""A comparison in words: the answer, what to know before believing it, and what to do next."""

from typing import TYPE_CHECKING

from ..experiment.result import PASSING
from ..formatting import counted, listed
from ..statistics import Pair
from .answer import answer

if TYPE_CHECKING:
    from ..comparison import Comparison

__all__ = ["answer", "matrix_question", "question", "size", "warnings", "what_to_do"]


def size(comparison: "Comparison") -> str:
    """Return how large a study is: "17 configs, 5 seeds, 2,000 test samples"."""
    told = [counted(len(comparison.configs), "config"), counted(len(comparison.seeds), "seed")]
    if comparison.looked is not None:
        most = max(len(comparison.done(config)) for config in comparison.configs)
        told[1] = f"up to {counted(most, 'seed')}"
    if comparison.images:
        told.append(counted(comparison.images, "test sample"))
    return ", ".join(told)


def question(comparison: "Comparison") -> str:
    """Return which question the verdicts of the table answer, in one sentence."""
    metric, margin = comparison.metric, comparison.margin
    unit = "" if not metric.shares else " point" if margin == 0.01 else " points"
    within = f"{metric.factor * margin:g}{unit}"
    tests = len(comparison.configs) - 1
    told = (
        f"Which configs are better or worse than {comparison.reference.name}, whatever the seed, "
        "on these test samples? (moderated paired t tests, 5 % over "
        f"{counted(tests, 'comparison')} by Holm; equivalent: the 95 % interval lies within "
        f"± {within}"
    )
    if comparison.looked is not None:
        told += "; levels are divided over the looks"
    return told + ")"


def matrix_question(comparison: "Comparison") -> str:
    """Return which question the matrix answers, in one sentence."""
    pairs = len(comparison.pairs)
    return (
        "Which of any two configs is better, if no reference was named beforehand? That is another "
        f"question: 5 % over all {counted(pairs, 'pair')}, so a difference must be greater."
    )


def warnings(comparison: "Comparison") -> list[str]:
    """Return what a reader must know before believing a number."""
    told = []
    if not comparison.complete:
        runs = sum(len(comparison.planned(config)) for config in comparison.configs)
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
    here = bool(comparison.plan.configuration)  # not trained elsewhere
    if not comparison.complete:
        told.append(
            "Ask for all configs and seeds in one call with the same store: it trains the missing."
            if here
            else "Add the results that are missing: pairs need the same seeds."
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
    if comparison.float_config is None and comparison.plan.configuration:
        told.append("Add a float config: without one the cost of quantization is unknown.")
    store = ", in the same store" if here else ""
    if len(comparison.seeds) == 1:
        told.append(f"Run three seeds or more{store}: one shows no spread.")
    elif comparison.complete and (left := [p for p in comparison.against() if not p.decided]):
        told.append(_deciding([pair.config for pair in left], left, store))
    return told


def _deciding(names: list[str], left: list[Pair], store: str) -> str:
    """Return what would decide what is undecided, all of it; `store` is where seeds go.

    How many, the footnotes say: of each config, since of many the numbers are far apart.
    """
    seeds = [pair.needs.seeds for pair in left if pair.needs is not None]
    samples = [pair.needs.samples for pair in left if pair.needs is not None]
    what = f"To decide {listed(names)}: "
    ways = []
    if seeds and None not in seeds:
        ways.append(f"more seeds{store}")
    if samples and None not in samples:
        ways.append("more test samples")
    if not ways:
        return what + (f'more seeds{store}, or seeds="auto".' if store else "more seeds.")
    return what + ", or ".join(ways) + "; how many is noted with the verdicts."
