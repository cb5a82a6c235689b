"""Footnotes of a table: configs and runs that were left out, failed or are missing; verdicts."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..experiment.result import Result
from ..formatting import NUMBER, merged, without_numbers
from .rows import rows_of

if TYPE_CHECKING:
    from ..comparison import Comparison

T = TypeVar("T")


class Footnote(NamedTuple):
    """Something that is said of configs.

    Attributes:
        subject: names of the configs.
        text: what is said.
    """

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


def left_out(comparison: "Comparison") -> list[Footnote]:
    """Return the combinations without a meaning, those with one reason together."""
    groups = _grouped(
        comparison.plan.left_out,
        lambda out: (without_numbers(out.config), without_numbers(out.reason)),
    )
    return [
        Footnote(_names([out.config for out in group]), merged([out.reason for out in group]))
        for group in groups
    ]


def failed(comparison: "Comparison") -> list[Footnote]:
    """Return the runs that failed and why, those of one config with one reason together."""
    groups = _grouped(
        comparison.failures,
        lambda result: (result.config, result.failure, without_numbers(result.reason)),
    )
    return [_failure(group) for group in groups]


def unpacked(comparison: "Comparison") -> list[Footnote]:
    """Return the configs whose models cannot be packed and why."""
    reasons = {
        config.name: result.unpacked
        for config in comparison.configs
        for result in comparison.done(config)
        if result.unpacked
    }
    groups = _grouped(reasons, lambda name: without_numbers(reasons[name]))
    return [Footnote(_names(group), merged([reasons[name] for name in group])) for group in groups]


def missing(comparison: "Comparison") -> list[Footnote]:
    """Return the configs that have runs which were not run yet."""
    not_run = {
        config.name: [
            seed for seed in comparison.seeds if (config.name, seed) not in comparison.results
        ]
        for config in comparison.configs
    }
    groups = _grouped([name for name in not_run if not_run[name]], lambda name: str(not_run[name]))
    return [
        Footnote(", ".join(group), f"{_seeds(not_run[group[0]])} not run yet") for group in groups
    ]


def undecided(comparison: "Comparison") -> list[Footnote]:
    """Return why configs are not distinguishable from float where the test does not say it."""
    told = [(row.config.name, row.against.reason) for row in rows_of(comparison) if row.against]
    groups = _grouped(
        [entry for entry in told if entry[1]], lambda entry: without_numbers(entry[1])
    )
    return [
        Footnote(", ".join(name for name, _ in group), merged([reason for _, reason in group]))
        for group in groups
    ]


def _failure(group: Sequence[Result]) -> Footnote:
    where = f"{group[0].config}, {_seeds([result.seed for result in group])}"
    return Footnote(where, f"{group[0].failure}: {merged([result.reason for result in group])}")


def _grouped(items: Iterable[T], key: Callable[[T], object]) -> list[list[T]]:
    groups: dict[object, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return [*groups.values()]


def _names(names: Sequence[str]) -> str:
    """Return names that differ in numbers only; in short, unless that could mean others too."""
    columns = zip(*(NUMBER.split(name) for name in names), strict=True)
    varying = sum(len({*column}) > 1 for column in columns)
    return merged(names) if varying <= 1 else ", ".join(names)


def _seeds(seeds: Sequence[int]) -> str:
    """Return seeds in words.

    Example:
        >>> _seeds([3]), _seeds([0, 2]), _seeds([0, 1, 2, 3])
        ('seed 3', 'seeds 0, 2', 'seeds 0 to 3')
    """
    if len(seeds) > 2 and all(b == a + 1 for a, b in pairwise(seeds)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
