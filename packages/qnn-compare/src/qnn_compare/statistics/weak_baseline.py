"""Is the float baseline one? A quantized config that beats it says that it may not be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .diagnosis import Run, explain
from .verdicts import Pair

__all__ = ["Run", "Suspicion", "suspicion", "untold"]


@dataclass(frozen=True)
class Suspicion:
    """A quantized config that beats the float baseline.

    Attributes:
        config: its name.
        difference: mean accuracy of the config less that of float, 0..1.
        p: that float is as good, corrected for the number of configs.
        reason: what the training curves say about the cause.
        advice: what to try.
    """

    config: str
    difference: float
    p: float
    reason: str
    advice: str

    def __str__(self) -> str:
        return (
            f"{self.config} beats the float baseline by {100 * self.difference:.2f} points "
            f"(p = {self.p:.2g}), so the baseline is suspicious: {self.reason}. "
            f"What to try: {self.advice}."
        )


def suspicion(
    pairs: Sequence[Pair],
    float_config: Mapping[int, Run],
    quantized: Mapping[str, Mapping[int, Run]],
    tuned: Mapping[str, bool] | None = None,
) -> list[Suspicion]:
    """Return the quantized configs that are better than the float baseline, and why.

    A float net can have every value that a quantized one has. If it is worse all the same, it was
    mostly not trained to its end, or fits its training data too closely; in both cases what the
    study says about the cost of quantization is about that, not about bits.

    With one seed nothing is better: `untold` says what that leaves open.

    Args:
        pairs: the configs against float; see `qnn_compare.statistics.against`.
        float_config: the runs of the float config by seed.
        quantized: those of the others by name and seed; only seeds that float has count.
        tuned: what of float's recipe was tuned, and whether its best is at the edge of what was
            tried.

    Example:
        >>> def run(accuracy, train_accuracy):
        ...     return Run(accuracy, [0.30, 0.28, 0.26, 0.24], [0.8, 0.9, train_accuracy])
        >>> float_config = {seed: run(0.934 + seed / 1000, 0.935) for seed in range(3)}
        >>> w4 = {seed: run(0.956 + seed / 900, 0.958) for seed in range(3)}
        >>> pair = Pair("W4", "float", 3, "better", difference=0.022, p_holm=0.001)
        >>> [flag] = suspicion([pair], float_config, {"W4": w4})
        >>> flag.reason
        'float is under-trained: it has 93.50 % of its training samples right at the end, W4
        95.80 %; its training loss fell by 7.7 % in the last quarter'
        >>> flag.advice
        'train float longer or with a higher learning rate'
    """
    found = []
    for pair in pairs:
        if pair.verdict != "better" or pair.difference is None or pair.p_holm is None:
            continue
        runs = quantized[pair.config]
        shared = [seed for seed in runs if seed in float_config]
        reason, advice = explain(
            [float_config[seed] for seed in shared], pair.config, [runs[seed] for seed in shared]
        )
        if tuned:
            more, advice = _of_tuning(tuned)
            reason = f"{reason}; {more}"
        found.append(Suspicion(pair.config, pair.difference, pair.p_holm, reason, advice))
    return found


def _of_tuning(tuned: Mapping[str, bool]) -> tuple[str, str]:
    """Return what tuning says of a weak baseline, and what to try.

    Example:
        >>> _of_tuning({"lr": True, "batch_size": False})
        ('its best lr is at the edge of what was tried', 'a wider range of lr, for all configs')
    """
    edges = " and ".join(name for name, edge in tuned.items() if edge)
    if edges:
        verb = "are" if " and " in edges else "is"
        told = f"its best {edges} {verb} at the edge of what was tried"
        return told, f"a wider range of {edges}, for all configs"
    names = " and ".join(tuned)
    return (
        f"it was tuned by {names}, with its best inside of the range",
        "more epochs for all configs, or other parts of the recipe, tuned too",
    )


def untold(float_config: Mapping[int, Run], quantized: Mapping[str, Mapping[int, Run]]) -> str:
    """Return what one seed leaves open, or ``""``: configs ahead of float that nothing can flag.

    Example:
        >>> untold({0: Run(0.934)}, {"W4": {0: Run(0.956)}, "W1": {0: Run(0.93)}})
        'W4 is ahead of the float baseline by 2.20 points; one seed cannot tell whether that is
        chance: run three or more'
    """
    ahead = []
    for name, config in quantized.items():
        shared = [seed for seed in config if seed in float_config]
        more = [config[seed].accuracy - float_config[seed].accuracy for seed in shared]
        if len(more) == 1 and more[0] > 0:
            ahead.append(
                f"{name} is ahead of the float baseline by {100 * np.mean(more):.2f} points"
            )
    if not ahead:
        return ""
    return f"{', '.join(ahead)}; one seed cannot tell whether that is chance: run three or more"
