"""Is the float baseline one? A quantized config that beats it says that it may not be."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .diagnosis import Run, explain
from .difference import paired
from .errors import StatisticsError
from .estimate import check_share, estimate
from .holm import holm

__all__ = ["Run", "Suspicion", "suspicion", "untold"]


@dataclass(frozen=True)
class Suspicion:
    """A quantized config that beats the float baseline.

    Attributes:
        config: its name.
        difference: mean accuracy of the config less that of float, 0..1.
        p: that float is as good, corrected for the number of quantized configs.
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
    float_config: Mapping[int, Run],
    quantized: Mapping[str, Mapping[int, Run]],
    *,
    images: int,
    alpha: float = 0.05,
) -> list[Suspicion]:
    """Flag the quantized configs that beat the float baseline beyond its interval.

    A float net can have every value that a quantized one has. If it is worse all the same, it was
    mostly not trained to its end, or fits its training data too closely; in both cases what the
    study says about the cost of quantization is about that, not about bits.

    A config is flagged if its mean is above the upper end of the float config's 1 - alpha interval,
    both over the seeds that they share, and the paired t test over seeds, one-sided, corrected by
    Holm over the quantized configs, has p below alpha. No condition on the size of the difference,
    as a verdict has: a needless warning costs a look at the curves, a missing one the study.

    With one seed nothing is flagged: `untold` says what that leaves open.

    Args:
        float_config: the runs of the float config by seed.
        quantized: those of the others by name and seed; only seeds that float has count.
        images: how many test images there are.
        alpha: probability of one or more flags if no quantized config is better than float.

    Raises:
        StatisticsError: if alpha is not between 0 and 1, or the float config has no run.

    Example:
        >>> def run(accuracy, train_accuracy):
        ...     return Run(accuracy, [0.30, 0.28, 0.26, 0.24], [0.8, 0.9, train_accuracy])
        >>> float_config = {seed: run(0.934 + seed / 1000, 0.935) for seed in range(3)}
        >>> w4 = {seed: run(0.956 + seed / 900, 0.958) for seed in range(3)}
        >>> [flag] = suspicion(float_config, {"W4": w4}, images=10_000)
        >>> flag.reason
        'float is under-trained: it has 93.50 % of its training samples right at the end, W4
        95.80 %; its training loss fell by 7.7 % in the last quarter'
        >>> flag.advice
        'train float longer or with a higher learning rate'
    """
    check_share("suspicion: alpha", alpha)
    if not float_config:
        raise StatisticsError("suspicion: there are no values of the float config")
    accuracies = _accuracies(float_config)
    differences = [
        paired(_accuracies(config), accuracies, 1 / images) for config in quantized.values()
    ]
    found = []
    p_values = holm([difference.p_greater for difference in differences])
    for (name, config), difference, p in zip(quantized.items(), differences, p_values, strict=True):
        shared = [seed for seed in config if seed in float_config]
        if p is None or p >= alpha or difference.mean is None or len(shared) < 2:
            continue
        runs = [config[seed] for seed in shared]
        known = estimate([accuracies[seed] for seed in shared], 1 - alpha, step=1 / images)
        assert known.high is not None
        if np.mean([run.accuracy for run in runs]) > known.high:
            reason, advice = explain([float_config[seed] for seed in shared], name, runs)
            found.append(Suspicion(name, difference.mean, p, reason, advice))
    return found


def _accuracies(config: Mapping[int, Run]) -> dict[int, float]:
    return {seed: run.accuracy for seed, run in config.items()}


def untold(float_config: Mapping[int, Run], quantized: Mapping[str, Mapping[int, Run]]) -> str:
    """Return what one seed leaves open, or ``""``: configs ahead of float that nothing can flag.

    Example:
        >>> untold({0: Run(0.934)}, {"W4": {0: Run(0.956)}, "W1": {0: Run(0.93)}})
        'W4 is ahead of the float baseline by 2.20 points; one seed cannot tell whether that is
        chance: run three or more'
    """
    accuracies = _accuracies(float_config)
    ahead = []
    for name, config in quantized.items():
        difference = paired(_accuracies(config), accuracies, step=0)
        if difference.n == 1 and difference.mean is not None and difference.mean > 0:
            ahead.append(
                f"{name} is ahead of the float baseline by {100 * difference.mean:.2f} points"
            )
    if not ahead:
        return ""
    return f"{', '.join(ahead)}; one seed cannot tell whether that is chance: run three or more"
