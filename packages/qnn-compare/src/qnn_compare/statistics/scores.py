"""What was measured, checked: for each config and seed a score of each sample, or one number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import StatisticsError

Array = NDArray[np.float64]
# By config and seed: bool or float [samples], or one number.
Results = Mapping[str, Mapping[int, Any]]


@dataclass(frozen=True)
class Scores:
    """The results of a study in one form.

    Attributes:
        runs: by config and seed: float64 [samples]; [1] where there is one number for a run.
        samples: how many test samples there are; 0 if there is one number for each run.
        whole: whether each sample is right or wrong, so that means are multiples of 1 / samples.
    """

    runs: Mapping[str, Mapping[int, Array]]
    samples: int
    whole: bool

    def first(self, seeds: Mapping[str, frozenset[int]]) -> "Scores":
        """Return the scores of some seeds of each config."""
        runs = {
            config: {seed: run for seed, run in by_seed.items() if seed in seeds[config]}
            for config, by_seed in self.runs.items()
        }
        return Scores(runs, self.samples, self.whole)


def read_scores(results: Results, *, shares: bool = True) -> Scores:
    """Return results in one form.

    Args:
        results: ``{config: {seed: right}}``: which test samples were right, bool [samples], or any
            score of each sample whose mean is the metric, float [samples]; or one number for each
            run.
        shares: whether scores are shares from 0 to 1, as accuracies are; others are refused.

    Raises:
        StatisticsError: if they have another form, differ in their number of samples, or hold what
            is not finite or no share.

    Example:
        >>> read_scores({"float": {0: np.array([True, False]), 1: np.array([True, True])}}).samples
        2
        >>> read_scores({"float": {0: 98.4}})
        Traceback (most recent call last):
            ...
        qnn_compare.statistics.errors.StatisticsError: results of 'float', seed 0: 98.4 is no share
        from 0 to 1; ...
    """
    if not isinstance(results, Mapping):
        raise StatisticsError(
            f"results must be a mapping {{config: {{seed: right}}}}, got {_kind(results)}"
        )
    runs: dict[str, dict[int, Array]] = {}
    kinds: dict[tuple[int, bool], str] = {}
    for config, by_seed in results.items():
        if not isinstance(by_seed, Mapping):
            raise StatisticsError(
                f"results of {config!r} must be a mapping {{seed: right}}, got {_kind(by_seed)}: "
                "seeds pair the configs"
            )
        runs[config] = {}
        for seed, given in by_seed.items():
            where = f"results of {config!r}, seed {seed}"
            if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
                raise StatisticsError(f"{where}: a seed must be a whole number, got {seed!r}")
            run, kind = _read_run(given, where)
            _check_range(run, where, shares=shares)
            for other, first in kinds.items():
                _check_same(kind, where, other, first)
            kinds.setdefault(kind, where)
            runs[config][int(seed)] = run
    samples, whole = next(iter(kinds), (0, False))
    return Scores(runs, samples, whole)


def _read_run(given: Any, where: str) -> tuple[Array, tuple[int, bool]]:
    """Return the scores of a run, and how many samples there are and whether they are bool."""
    try:
        values = np.asarray(given)
    except ValueError as error:  # lists of different lengths
        raise StatisticsError(f"{where}: {error}") from error
    if values.dtype.kind not in "biuf":
        raise StatisticsError(
            f"{where} must be bool or float [samples], or one number, got {_kind(given)}"
        )
    if values.ndim > 1 or (values.ndim == 1 and values.size == 0):
        raise StatisticsError(
            f"{where} must be [samples], one or more, or one number, got shape {values.shape}"
        )
    whole = values.dtype.kind != "f" and values.ndim == 1
    if whole and not np.isin(values, (0, 1)).all():
        raise StatisticsError(
            f"{where} must say of each sample whether it was right (bool), or score it (float), "
            f"got {values.dtype} up to {values.max()}"
        )
    if values.ndim == 0 and values.dtype.kind == "b":
        raise StatisticsError(f"{where} must be bool [samples], got one bool")
    run = np.atleast_1d(values).astype(np.float64)
    if not np.isfinite(run).all():
        place = int(np.argmin(np.isfinite(run)))
        at = f" for sample {place}" if values.ndim else ""
        raise StatisticsError(f"{where} must be finite, got {run[place]}{at}")
    return run, (values.size if values.ndim else 0, whole)


def _check_range(run: Array, where: str, *, shares: bool) -> None:
    if not shares or (run.min() >= 0 and run.max() <= 1):
        return
    value = float(run.max() if run.max() > 1 else run.min())
    raise StatisticsError(
        f"{where}: {value:.6g} is no share from 0 to 1; divide per cent by 100, or name the metric "
        "if it is no accuracy"
    )


def _check_same(kind: tuple[int, bool], where: str, other: tuple[int, bool], first: str) -> None:
    if kind == other:
        return
    told = [
        "one number" if not samples else f"{samples} {'answers' if whole else 'scores'}"
        for samples, whole in (other, kind)
    ]
    raise StatisticsError(
        f"{first} have {told[0]}, but {where.removeprefix('results of ')} has {told[1]}; configs "
        "are compared on the same test samples"
    )


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
