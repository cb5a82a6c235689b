"""Fair tuning: every config gets the same budget, on samples that no test sees.

A config that was tuned is compared with others that were not in most papers, and wins for that
reason alone (Dodge et al., "Show your work", EMNLP 2019, arXiv:1909.03004). Here all are tried with
the same values, each is trained on a part of the training data and judged by what was held back,
and the test data stay unseen until every recipe is settled.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from qnn_core.errors import CompareError, nearest

from .arguments import listed, number, short, whole
from .configs import Config, described, one_line
from .data import Given, Pair, load
from .division import divided
from .fingerprint import name_of
from .recipe import Recipe

if TYPE_CHECKING:
    from ..comparison import Comparison

FOLDER = "tuning"  # in a store
# The first seed of tuning: none that a number of seeds means.
FIRST_SEED = 10**6
SHARE = 0.1
# What is done after training is what some configs are, and others have no such thing.
FIELDS = tuple(field.name for field in fields(Recipe) if field.name != "post_training")
OPTIONS = ("seeds", "validation")


@dataclass(frozen=True)
class Search:
    """Which recipes each config is tried with, and on what they are judged.

    Attributes:
        values: by field of the recipe, what is tried; all combinations are.
        seeds: how many nets each one trains.
        validation: the share of the training data that is held back, 0..1; or data of its own.
    """

    values: Mapping[str, Sequence[Any]]
    seeds: int = 1
    validation: Any = SHARE

    def recipes(self) -> list[dict[str, Any]]:
        """Return the changes of the recipe that are tried."""
        return [
            dict(zip(self.values, values, strict=True)) for values in product(*self.values.values())
        ]

    def candidates(self, config: Config) -> dict[str, Config]:
        """Return a config with each recipe, by a name that tells them apart.

        One that trains nothing is what it is.
        """
        if trains_nothing(config):
            return {config.name: config}
        found = {}
        for recipe in self.recipes():
            told = ", ".join(f"{name} {_told(value)}" for name, value in recipe.items())
            name = f"{config.name} ({told})"
            found[name] = config.changed(name=name, recipe=recipe)
        return found

    def check_same(self, there: "Tuning | None", configs: Sequence[Config], store: Any) -> None:
        """Raise a CompareError if a store has runs whose recipes were chosen from others.

        They might be chosen anew, and two nets of one name would be in one study.
        """
        if there is None:
            return
        ours = [{name: _plain(v) for name, v in recipe.items()} for recipe in self.recipes()]
        for config in configs:
            tried = [one.recipe for one in there.of(config.name)]
            if tried and tried != ours:
                raise CompareError(
                    f"compare: tune: the recipe of {config.name} in store {store} was chosen from "
                    f"{_in_words(tried)}, and not from {_in_words(ours)}: take another store"
                )

    def data(self, given: Given) -> Given:
        """Return training data without what is held back, and that in the place of the test data.

        What a function returns is divided where it is called, in the same way each time.
        """
        divided = Divided(given, self.validation)
        return divided if callable(given) else divided()


def search_of(given: Mapping[str, Any], recipe: Recipe) -> Search:
    """Return what ``tune={"lr": [0.001, 0.003], "seeds": 2, "validation": 0.1}`` means, checked.

    Raises:
        CompareError: if it is no such search.

    Example:
        >>> search = search_of({"lr": [0.1, 0.2], "batch_size": [50, 100]}, Recipe(epochs=1))
        >>> search.recipes()[:2]
        [{'lr': 0.1, 'batch_size': 50}, {'lr': 0.1, 'batch_size': 100}]
    """
    if not isinstance(given, Mapping):
        raise CompareError(
            f'compare: tune must be values by field, such as {{"lr": [0.001, 0.003]}}, got '
            f"{short(given)}"
        )
    values: dict[str, list[Any]] = {}
    for name, asked in given.items():
        if name in OPTIONS:
            continue
        if name not in FIELDS:
            known = (*FIELDS, *OPTIONS)
            raise CompareError(
                f"compare: tune: {name!r} is no field of a recipe{nearest(str(name), known)} "
                f"(fields: {', '.join(FIELDS)})"
            )
        tried = listed(asked)
        if not isinstance(tried, list | tuple) or not tried:
            raise CompareError(
                f"compare: tune: {name} must be a list of values, got {short(tried)}"
            )
        values[name] = [getattr(recipe.changed({name: value}), name) for value in tried]
        if any(values[name].index(value) < n for n, value in enumerate(values[name])):
            raise CompareError(f"compare: tune: {name}={short(tried)} holds one twice")
    if prod(map(len, values.values())) < 2:
        raise CompareError("compare: tune has nothing to choose from: give a field two values")
    search = Search(values, given.get("seeds", 1), given.get("validation", SHARE))
    if (whole(search.seeds) or 0) < 1:
        raise CompareError(
            f"compare: tune: seeds must be a whole number >= 1, got {short(search.seeds)}"
        )
    search = replace(search, seeds=int(search.seeds))
    if len(search.candidates(Config())) < len(search.recipes()):
        raise CompareError(
            "compare: tune: two values have one name, as functions of one factory do, or numbers "
            "that agree in six digits: nobody could tell them apart"
        )
    share = number(search.validation)
    if share is not None and not 0 < share < 1:
        raise CompareError(
            f"compare: tune: validation must be a share between 0 and 1, or data of its own, got "
            f"{short(search.validation)}"
        )
    return search


class Divided:
    """Training data in two parts: what nets are trained on, and what they are judged by."""

    def __init__(self, given: Given, validation: Any) -> None:
        self.given, self.validation = given, validation

    def __call__(self) -> Pair:
        """Return both."""
        data = load(self.given)
        share = number(self.validation)
        if share is None:
            return data.train, self.validation
        return divided(data, share)


@dataclass(frozen=True)
class Tried:
    """A config with one recipe, on what was held back.

    Attributes:
        config: its name.
        recipe: what was changed: numbers and texts.
        accuracy: mean over the seeds of tuning, 0..1; None if a run failed.
        seconds: of all its runs.
        chosen: whether the config is compared with it.
    """

    config: str
    recipe: Mapping[str, Any]
    accuracy: float | None
    seconds: float
    chosen: bool


@dataclass(frozen=True)
class Tuning:
    """What was tried before a study, what it cost, and what was chosen.

    Numbers do not depend on it: what was chosen is in the recipes of the configs.

    Attributes:
        seeds: of each recipe of each config.
        samples: how many were held back.
        tried: each recipe of each config.
    """

    seeds: int
    samples: int
    tried: tuple[Tried, ...]

    def of(self, config: str) -> list[Tried]:
        """Return what was tried of a config."""
        return [tried for tried in self.tried if tried.config == config]

    def chosen(self, config: str) -> Mapping[str, Any]:
        """Return what was chosen for a config; nothing if it was not tuned, or all runs failed."""
        return next((tried.recipe for tried in self.of(config) if tried.chosen), {})

    def values(self, config: str) -> dict[str, list[Any]]:
        """Return by field what a config was tried with, each value once."""
        found: dict[str, list[Any]] = {}
        for tried in self.of(config):
            for name, value in tried.recipe.items():
                if value not in (values := found.setdefault(name, [])):
                    values.append(value)
        return found

    def edges(self, config: str) -> dict[str, Any]:
        """Return the chosen numbers that are the least or the greatest of those tried.

        What is better may lie beyond. Of two values each is at an edge.
        """
        chosen = self.chosen(config)
        return {
            name: chosen[name]
            for name, values in self.values(config).items()
            if name in chosen
            and len(values) > 1
            and all(number(value) is not None for value in values)
            and chosen[name] in (min(values), max(values))
        }

    def joined(self, other: "Tuning | None") -> "Tuning":
        """Return what both tried; of a config that both have, what the other did."""
        if other is None:
            return self
        theirs = {tried.config for tried in other.tried}
        ours = tuple(tried for tried in self.tried if tried.config not in theirs)
        return Tuning(other.seeds, other.samples, ours + other.tried)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        tried = [vars(one) | {"recipe": dict(one.recipe)} for one in self.tried]
        return {"seeds": self.seeds, "samples": self.samples, "tried": tried}

    @classmethod
    def from_json(cls, content: Any) -> "Tuning":
        """Undo `to_json`.

        Raises:
            KeyError, TypeError: if it is none.
        """
        tried = tuple(Tried(**one) for one in content["tried"])
        numbers: list[float | None] = [whole(content["seeds"]), whole(content["samples"])]
        numbers += [number(0.0 if t.accuracy is None else t.accuracy) for t in tried]
        numbers += [number(t.seconds) for t in tried]
        right = None not in numbers and all(
            isinstance(t.config, str) and isinstance(t.recipe, dict) and isinstance(t.chosen, bool)
            for t in tried
        )
        if not right:
            raise TypeError(f"tuning is {short(content)}")
        return cls(content["seeds"], content["samples"], tried)


def trains_nothing(config: Config) -> bool:
    """Whether a config only quantizes what it begins with: there is nothing to choose."""
    return config.recipe.get("epochs") == 0


def choose(search: Search, config: Config, tried: "Comparison") -> tuple[Config, list[Tried]]:
    """Return a config with the recipe that did best on what was held back, and all that did.

    Of recipes with the same accuracy the one with the least loss counts, then the first. Where all
    failed, the config stays as it was, and the report says so.

    Args:
        search: what was tried.
        config: as it was given.
        tried: the comparison of its candidates, on what was held back.
    """
    if trains_nothing(config):
        return config, []
    candidates = search.candidates(config)
    sign = 1 if tried.metric.higher_is_better else -1
    merits = {}
    for name in candidates:
        done = tried.done(name)
        if done and len(done) == search.seeds:
            merits[name] = (
                sign * float(np.mean([result.accuracy for result in done])),
                -float(np.mean([result.loss for result in done])),
            )
    best = max(merits, key=lambda name: merits[name], default=None)
    found = [
        Tried(
            config.name,
            {key: _plain(value) for key, value in recipe.items()},
            sign * merits[name][0] if name in merits else None,
            sum(result.seconds for result in tried.of(name)),
            name == best,
        )
        for (name, recipe) in zip(candidates, search.recipes(), strict=True)
    ]
    if best is None:
        return config, found
    return config.changed(recipe=candidates[best].recipe), found


def _plain(value: Any) -> Any:
    """Return a value as a report shows it: of a function, its name."""
    return value if isinstance(value, str) or number(value) is not None else _told(value)


def _in_words(recipes: Sequence[Mapping[str, Any]]) -> str:
    values: dict[str, list[str]] = {}
    for recipe in recipes:
        for name, value in recipe.items():
            if (told := _told(value)) not in (known := values.setdefault(name, [])):
                known.append(told)
    return "; ".join(f"{name} {', '.join(told)}" for name, told in values.items())


def _told(value: Any) -> str:
    if (plain := number(value)) is not None:
        return f"{plain:g}"
    if isinstance(value, str):
        return one_line(value)
    if (name := getattr(value, "__qualname__", None)) is not None:
        return str(name)
    # Objects that are called have no name of their own: what they are made of tells them apart.
    parts = json.dumps(described(value, "tune")).encode()
    digest = hashlib.blake2b(parts, digest_size=3).hexdigest()
    return f"{name_of(value).rpartition('.')[2]} {digest}"
