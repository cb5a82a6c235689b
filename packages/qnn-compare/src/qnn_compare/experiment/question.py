"""What a study asks: against which config, what is too small to matter, and when it looks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qnn_core.errors import CompareError

from ..statistics.looks import LOOKS
from ..statistics.verdicts import MARGIN
from .arguments import short, whole


@dataclass(frozen=True)
class Question:
    """What verdicts answer. Numbers do not depend on it.

    Attributes:
        margin: what is too small to matter, in the unit of the metric.
        reference: name of the config that others are compared with; None for float, or else the
            first.
        looks: how many seeds there are at each look of a study that runs until it is decided; empty
            for one of so many seeds as were asked for.
    """

    margin: float = MARGIN
    reference: str | None = None
    looks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (
            isinstance(self.margin, bool)
            or not isinstance(self.margin, int | float)
            or not 0 < self.margin < math.inf
        ):
            raise CompareError(
                f"compare: margin must be a number above 0, such as 0.005 for half a point of "
                f"accuracy, got {short(self.margin)}"
            )
        if self.reference is not None and not isinstance(self.reference, str):
            raise CompareError(
                f"compare: reference must be the name of a config, got {short(self.reference)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"margin": self.margin, "reference": self.reference, "looks": [*self.looks]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Question":
        """Undo `to_json`; what is missing, as in older files, has its default.

        Raises:
            TypeError: if it is none.
            CompareError: likewise.
        """
        looks = content.get("looks", [])
        if not isinstance(looks, list) or not all(type(n) is int and n > 0 for n in looks):
            raise TypeError(f"looks are {looks!r}")
        return cls(content.get("margin", MARGIN), content.get("reference"), tuple(looks))


def looks_until(max_seeds: Any) -> tuple[int, ...]:
    """Return at how many seeds a study looks that may take so many.

    Raises:
        CompareError: if they are fewer than two.

    Example:
        >>> looks_until(30), looks_until(10), looks_until(2)
        ((3, 5, 8, 12, 20, 30), (3, 5, 8, 10), (2,))
    """
    most = whole(max_seeds) or 0
    if most < 2:
        raise CompareError(
            f"compare: max_seeds must be a whole number >= 2, got {short(max_seeds)}: one seed "
            "shows no spread"
        )
    return (*(look for look in LOOKS if look < most), most)
