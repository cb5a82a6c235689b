"""Why a float net may be worse than a quantized one: what the training curves say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A loss is not at its end if the last quarter of training takes this share of it away, or this
# share of all that training took away: one that has hardly begun to fall.
FALLING = 0.05
OF_ALL = 0.1

LONGER = "train float longer or with a higher learning rate"
OTHERWISE = (
    "try other learning rates, schedules and optimizers for float; its loss has come to rest, "
    "so more epochs alone will not help"
)
REGULARIZE = (
    "regularize float, as quantization does by its noise: weight decay, dropout, augmentation, "
    "or fewer epochs, chosen on held-out data"
)
ANYTHING = "train float longer, at several learning rates, and regularized, chosen on held-out data"


@dataclass(frozen=True)
class Run:
    """One seed of a config: its accuracy, and its training curves, an entry for each epoch.

    Attributes:
        accuracy: on the test images at the end, 0..1.
        train_loss, train_accuracy, test_accuracy: by epoch; empty if not measured.
    """

    accuracy: float
    train_loss: Sequence[float] = ()
    train_accuracy: Sequence[float] = ()
    test_accuracy: Sequence[float] = ()


def explain(float_runs: Sequence[Run], config: str, runs: Sequence[Run]) -> tuple[str, str]:
    """Return what made float worse than a config, as far as curves tell, and what to try.

    If float fits its training data worse than a net whose values it could have, training did not
    get to where it could. If it fits them as well, and is worse on the test images all the same, it
    overfits.

    Args:
        float_runs: of the float config, one or more.
        config: name of the config that is better on the test images.
        runs: of that config, with the same seeds.

    Example:
        >>> float_runs = [Run(0.98, [0.1, 0.01], [0.97, 0.999], [0.982, 0.98])]
        >>> reason, advice = explain(float_runs, "W2", [Run(0.984, [0.2, 0.1], [0.96, 0.99])])
        >>> reason
        'float overfits: it has 99.90 % of its training samples right at the end (W2 99.00 %) and
        98.00 % of the test images (W2 98.40 %); its test accuracy was best in epoch 1 of 2'
        >>> advice
        'regularize float, as quantization does by its noise: weight decay, ...'
    """
    trained, others = _at_end(float_runs), _at_end(runs)
    fall = _fall(float_runs)
    still = f"its training loss fell by {100 * fall:.1f} % in the last quarter" if fall else ""
    if trained is None or others is None or others <= trained <= _test(float_runs):
        if fall is not None and (fall > FALLING or _of_all(float_runs) > OF_ALL):
            return f"float was still improving: {still}", LONGER
        return "the training curves do not say why", ANYTHING
    if trained < others:
        reason = (
            f"float is under-trained: it has {100 * trained:.2f} % of its training samples right "
            f"at the end, {config} {100 * others:.2f} %"
        )
        if fall is not None and fall <= FALLING and _of_all(float_runs) <= OF_ALL:
            return reason, OTHERWISE
        return reason + (f"; {still}" if still else ""), LONGER
    reason = (
        f"float overfits: it has {100 * trained:.2f} % of its training samples right at the end "
        f"({config} {100 * others:.2f} %) and {100 * _test(float_runs):.2f} % of the test images "
        f"({config} {100 * _test(runs):.2f} %)"
    )
    return reason + _peak(float_runs), REGULARIZE


def _test(runs: Sequence[Run]) -> float:
    return float(np.mean([run.accuracy for run in runs]))


def _at_end(runs: Sequence[Run]) -> float | None:
    """Return the training accuracy of the last epoch, if all runs have one."""
    if not all(len(run.train_accuracy) for run in runs):
        return None
    return float(np.mean([run.train_accuracy[-1] for run in runs]))


def _fall(runs: Sequence[Run]) -> float | None:
    """Return what share of the training loss the last quarter of the epochs took away."""
    falls = []
    for run in runs:
        if len(run.train_loss) < 2 or run.train_loss[-1] <= 0:
            return None
        before = run.train_loss[-1 - max(1, len(run.train_loss) // 4)]
        falls.append(1 - run.train_loss[-1] / before)
    return float(np.mean(falls))


def _of_all(runs: Sequence[Run]) -> float:
    """Return what share of the whole fall of the training loss is that of the last quarter."""
    falls = [
        (run.train_loss[-1 - max(1, len(run.train_loss) // 4)] - run.train_loss[-1])
        / max(run.train_loss[0] - run.train_loss[-1], 1e-12)
        for run in runs
    ]
    return float(np.mean(falls))


def _peak(runs: Sequence[Run]) -> str:
    """Say in which epoch the mean test accuracy was best, if that was before the last one."""
    epochs = min(len(run.test_accuracy) for run in runs)
    if epochs == 0:
        return ""
    best = int(np.argmax(np.mean([run.test_accuracy[:epochs] for run in runs], axis=0))) + 1
    return f"; its test accuracy was best in epoch {best} of {epochs}" if best < epochs else ""
