"""What a comparison is made of, before anything is trained: arms, seeds, and what they share."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import CompareError
from ..registry import parse
from .arms import Arm, LeftOut

Configuration = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Arms, seeds, and all that numbers depend on.

    Attributes:
        arms: what is compared, float first.
        seeds: of each arm.
        left_out: combinations without a meaning.
        configuration: what all cells share: the builder's and our own code, the data, the recipe.
        schemes: the code of each scheme.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    configuration: Configuration
    schemes: Mapping[str, str]

    def cells(self) -> Iterator[tuple[Arm, int]]:
        """Yield arms and seeds, seed by seed: a study that is stopped has whole rounds."""
        yield from ((arm, seed) for seed in self.seeds for arm in self.arms)

    def key(self, arm: Arm, seed: int) -> str:
        """Return the name of a cell: readable, with a digest of all that its numbers depend on."""
        specs = [spec for spec in (arm.weight, arm.input) if spec is not None]
        code = {name: self.schemes[name] for name in (parse(spec)[0] for spec in specs)}
        content = [self.configuration, code, arm.weight, arm.input, seed]
        digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8)
        readable = re.sub(r"[^A-Za-z0-9]+", "-", arm.name)[:60].strip("-")
        return f"{readable}_seed{seed}_{digest.hexdigest()}"

    def joined(self, other: "Plan") -> "Plan":
        """Return the plan of both.

        Raises:
            CompareError: if what their cells share differs.
        """
        if different := differences(self.described(), other.described()):
            raise CompareError(f"these do not match: {different}")
        return replace(
            self,
            arms=tuple(sorted({*self.arms, *other.arms}, key=_place(*self.arms, *other.arms))),
            seeds=tuple(sorted({*self.seeds, *other.seeds})),
            left_out=tuple(dict.fromkeys((*self.left_out, *other.left_out))),
            schemes={**self.schemes, **other.schemes},
        )

    def described(self) -> dict[str, Any]:
        """Return all that numbers depend on, but for arm and seed."""
        return {"configuration": self.configuration, "schemes": self.schemes}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "configuration": self.configuration,
            "schemes": self.schemes,
            "arms": [vars(arm) for arm in self.arms],
            "seeds": [*self.seeds],
            "left_out": [vars(out) for out in self.left_out],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Plan":
        """Undo `to_json`.

        Raises:
            KeyError, TypeError, ValueError: if it is no plan.
        """
        for arm in content["arms"]:
            if not all(isinstance(arm[key], str | None) for key in ("weight", "input")):
                raise TypeError(f"an arm is {arm!r}")
        if not isinstance(content["schemes"], dict):
            raise TypeError(f"schemes are {content['schemes']!r}")
        seeds_of(content["seeds"])
        return cls(
            arms=tuple(Arm(**arm) for arm in content["arms"]),
            seeds=tuple(content["seeds"]),
            left_out=tuple(LeftOut(**out) for out in content["left_out"]),
            configuration=content["configuration"],
            schemes=content["schemes"],
        )


def seeds_of(given: Any) -> list[int]:
    """Return the seeds that a number of them, or a list, means.

    Raises:
        CompareError: if it is neither.

    Example:
        >>> seeds_of(3), seeds_of([5, 7])
        ([0, 1, 2], [5, 7])
    """
    seeds = list(range(given)) if type(given) is int else given
    if not isinstance(seeds, Sequence) or not seeds or not all(map(_is_seed, seeds)):
        raise CompareError(
            f"compare: seeds must be a number of seeds >= 1, or a list of whole numbers >= 0, got "
            f"{given!r}"
        )
    if len(set(seeds)) < len(seeds):
        raise CompareError(f"compare: seeds={given!r} holds one twice")
    return list(seeds)


def _is_seed(value: object) -> bool:
    return type(value) is int and value >= 0


def _place(*arms: Arm) -> Any:
    """Return a key that sorts float first, then by first occurrence."""
    order = {arm: n for n, arm in reversed([*enumerate(arms)])}
    return lambda arm: (not arm.is_float, order[arm])


def differences(theirs: Configuration, ours: Configuration, prefix: str = "") -> str:
    """Return in words what both have and differs, or ``""``.

    Example:
        >>> differences({"epochs": 5, "build": "f"}, {"epochs": 10, "build": "f"})
        'epochs is 5 there and 10 here'
    """
    told = []
    for key in sorted({*theirs} & {*ours}):
        there, here = theirs[key], ours[key]
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            told += [inner] if (inner := differences(there, here, f"{prefix}{key}.")) else []
        elif there != here:
            told.append(f"{prefix}{key} is {there} there and {here} here")
    return ", ".join(told)
