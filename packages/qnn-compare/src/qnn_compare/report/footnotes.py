"""Footnotes of a table: configs and runs that were left out, failed or are missing; verdicts."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qnn_core.analysis.as_builder import ModelBuilder
from qnn_core.analysis.skipped import by_reason

from ..experiment.result import Result
from ..experiment.tuning import Tried
from ..formatting import NUMBER, counted, merged, seconds, without_numbers
from ..statistics import Pair

if TYPE_CHECKING:
    from ..comparison import Comparison

T = TypeVar("T")
THOUSANDS = re.compile(r"(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)")
# As `fingerprint` tells what `as_builder` returns.
OF_A_NET = f"{ModelBuilder.__module__}.{ModelBuilder.__qualname__}"


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


def warned(comparison: "Comparison") -> list[Footnote]:
    """Return what training warned of, by config; what differs in numbers alone is said once."""
    found: list[Footnote] = []
    for config in comparison.configs:
        by_text: dict[str, list[str]] = {}
        for result in comparison.done(config):
            for text in result.warnings:
                by_text.setdefault(without_numbers(text), []).append(text)
        done = len(comparison.done(config))
        for texts in by_text.values():
            share = "" if len(texts) >= done else f" ({len(texts)} of {counted(done, 'seed')})"
            found.append(Footnote(config.name + share, texts[0]))
    return found


def unpacked(comparison: "Comparison") -> list[Footnote]:
    """Return the configs whose models cannot be packed and why."""
    if not comparison.plan.configuration:
        return []  # nothing else is to be expected of what was trained elsewhere
    reasons = {
        config.name: result.unpacked
        for config in comparison.configs
        for result in comparison.done(config)
        if result.unpacked
    }
    groups = _grouped(reasons, lambda name: without_numbers(reasons[name]))
    return [Footnote(_names(group), merged([reasons[name] for name in group])) for group in groups]


def without_c(comparison: "Comparison") -> list[Footnote]:
    """Return the configs that have no form in C and why, where that was asked for."""
    reasons = {
        config.name: result.no_c
        for config in comparison.configs
        for result in comparison.done(config)
        if result.no_c
    }
    groups = _grouped(reasons, lambda name: without_numbers(reasons[name]))
    return [Footnote(_names(group), merged([reasons[name] for name in group])) for group in groups]


def skipped(comparison: "Comparison") -> list[Footnote]:
    """Return which layers of which configs were left float and why, those alike together."""
    told = {
        config.name: found
        for config in comparison.configs
        if (found := {p: r for done in comparison.done(config) for p, r in done.skipped.items()})
    }
    groups = _grouped(told, lambda name: str(told[name]))
    quantized = sum(not config.is_float for config in comparison.configs) if groups else 0
    return [
        Footnote(
            "in each quantized config" if 1 < len(group) == quantized else ", ".join(group),
            "; ".join(f"{paths} ({why})" for paths, why in by_reason(told[group[0]])),
        )
        for group in groups
    ]


def from_scratch(comparison: "Comparison") -> list[Footnote]:
    """Return the configs that are built like a given net and do not begin with its weights."""
    build = comparison.plan.configuration.get("build")
    if not isinstance(build, Mapping) or build.get("is") != OF_A_NET:
        return []
    names = [config.name for config in comparison.configs if config.start is None]
    if not names:
        return []
    return [
        Footnote(
            "each config" if len(names) == len(comparison.configs) else ", ".join(names),
            "weights of the net that as_builder was given are not used; Config(..., start=net) "
            "begins with them",
        )
    ]


def missing(comparison: "Comparison") -> list[Footnote]:
    """Return the configs that have runs which were not run yet."""
    not_run = {
        config.name: [
            seed
            for seed in comparison.planned(config)
            if (config.name, seed) not in comparison.results
        ]
        for config in comparison.configs
    }
    groups = _grouped([name for name in not_run if not_run[name]], lambda name: str(not_run[name]))
    return [
        Footnote(", ".join(group), f"{_seeds(not_run[group[0]])} not run yet") for group in groups
    ]


def tuned(comparison: "Comparison") -> list[Footnote]:
    """Return what recipes were chosen from, at what cost, and where to look further."""
    tuning = comparison.plan.tuning
    if tuning is None or not tuning.tried:
        return []
    grids = _grouped(
        dict.fromkeys(one.config for one in tuning.tried), lambda name: str(tuning.values(name))
    )
    found = []
    for names in grids:
        values = tuning.values(names[0])
        told = "; ".join(f"{name} of {_values(tried)}" for name, tried in values.items())
        runs = sum(len(tuning.of(name)) for name in names) * tuning.seeds
        cost = sum(one.seconds for name in names for one in tuning.of(name))
        whose = "each config alike" if len(grids) == 1 else ", ".join(names)
        found.append(
            Footnote(
                "tuned",
                f"{told}, for {whose}, by the {comparison.metric.name} on {tuning.samples:,} "
                "samples that are "
                f"neither trained on nor tested ({counted(tuning.seeds, 'seed')}; "
                f"{counted(runs, 'run')}, "
                f"{seconds(cost)} of training)",
            )
        )
    for names in _grouped(
        dict.fromkeys(one.config for one in tuning.tried),
        lambda name: str([one.recipe for one in tuning.of(name) if one.accuracy is None]),
    ):
        failed = [chosen(one.recipe) for one in tuning.of(names[0]) if one.accuracy is None]
        if failed:
            told = f"{' and '.join(failed)} did not train"
            if not tuning.chosen(names[0]):
                told += ", and nothing was chosen: the recipe is that of the study"
            found.append(Footnote(f"failed in tuning, {', '.join(names)}", told))
    edges = {
        config.name: edge for config in comparison.configs if (edge := tuning.edges(config.name))
    }
    for names in _grouped(edges, lambda name: str(edges[name])):
        found.append(
            Footnote(
                f"at the edge of what was tried, {', '.join(names)}",
                f"{chosen(edges[names[0]])}: what is better may lie beyond",
            )
        )
    return found


def _values(values: Iterable[Any]) -> str:
    return ", ".join(value if isinstance(value, str) else f"{value:g}" for value in values)


def tried(comparison: "Comparison") -> list[Footnote]:
    """Return what each recipe that was tried gave on what was held back, by config."""
    tuning = comparison.plan.tuning
    if tuning is None:
        return []

    def told(one: Tried) -> str:
        mark = " (chosen)" if one.chosen else ""
        return f"{chosen(one.recipe)}: {comparison.metric.value(one.accuracy)}{mark}"

    names = dict.fromkeys(one.config for one in tuning.tried)
    return [Footnote(name, "; ".join(map(told, tuning.of(name)))) for name in names]


def chosen(recipe: Mapping[str, Any]) -> str:
    """Return what was chosen of a recipe: "lr 0.001, batch_size 50"."""
    return ", ".join(f"{name} {_values([value])}" for name, value in recipe.items())


def undecided(comparison: "Comparison") -> list[Footnote]:
    """Return what would decide the configs that are undecided."""
    told = [
        (pair.config, "; ".join(part for part in (pair.remark, _needs(pair)) if part))
        for pair in comparison.against()
        if not pair.decided
    ]
    groups = _grouped(told, lambda entry: THOUSANDS.sub("#", entry[1]))
    return [
        Footnote(", ".join(name for name, _ in group), _merged([text for _, text in group]))
        for group in groups
    ]


def _needs(pair: Pair) -> str:
    return f"{pair.needs} would decide it, if what was seen so far goes on" if pair.needs else ""


def _merged(texts: Sequence[str]) -> str:
    """Return what is said of several configs, in one text where that can be read."""
    return texts[0] if len({*texts}) == 1 else merged(texts) if len(texts) < 4 else _ranges(texts)


def _ranges(texts: Sequence[str]) -> str:
    """Return one text for many that differ in numbers only, with the least and the greatest.

    Example:
        >>> _ranges(["about 8 seeds", "about 1,200 seeds", "about 30 seeds"])
        'about 8 to 1,200 seeds'
    """
    columns = zip(*(THOUSANDS.split(text) for text in texts), strict=True)
    found = []
    for column in columns:
        parts = list(dict.fromkeys(column))
        if len(parts) > 1:
            parts = sorted(parts, key=lambda part: float(part.replace(",", "")))
            parts = [f"{parts[0]} to {parts[-1]}"]
        found += parts
    return "".join(found)


def unstable(comparison: "Comparison") -> list[Footnote]:
    """Return the configs whose trainings go wrong here and there, and how far seeds are apart."""
    found = []
    for pair in comparison.against():
        if not pair.unstable:
            continue
        values = [result.accuracy for result in comparison.done(pair.config)]
        metric, some = comparison.metric, 2 * len(pair.unstable_seeds) <= pair.n
        told = f"from {metric.value(min(values))} to {metric.value(max(values))} by seed"
        if some:
            told += (
                f"; {_seeds(pair.unstable_seeds)} stand{'s' * (len(pair.unstable_seeds) == 1)} out"
            )
        found.append(Footnote(pair.config, told))
    return found


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
