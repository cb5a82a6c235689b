"""What a comparison is made of, before anything is trained: configs, seeds, and what they share."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qnn_core.errors import CompareError
from qnn_core.registry import parse

from ..metric import Metric
from .arguments import listed, short, whole
from .configs import Config
from .grid import LeftOut
from .initial_weights import UNTOLD, Starts, differ
from .question import Question
from .tuning import FOLDER, Tuning

Configuration = Mapping[str, Any]

# The key of the version of fingerprints, and that version.
FINGERPRINT = "fingerprint"
VERSION = 2
MOST = 10**6  # of seeds
TOLD = 6  # differences, before the rest is only counted


@dataclass(frozen=True)
class Plan:
    """Configs, seeds, and all that numbers depend on.

    Attributes:
        configs: what is compared, float first.
        seeds: of each config.
        left_out: combinations without a meaning.
        configuration: what all runs share: the builder's and our own code, the data, the recipe.
        schemes: the code of each scheme.
        starts: of each seed, digests of the initial weights that its configs have, as far as they
            are known.
        question: what verdicts answer.
        tuning: what the recipes of the configs were chosen from; None if they were not tuned.
    """

    configs: tuple[Config, ...]
    seeds: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    configuration: Configuration
    schemes: Mapping[str, str]
    starts: Mapping[int, Starts] = field(default_factory=dict)
    question: Question = field(default_factory=Question)
    tuning: Tuning | None = None

    def runs(self) -> Iterator[tuple[Config, int]]:
        """Yield configs and seeds, seed by seed: a study that is stopped has whole rounds."""
        yield from ((config, seed) for seed in self.seeds for config in self.configs)

    def key(self, config: Config, seed: int) -> str:
        """Return the name of a run: readable, with a digest of all that its numbers depend on."""
        code = {name: self.schemes[name] for name in (parse(spec)[0] for spec in config.specs)}
        content = [self.configuration, code, *config.numbers_depend_on(), seed]
        if config.needs:  # of what it begins with, or learns from, all that the numbers depend on
            known = {other.name: other for other in self.configs}
            if missing := [name for name in config.needs if name not in known]:
                raise CompareError(f"{config.name} needs {missing[0]}, which is not there")
            content.append([self.key(known[name], seed) for name in config.needs])
        digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8)
        # Of the name only what every file system can hold; `check_names` sees to the rest.
        readable = re.sub(r"[^A-Za-z0-9]+", "-", config.name)[:60].strip("-")
        return f"{readable}_seed{seed}_{digest.hexdigest()}"

    @property
    def metric(self) -> Metric:
        """What configs are compared by."""
        return Metric.of_configuration(self.configuration)

    def check_names(self) -> None:
        """Raise a CompareError if two configs would have one file for their results."""
        found: dict[str, Config] = {}
        for config in self.configs:
            other = found.setdefault(self.key(config, 0), config)
            if other is not config:
                raise CompareError(
                    f"compare: {other.name!r} and {config.name!r} are the same config, by names "
                    "that differ in nothing but signs, or behind their first 60 characters: leave "
                    "one out, or give it another name"
                )

    def joined(self, other: "Plan") -> "Plan":
        """Return the plan of both; the other's question is the newer one.

        Raises:
            CompareError: if what their runs share differs.
        """
        if different := differences(self.described(), other.described()):
            raise CompareError(f"these do not match: {different}")
        self.check_starts(other.starts)
        return replace(
            self,
            configs=both_configs(self.configs, other.configs),
            seeds=tuple(sorted({*self.seeds, *other.seeds})),
            left_out=tuple(dict.fromkeys((*self.left_out, *other.left_out))),
            schemes={**self.schemes, **other.schemes},
            starts=both_starts(self.starts, other.starts),
            question=other.question,
            tuning=self.tuning.joined(other.tuning) if self.tuning else other.tuning,
        )

    def check_starts(self, others: Mapping[int, Starts]) -> None:
        """Raise a CompareError if nets of one seed begin with other weights than these."""
        for seed in sorted({*self.starts} & {*others}):
            if differ(self.starts[seed], others[seed]):
                raise CompareError(
                    f"these do not match: with seed {seed}, build makes other initial weights here "
                    "than there, so that nets of both would be no pairs; something that it imports "
                    "or reads has changed"
                )

    def described(self) -> dict[str, Any]:
        """Return all that numbers depend on, but for config and seed."""
        return {"configuration": self.configuration, "schemes": self.schemes}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        tuning = {} if self.tuning is None else {FOLDER: self.tuning.to_json()}
        return tuning | {
            "configuration": self.configuration,
            "schemes": self.schemes,
            # The first stores call a config an arm.
            "arms": [config.to_json() for config in self.configs],
            "seeds": [*self.seeds],
            "left_out": [out.to_json() for out in self.left_out],
            "starts": {str(seed): dict(starts) for seed, starts in self.starts.items()},
            "question": self.question.to_json(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Plan":
        """Undo `to_json`.

        Raises:
            KeyError, TypeError, ValueError: if it is no plan.
        """
        if not isinstance(content["schemes"], dict):
            raise TypeError(f"schemes are {content['schemes']!r}")
        if not all(isinstance(seed, int) for seed in content["seeds"]):
            raise TypeError(f"seeds are {content['seeds']!r}")
        seeds_of(content["seeds"])
        starts = content.get("starts", {})  # of earlier versions, they are not known
        starts = {seed: {UNTOLD: s} if isinstance(s, str) else s for seed, s in starts.items()}
        if not all(isinstance(digest, str) for s in starts.values() for digest in s.values()):
            raise TypeError(f"starts are {starts!r}")
        return cls(
            configs=tuple(Config.from_json(config) for config in content["arms"]),
            seeds=tuple(content["seeds"]),
            left_out=tuple(LeftOut.from_json(out) for out in content["left_out"]),
            configuration=content["configuration"],
            schemes=content["schemes"],
            starts={int(seed): dict(s) for seed, s in starts.items()},
            question=Question.from_json(content.get("question", {})),
            tuning=Tuning.from_json(content[FOLDER]) if FOLDER in content else None,
        )


def both_starts(ours: Mapping[int, Starts], theirs: Mapping[int, Starts]) -> dict[int, Starts]:
    """Return all digests of initial weights of two plans."""
    seeds = sorted({*ours, *theirs})
    both = {seed: {**ours.get(seed, {}), **theirs.get(seed, {})} for seed in seeds}
    # Those whose shapes were not told are told by now.
    return {
        seed: {shapes: d for shapes, d in starts.items() if shapes or len(starts) == 1}
        for seed, starts in both.items()
    }


def seeds_of(given: Any) -> list[int]:
    """Return the seeds that a number of them, or a list, means.

    Raises:
        CompareError: if it is neither.

    Example:
        >>> seeds_of(3), seeds_of([5, 7])
        ([0, 1, 2], [5, 7])
    """
    count = whole(given)
    seeds = listed(given)
    if count is not None and 0 < count <= MOST:
        seeds = [*range(count)]
    elif isinstance(seeds, Sequence) and not isinstance(seeds, str):
        seeds = [whole(seed) for seed in seeds]
    if not isinstance(seeds, list) or not seeds or not all(map(_is_seed, seeds)):
        raise CompareError(
            f"compare: seeds must be a number of seeds >= 1, a list of whole numbers >= 0, or "
            f'"auto", got {short(given)}'
        )
    if len(set(seeds)) < len(seeds):
        raise CompareError(f"compare: seeds={short(given)} holds one twice")
    return list(seeds)


def _is_seed(value: object) -> bool:
    return type(value) is int and value >= 0


def both_configs(ours: Sequence[Config], theirs: Sequence[Config]) -> tuple[Config, ...]:
    """Return all configs of two plans, float first, then by first occurrence.

    Raises:
        CompareError: if two that differ have one name.
    """
    found: dict[str, Config] = {}
    for config in (*ours, *theirs):
        known = found.setdefault(config.name, config)
        if known.numbers_depend_on() != config.numbers_depend_on():
            raise CompareError(
                f"these do not match: two configs are called {config.name}: {known} and {config}"
            )
    # Of what numbers do not depend on, such as targets, the newer counts.
    found |= {config.name: config for config in theirs}
    return tuple(sorted(found.values(), key=lambda config: not config.is_float))


def differences(theirs: Configuration, ours: Configuration) -> str:
    """Return in words what differs between what two plans describe, or ``""``.

    Of schemes only those that both have are compared.

    Example:
        >>> differences({"epochs": 5, "build": {"is": "f", "widths[1]": "128"}},
        ...             {"epochs": 10, "build": {"is": "f", "widths[1]": "64"}})
        'build.widths[1] is 128 there and 64 here, epochs is 5 there and 10 here'
    """
    told = [*_differences(theirs, ours, "")]
    # First what can be read; code is only a digest.
    told.sort(key=lambda text: text.startswith("the code"))
    more = len(told) - TOLD
    return ", ".join(told[:TOLD]) + (f", and {more} more" if more > 0 else "")


def _differences(theirs: Configuration, ours: Configuration, prefix: str) -> Iterator[str]:
    both = prefix.startswith("schemes.")
    for key in sorted({*theirs} & {*ours} if both else {*theirs, *ours}):
        there, here = theirs.get(key), ours.get(key)
        path = f"{prefix}{key}" if key[:1] not in ("(", "[") else f"{prefix.rstrip('.')}{key}"
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            yield from _differences(there, here, f"{path}.")
        elif there == here:
            continue
        elif key == FINGERPRINT:
            yield (
                "its configuration is told in the way of another version of qnn-core, so that "
                "none can tell whether it is the same (it can be read, and merged with its like)"
            )
        elif str(there).startswith("code ") and str(here).startswith("code "):
            yield f"the code of {path.removesuffix('()')} is other there than here"
        else:
            yield f"{path.removesuffix('.is')} is {_said(there)} there and {_said(here)} here"


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value.get("is", "another") if isinstance(value, Mapping) else value)
