"""Many tests at once."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p values corrected for being many; None, no test, stays None and does not count.

    If each is called significant below alpha, the probability of one or more false alarms among
    them is at most alpha, whatever the tests have to do with each other (Holm, "A simple
    sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979).

    The same as statsmodels' ``multipletests(..., method="holm")``, whose import takes seconds in
    every process.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]
    """
    tested = [p for p in p_values if p is not None]
    if len(tested) < 2:
        return list(p_values)
    order = np.argsort(tested)
    steps = np.asarray(tested)[order] * np.arange(len(tested), 0, -1)
    corrected = np.empty(len(tested))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    found = iter(corrected.tolist())
    return [None if p is None else next(found) for p in p_values]
