"""Many configs in one line: all combinations of lists, or lists side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import product
from typing import Any

from qnn_core.errors import CompareError

from .arguments import listed, number, short
from .configs import Config, one_line
from .grid import Width, configs_of
from .own_quantizer import GivenQuantizer
from .recipe import Recipe

OF_RECIPE = tuple(field.name for field in fields(Recipe))


def grid(
    weights: Sequence[GivenQuantizer],
    activations: Sequence[GivenQuantizer] | None = None,
    bits: Sequence[Width] | None = None,
    **lists: Any,
) -> list[Config]:
    """Return the configs of all combinations, float first; those without a meaning are left out.

    Without `lists` it is what `compare` makes of the same arguments, as a list that others can be
    added to.

    Args:
        weights: schemes of the weights: specs without bits ("symmetric:grid=even"), or with bits
            if `bits` is left out; None or "float" for float; classes and objects of one's own.
        activations: schemes of the layers' inputs, each beside each of the weights'; left out: the
            same as the weights'.
        bits: widths, 1 to 8 and 32 for float, or pairs of them for weights and inputs.
        lists: values by name, of a field of the recipe (``lr=[1e-3, 1e-2]``) or of an argument of
            ``build`` (``sizes=[[784, 64, 10], [784, 128, 10]]``), each with each; what is no list
            (a tuple is none) is the same for all, and not part of the names.

    Raises:
        CompareError: if nothing quantized is left, or a list is empty.
        SpecError: for an unknown scheme, a malformed spec or width, or a scheme that has no
            meaning at any width at all.

    Example:
        >>> [config.name for config in grid(["symmetric", "binary"], bits=[1, 2, 32])]
        ['float', 'symmetric:2', 'binary:1']
        >>> [config.name for config in grid(["binary"], lr=[1e-3, 1e-2], hidden=64)]
        ['binary:1, lr 0.001', 'binary:1, lr 0.01']
    """
    configs = configs_of(weights, activations, bits)[0]
    if not lists:
        return configs
    varied = _varied(lists)
    same = {name: value for name, value in lists.items() if name not in varied}
    chosen = [dict(zip(varied, values, strict=True)) for values in product(*varied.values())]
    return [
        _config(f"{config.name}{_told(values)}", config, same | values)
        for config in configs
        for values in chosen
    ]


def zipped(**lists: Any) -> list[Config]:
    """Return the configs of lists side by side: the first entries of all, then the second ones.

    Args:
        lists: arguments of `Config`, fields of the recipe, or arguments of ``build``, by name; what
            is no list (a tuple is none) is the same for all. ``name=[...]`` names them; left out,
            names say the specs and what differs beside them.

    Raises:
        CompareError: if there is no list, or they differ in length.

    Example:
        >>> made = zipped(weight=["symmetric:2", "symmetric:3"], input="nf4", lr=[0.01, 0.001])
        >>> [config.name for config in made]
        ['symmetric:2 x nf4:4, lr 0.01', 'symmetric:3 x nf4:4, lr 0.001']
    """
    varied = _varied(lists)
    lengths = {name: len(values) for name, values in varied.items()}
    if len({*lengths.values()}) != 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items()) or "none"
        raise CompareError(f"compare: zipped needs lists of one length, got {told}")
    same = {name: value for name, value in lists.items() if name not in varied}
    made = []
    for row in zip(*varied.values(), strict=True):
        given = same | dict(zip(varied, row, strict=True))
        base = Config(**{n: given.pop(n) for n in OF_CONFIG if n in given})
        name = base.own_name
        if name is None:
            name = f"{base.name}{_told({n: v for n, v in given.items() if n in varied})}"
        made.append(_config(name, base, given))
    return made


# What else a config has by these names; all others are arguments of the builder.
OF_CONFIG = ("name", "weight", "input", "recipe", "target", "start", "teacher", "stages", "rules")


def _varied(lists: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of values; all else is the same for all."""
    found = {}
    for name, value in lists.items():
        values = listed(value)
        # The stages of one config are a list too.
        if isinstance(values, list) and not (name == "stages" and _is_config(values)):
            if not values:
                raise CompareError(f"compare: {name} is empty")
            found[name] = values
    return found


def _is_config(stages: Sequence[Any]) -> bool:
    return all(isinstance(stage, Config) for stage in stages)


def _config(name: str, base: Config, values: Mapping[str, Any]) -> Config:
    recipe = {n: v for n, v in values.items() if n in OF_RECIPE}
    of_config = {n: v for n, v in values.items() if n in OF_CONFIG}
    options = {n: v for n, v in values.items() if n not in (*OF_RECIPE, *OF_CONFIG)}
    if of_config:
        sides: dict[str, Any] = {"weight": base.weight, "input": base.input}
        sides |= {"recipe": {**base.recipe, **recipe}}
        return Config(name, **{**base.options, **options, **sides, **of_config})
    return base.changed(name=name, recipe=recipe, options=options)


def _told(values: Mapping[str, Any]) -> str:
    """Return what differs, for a name: ", lr 0.001"."""
    return "".join(f", {name} {_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    if (plain := number(value)) is not None:
        return f"{plain:g}"
    name = value if isinstance(value, str) else getattr(value, "__name__", short(value))
    return one_line(name)
