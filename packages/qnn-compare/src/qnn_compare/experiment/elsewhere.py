"""Results of nets that were trained elsewhere: as a plan and results, and from a CSV file."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qnn_core.errors import CompareError

from ..metric import Metric
from ..statistics.scores import Results, read_scores
from ..statistics.verdicts import check_reference
from .plan import Plan
from .question import Question
from .result import Result
from .spec_bits import FLOAT, FLOAT_BITS

NAMES = ("config", "seed", "sample")
ANSWERS = {"0": False, "1": True, "false": False, "true": True}


@dataclass(frozen=True)
class Named:
    """A config that was trained elsewhere: a name is all that is known of it."""

    name: str
    weight: None = None
    input: None = None
    target: None = None

    def numbers_depend_on(self) -> list[object]:
        """Return nothing: that is known where it was trained."""
        return []

    @property
    def own_name(self) -> str:
        """Its name."""
        return self.name

    @property
    def is_float(self) -> bool:
        """Whether it is called float."""
        return self.name == FLOAT

    @property
    def series(self) -> str:
        """Its name."""
        return self.name

    @property
    def bits(self) -> tuple[int, int]:
        """That is not known; as for float, so that it has no place among widths."""
        return FLOAT_BITS, FLOAT_BITS


def from_elsewhere(
    results: Results, metric: Metric, question: Question
) -> tuple[Plan, dict[tuple[str, int], Result]]:
    """Return the plan and the results of nets that were trained elsewhere.

    Raises:
        StatisticsError: see `read_scores`; and if there is no config, one without a seed, or no
            such reference.
    """
    scores = read_scores(_by_text(results), shares=metric.shares)
    if question.reference is not None:
        check_reference(scores, question.reference)
    empty = [name for name, runs in scores.runs.items() if not runs] if scores.runs else ["results"]
    if empty:
        raise CompareError(f"there is no run of {empty[0]!r}")
    found = {}
    for name, runs in scores.runs.items():
        for seed, run in runs.items():
            found[name, seed] = Result(
                name,
                seed,
                accuracy=float(run.mean()),
                correct=_answers(run, whole=scores.whole) if scores.samples else np.zeros(0, bool),
                unpacked="trained elsewhere",
            )
    seeds = sorted({seed for _, seed in found})
    configs: Any = tuple(Named(name) for name in scores.runs)
    return Plan(configs, tuple(seeds), (), {}, {}, question=question), found


def _by_text(results: Any) -> Any:
    """Return results by names that are text: 4 may be given for "4"."""
    if not isinstance(results, Mapping):
        return results
    named = {str(name): runs for name, runs in results.items()}
    if len(named) < len(results):
        raise CompareError(f"two configs have one name among {', '.join(map(repr, results))}")
    return named


def _answers(run: Any, *, whole: bool) -> Any:
    return run > 0 if whole else run


def read_results(path: Path, metric: str | None = None) -> tuple[dict[str, dict[int, Any]], str]:
    """Return what a CSV file holds, as `Comparison.from_results` takes it, and its metric's name.

    Args:
        path: of the file.
        metric: the column of the metric, where there are others too; None if it is the only one.

    Raises:
        CompareError: if it cannot be read, or lacks what is needed; the message says where.
    """
    try:
        # Spreadsheets may begin a file with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or []
            metric = _metric(path, columns, metric)
            return _collected(path, rows, metric, by_sample="sample" in columns), metric
    except OSError as error:
        raise CompareError(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CompareError(f"{path} is no CSV file: {error}") from error


def _metric(path: Path, columns: Any, asked: str | None) -> str:
    others = [column for column in columns if column not in NAMES]
    missing = [name for name in NAMES[:2] if name not in columns]
    told = f"got {', '.join(columns) or 'none'}"
    if missing or not others or len({*columns}) < len(columns):
        hint = "; values are parted by commas" if len(columns) == 1 and ";" in columns[0] else ""
        raise CompareError(
            f"{path}:1: the columns must be config, seed and a metric such as accuracy (and "
            f"sample, if there is a line for each test sample), {told}{hint}"
        )
    if asked is not None and asked not in others:
        raise CompareError(f"{path}:1: there is no column {asked!r}, {told}")
    if asked is None and len(others) > 1:
        raise CompareError(
            f"{path}:1: which of {', '.join(others)} is the metric? Say metric= (qnn report "
            f"--metric NAME)"
        )
    return others[0] if asked is None else asked


def _collected(path: Path, rows: Any, metric: str, *, by_sample: bool) -> dict[str, dict[int, Any]]:
    """Return the runs of a file; of each sample, in the order of the samples' names."""
    runs: dict[str, dict[int, dict[str, float]]] = {}
    all_answers = by_sample
    for line, row in _lines(path, rows):
        where = f"{path}:{line}"
        seed = row["seed"].strip()
        if not seed.isdecimal():
            raise CompareError(f"{where}: seed must be a whole number, got {row['seed']!r}")
        text = row[metric].strip()
        all_answers = all_answers and text.lower() in ANSWERS
        sample = row["sample"] if by_sample else ""
        samples = runs.setdefault(row["config"], {}).setdefault(int(seed), {})
        if sample in samples:
            told = f", sample {sample}" if by_sample else ""
            raise CompareError(f"{where}: {row['config']}, seed {seed}{told}, is there twice")
        samples[sample] = _number(text, where, metric)
    if not by_sample:
        return {config: {s: run[""] for s, run in by.items()} for config, by in runs.items()}
    _check_samples(path, runs)
    kind = np.bool_ if all_answers else np.float64
    return {
        config: {s: np.array([run[name] for name in sorted(run)], kind) for s, run in by.items()}
        for config, by in runs.items()
    }


def _lines(path: Path, rows: Any) -> Iterator[tuple[int, Mapping[str, str]]]:
    for row in rows:
        if None in row or None in row.values():
            raise CompareError(f"{path}:{rows.line_num}: a value is missing, or one is too many")
        yield rows.line_num, row


def _number(text: str, where: str, metric: str) -> float:
    if text.lower() in ANSWERS:
        return float(ANSWERS[text.lower()])
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CompareError(f"{where}: {metric} must be a number, got {text!r}")
    return value


def _check_samples(path: Path, runs: Mapping[str, Mapping[int, Mapping[str, float]]]) -> None:
    """Refuse runs with other samples than the first: answers are paired by sample."""
    first: tuple[str, set[str]] | None = None
    for config, by_seed in runs.items():
        for seed, samples in by_seed.items():
            where = f"{config}, seed {seed}"
            if first is None:
                first = where, {*samples}
            elif first[1] != {*samples}:
                name = sorted(first[1] ^ {*samples})[0]
                has, lacks = (where, first[0]) if name in samples else (first[0], where)
                raise CompareError(f"{path}: {has} has sample {name!r}, and {lacks} has none")
