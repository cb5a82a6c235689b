"""Trained nets that others begin with, or learn from: what a config needs, in which order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qnn_core.errors import CompareError, nearest
from qnn_core.nn import Module

from .configs import Config
from .recipe import Recipe
from .start_state import StartState, State


@dataclass(frozen=True, eq=False)
class Trained:
    """A net of this study that is trained.

    Attributes:
        config: what it is.
        state: its parameters and buffers, by path.
    """

    config: Config
    state: State


def check_needs(configs: Sequence[Config], recipe: Recipe) -> None:
    """Raise a CompareError if a config needs one that is not there, or not fit for it.

    Args:
        configs: of the study.
        recipe: that of the study.
    """
    known = {config.name: config for config in configs}
    recipes = {config.name: recipe.changed(config.recipe, started=True) for config in configs}
    for config in configs:
        held = recipes[config.name].validation
        for name in config.needs:
            if name in known:
                if recipes[name].post_training:
                    raise CompareError(
                        f"compare: {config.name} cannot begin with, or learn from, {name}, which "
                        "is quantized after training: give that one start= and epochs 0 instead"
                    )
                if recipes[name].validation < held:
                    raise CompareError(
                        f"compare: {config.name} chooses by training samples that are held back "
                        f"(validation {held:g}), and {name}, which it needs, was trained on them: "
                        f"give {name} the same validation"
                    )
            else:
                raise CompareError(
                    f"compare: {config.name} begins with, or learns from, {name!r}, which is none "
                    f"of {', '.join(known)}{nearest(name, known)}; a file is given as a Path"
                )
    _ = waves(configs)


def waves(configs: Sequence[Config]) -> list[list[Config]]:
    """Return configs in groups, each of which needs only what earlier groups have.

    Raises:
        CompareError: if some need each other.

    Example:
        >>> configs = [Config(), Config("b", start="a"), Config("a", start="float")]
        >>> [[config.name for config in wave] for wave in waves(configs)]
        [['float'], ['a'], ['b']]
    """
    found: list[list[Config]] = []
    left, done = [*configs], set[str]()
    names = {config.name for config in configs}
    while left:
        wave = [config for config in left if {*config.needs} & names <= done]
        if not wave:
            told = ", ".join(config.name for config in left)
            raise CompareError(f"compare: {told} begin with each other: none can be the first")
        found.append(wave)
        done |= {config.name for config in wave}
        left = [config for config in left if config.name not in done]
    return found


def needed(configs: Iterable[Config]) -> set[str]:
    """Return the names of all that other configs begin with or learn from."""
    return {name for config in configs for name in config.needs}


def with_needs(some: Sequence[Config], configs: Sequence[Config]) -> tuple[Config, ...]:
    """Return some of the configs, and what they need, in the order of all."""
    names = {config.name for config in some}
    known = {config.name: config for config in configs}
    waiting = [*names]
    while waiting:
        more = {*known[waiting.pop()].needs} - names
        names |= more
        waiting += more
    return tuple(config for config in configs if config.name in names)


def origin(
    start: str | StartState | Callable[[int], Any] | None,
    seed: int,
    trained: Mapping[str, Trained],
    build: Callable[[Config], Module],
) -> Module | State | None:
    """Return what a net begins with: a trained net, the values of its parameters, or nothing.

    Args:
        start: see `Config`.
        seed: of the run.
        trained: nets of this study, of the same seed.
        build: makes an untrained net of a config.
    """
    if start is None or isinstance(start, StartState):
        return None if start is None else start.state
    return net_of(trained[start], build) if isinstance(start, str) else start(seed)


def net_of(trained: Trained, build: Callable[[Config], Module]) -> Module:
    """Return a trained net."""
    model = build(trained.config)
    model.load_state_dict(trained.state)
    return model.eval()
