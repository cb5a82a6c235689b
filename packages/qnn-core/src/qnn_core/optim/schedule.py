"""Learning-rate schedules: functions of the step, without a state to save."""

from dataclasses import dataclass
from math import cos, pi
from typing import Protocol

from ..arguments import real, whole


class Schedule(Protocol):
    """Anything that gives the factor on the learning rate at a step, counted from 0.

    Example:
        >>> import qnn_core as qnn
        >>> halved: Schedule = lambda step: 0.5 ** (step // 100)
        >>> weight = qnn.Parameter([1.0])
        >>> optimizer = qnn.optim.SGD([weight], lr=0.1, schedule=halved)
    """

    def __call__(self, step: int) -> float:
        """Return the factor."""
        ...


@dataclass(frozen=True)
class Constant:
    """Factor 1 at every step.

    Example:
        >>> [Constant()(step) for step in range(3)]
        [1.0, 1.0, 1.0]
    """

    def __call__(self, step: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiplies by `factor` after every `every` steps.

    Example:
        >>> [Step(every=2, factor=0.1)(step) for step in range(4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _set(self, "every", whole("Step", "every", self.every, least=1))
        _set(self, "factor", real("Step", "factor", self.factor, above=0))

    def __call__(self, step: int) -> float:
        """Return the factor at `step`."""
        return float(self.factor ** (step // self.every))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `floor` over `steps` steps, then `floor`.

    (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without restarts.)

    Example:
        >>> [round(Cosine(steps=2)(step), 3) for step in range(4)]
        [1.0, 0.5, 0.0, 0.0]
    """

    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _set(self, "steps", whole("Cosine", "steps", self.steps, least=1))
        _set(self, "floor", real("Cosine", "floor", self.floor, least=0, most=1))

    def __call__(self, step: int) -> float:
        """Return the factor at `step`."""
        share = min(step / self.steps, 1.0)
        return self.floor + (1 - self.floor) * (1 + cos(pi * share)) / 2


@dataclass(frozen=True)
class WarmUp:
    """Rises evenly over `steps` steps to the value that `then` starts with, then follows `then`.

    Example:
        >>> [WarmUp(steps=2)(step) for step in range(4)]
        [0.5, 1.0, 1.0, 1.0]
    """

    steps: int
    then: Schedule = Constant()

    def __post_init__(self) -> None:
        _set(self, "steps", whole("WarmUp", "steps", self.steps, least=1))

    def __call__(self, step: int) -> float:
        """Return the factor at `step`."""
        if step < self.steps:
            return (step + 1) / self.steps * self.then(0)
        return self.then(step - self.steps)


# A schedule is frozen once it is made; until then NumPy's numbers become Python's.
_set = object.__setattr__
