"""A config: what one of the nets that are compared has of its own."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

from qnn_core.analysis.rules import by_layer
from qnn_core.errors import CompareError
from qnn_core.nn import Module
from qnn_core.quantizer import Quantizer
from qnn_core.registry import get_quantizer, parse

from ..metric import Metric
from .arguments import number, short, whole
from .fingerprint import fingerprint
from .own_quantizer import (
    GivenQuantizer,
    KeptQuantizer,
    ToldQuantizer,
    kept_quantizer,
    name_of_quantizer,
    series_of_quantizer,
)
from .recipe import Recipe
from .spec_bits import FLOAT, FLOAT_BITS, without_bits
from .start_state import StartState

DEFAULTS = {field.name: field.default for field in fields(Recipe)}


@dataclass(frozen=True)
class Target:
    """What a config should reach; a study says it beforehand, and its report says if it did.

    Attributes:
        accuracy: least mean test accuracy, 0..1; None for none.
        within: greatest loss of mean accuracy against the reference, 0..1; None for none.
        nbytes: greatest packed file; None for none.

    Raises:
        CompareError: for values outside of these.

    Example:
        >>> Target(within=0.01, nbytes=2048)  # at most a point lost, in 2 kB
        Target(accuracy=None, within=0.01, nbytes=2048)
    """

    accuracy: float | None = None
    within: float | None = None
    nbytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("accuracy", "within"):
            value = getattr(self, name)
            if value is not None and not 0 <= (-1 if (n := number(value)) is None else n) <= 1:
                raise CompareError(
                    f"compare: {name} of a target must be a share from 0 to 1, got {short(value)}: "
                    "divide per cent by 100"
                )
        if self.nbytes is not None and (whole(self.nbytes) or 0) < 1:
            raise CompareError(
                f"compare: nbytes of a target must be a whole number >= 1, got {short(self.nbytes)}"
            )


class Config:
    """One of the nets that are compared: its quantizers, what else is built, how it is trained.

    Args:
        name: what tables call it; left out, it follows from the specs.
        weight: quantizer of the weights: a spec string, an object or a class of one's own that need
            not be registered, or None for float; ``build`` gets the quantizer.
        input: that of the layers' inputs.
        recipe: what differs from the study's recipe, such as ``{"lr": 1e-4, "epochs": 5}``; or a
            whole `Recipe`.
        target: what it should reach, for the report; numbers do not depend on it.
        start: what its net begins with: the name of another config, whose net of the same seed is
            trained once and shared; the `Path` of a checkpoint or of a file of `qnn.save_state`;
            a trained module, or its ``state_dict()``; or ``start(seed)``, which returns one of
            these (a file that it reads is not seen by a store: give the path). Scales are fitted to
            what is loaded, see `qnn.warm_start`. With it, ``recipe={"epochs": 0}`` measures the net
            as it is quantized.
        teacher: the name of a config whose trained net of the same seed it learns from; see
            `qnn.Distillation`. `temperature` and `teacher_weight` are in the recipe.
        stages: configs without a name that its net is trained as before, one after the other, each
            from where the one before it ended: other quantizers, another recipe. Their epochs are
            counted on, so that each sees its batches in orders of its own.
        rules: quantizers of layers by their paths, or patterns of them, in what ``build`` returns;
            see `qnn.apply_rules`. A config with rules has a name of its own.
        options: more keyword arguments of ``build``, such as ``first_input="uniform:8"``.

    Raises:
        SpecError: for an unknown scheme, or a malformed spec.
        CompareError: if the name or the recipe is none.

    Example:
        >>> Config(weight="symmetric:2", input="symmetric:2").name, Config().name
        ('symmetric:2', 'float')
        >>> Config(weight="binary:1", input="uniform:4").name, Config(weight="symmetric:2").name
        ('binary:1 x uniform:4', 'symmetric:2 x float')
        >>> own = Config("LSQ 2", weight="symmetric:2,scale=lsq", recipe={"lr": 1e-4})
        >>> own.name, own.bits
        ('LSQ 2', (2, 32))
        >>> own
        Config('LSQ 2', weight='symmetric:2,scale=lsq', recipe={'lr': 0.0001})
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        weight: GivenQuantizer = None,
        input: GivenQuantizer = None,
        recipe: Recipe | Mapping[str, Any] | None = None,
        target: Target | None = None,
        start: str | Path | Module | Mapping[str, Any] | Callable[[int], Any] | None = None,
        teacher: str | None = None,
        stages: Sequence["Config"] = (),
        rules: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.weight: KeptQuantizer = kept_quantizer(weight, "weight of a config")
        self.input: KeptQuantizer = kept_quantizer(input, "input of a config")
        self.own_name = name
        self.target = target
        self.options: Mapping[str, Any] = {}
        self.recipe: Mapping[str, Any] = _changes(recipe)
        if name is not None and (not isinstance(name, str) or one_line(name) != name or not name):
            raise CompareError(f"compare: the name of a config must be one line, got {name!r}")
        # In what a store tells, a file or function is told by what it is made of.
        self.start: Any = start
        if isinstance(start, Path | Module | Mapping):
            self.start = StartState.of(start)
        self.teacher = teacher
        self.stages = self._checked_stages(stages)
        self.rules = self._checked_rules({} if rules is None else rules)
        self._check_origin()
        self.options = self._checked(options)

    def _checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options, with objects in the place of classes of quantizers."""
        # Of a registered scheme an object is its spec: its code is told then.
        found = {
            name: kept_quantizer(value, f"{name} of a config") if _is_quantizer(value) else value
            for name, value in options.items()
        }
        for option, value in found.items():
            if option == "seed":
                raise CompareError(f"compare: {self.name}: seed is not an option of one config")
            described(value, f"{self.name}: {option}")
        return found

    def _check_origin(self) -> None:
        """Raise a CompareError for a start or a teacher that is none."""
        if not (self.start is None or isinstance(self.start, str | StartState)):
            if not callable(self.start):
                raise CompareError(
                    f"compare: {self.name}: start must be the name of a config, a Path, or a "
                    f"function of the seed, got {self.start!r}"
                )
            described(self.start, f"{self.name}: start")
        if not isinstance(self.teacher, str | None):
            raise CompareError(
                f"compare: {self.name}: teacher must be the name of a config, got {self.teacher!r}"
            )

    def _checked_stages(self, stages: Any) -> tuple["Config", ...]:
        """Return stages, or raise a CompareError if they are none."""
        if not isinstance(stages, list | tuple):
            raise CompareError(
                f"compare: {self.name}: stages must be a list of Config, got {stages!r}"
            )
        for stage in stages:
            whole = isinstance(stage, Config)
            if not whole or stage.own_name or stage.target or stage.start or stage.stages:
                raise CompareError(
                    f"compare: {self.name}: stages must be a list of Config without name, target, "
                    f"start and stages of their own, got {stage!r}"
                )
        return tuple(stages)

    def _checked_rules(self, rules: Any) -> dict[str, Any]:
        """Return rules with quantizers in one form, or raise an error if they are none."""
        if not isinstance(rules, Mapping):
            raise CompareError(
                f"compare: {self.name}: rules must be quantizers by layer, got {rules!r}"
            )
        if rules and self.own_name is None:
            raise CompareError(
                "compare: a config with rules needs a name of its own: Config('name', rules=...)"
            )
        found = {}
        for pattern, rule in rules.items():
            where = f"{self.name}: rules: {pattern}"
            given = tuple(rule) if isinstance(rule, tuple | list) else rule
            if isinstance(given, tuple):
                given = tuple(kept_quantizer(part, where) for part in given)
            else:
                given = kept_quantizer(given, where)
            by_layer(f"compare: {self.name}: rules", {pattern: given}, [pattern])
            described(given, where)
            found[str(pattern)] = given
        return found

    def check_recipe(self) -> None:
        """Raise a CompareError for parts of the recipe that mean nothing for this config."""
        needs = {
            "teacher": (self.teacher is not None, ("temperature", "teacher_weight")),
            "start or stages": (self.begins_trained, ("calibration",)),
            "start, stages or post_training": (
                self.begins_trained or bool(self.recipe.get("post_training")),
                ("bias_correction",),
            ),
        }
        for what, (there, names) in needs.items():
            for name in names:
                if not there and name in self.recipe and self.recipe[name] != DEFAULTS[name]:
                    raise CompareError(
                        f"compare: {self.name}: {name} in the recipe means nothing without {what}"
                    )

    @property
    def parts(self) -> list[Any]:
        """All objects that it holds, which go to where nets are trained."""
        own = [self.weight, self.input, self.start]
        own += [part for rule in self.rules.values() for part in _parts(rule)]
        own += [*self.options.values(), *self.recipe.values()]
        return own + [part for stage in self.stages for part in stage.parts]

    @property
    def begins_trained(self) -> bool:
        """Whether its net was trained before its own recipe begins."""
        return self.start is not None or bool(self.stages)

    def beginning(self, names: Mapping[str, str]) -> "Config":
        """Return it with other names of the configs that it needs."""
        other = copy(self)
        if isinstance(self.start, str):
            other.start = names.get(self.start, self.start)
        if self.teacher is not None:
            other.teacher = names.get(self.teacher, self.teacher)
        other.stages = tuple(stage.beginning(names) for stage in self.stages)
        return other

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the configs that must be trained before it."""
        given = (self.start, self.teacher, *(stage.teacher for stage in self.stages))
        return tuple(dict.fromkeys(name for name in given if isinstance(name, str)))

    @property
    def name(self) -> str:
        """Its own name; else one spec if both are the same, or weight x input."""
        if self.own_name is not None:
            return self.own_name
        return self._both(name_of_quantizer, lambda spec: spec)

    @property
    def is_float(self) -> bool:
        """Whether nothing is quantized."""
        given: list[Any] = [self.weight, self.input]
        given += [v for n, v in self.options.items() if n.endswith(("weight", "input"))]
        given += [part for rule in self.rules.values() for part in _parts(rule)]
        # A number such as ``aux_weight=0.5`` is another thing; a store tells a quantizer by its
        # parts.
        kinds = (str, Quantizer, ToldQuantizer, Mapping)
        return not any(isinstance(v, kinds) and v != FLOAT for v in given)

    @property
    def series(self) -> str:
        """Its own name, or the specs without bits: configs of one series differ only in these."""
        if self.own_name is not None:
            return self.own_name
        return self._both(series_of_quantizer, without_bits)

    def _both(self, of_object: Callable[[Any], str], of_spec: Callable[[str], str]) -> str:
        """Return a name of weight and input, or one for both."""
        weight, input = (
            FLOAT if q is None else of_spec(q) if isinstance(q, str) else of_object(q)
            for q in (self.weight, self.input)
        )
        return weight if weight == input else f"{weight} x {input}"

    @property
    def bits(self) -> tuple[int, int]:
        """Bits of weights and of inputs; 32 for float."""
        weight, input = map(_bits_of, (self.weight, self.input))
        return weight, input

    @property
    def specs(self) -> list[str]:
        """The specs that it names: of weight, input, and of options such as ``first_weight``."""
        named: list[Any] = [self.weight, self.input]
        named += [v for n, v in self.options.items() if n.endswith(("weight", "input"))]
        named += [part for rule in self.rules.values() for part in _parts(rule)]
        own = [spec for spec in named if isinstance(spec, str) and spec != FLOAT]
        return own + [spec for stage in self.stages for spec in stage.specs]

    def quantizers(self) -> tuple[Quantizer | None, Quantizer | None]:
        """Return the quantizers of weight and input.

        Raises:
            SpecError: if one has no meaning.
            PluginError: if its distribution is at fault.
            CompareError: if all that is left of one is what a store tells of it.
        """
        weight, input = map(_made, (self.weight, self.input))
        return weight, input

    def changed(
        self,
        *,
        recipe: Mapping[str, Any],
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "Config":
        """Return it with more changes of the recipe and more options, by another name if given."""
        other = copy(self)
        other.own_name = self.own_name if name is None else name
        other.recipe = {**self.recipe, **recipe}
        other.options = {**self.options, **other._checked(options or {})}
        return other

    def without(self, side: Literal["weight", "input"]) -> "Config":
        """Return it with floats in the place of what one of both quantizers makes."""
        other = copy(self)
        setattr(other, side, None)
        return other

    def to_json(self) -> dict[str, Any]:
        """Return all that makes it what it is, as JSON can hold it; what is left out is not there.

        Of functions and other objects among the options: what their values are, by path.
        """
        content: dict[str, Any] = {
            "weight": _told(self.weight, f"{self.name}: weight"),
            "input": _told(self.input, f"{self.name}: input"),
        }
        if self.own_name is not None:
            content["name"] = self.own_name
        for name, values in (("options", self.options), ("recipe", self.recipe)):
            if values:
                content[name] = {key: described(value, key) for key, value in values.items()}
        if self.rules:  # in their order: of those that fit, the last one counts
            content["rules"] = [[key, described(rule, key)] for key, rule in self.rules.items()]
        if self.start is not None:
            content["start"] = _told_start(self.start)
        if self.teacher is not None:
            content["teacher"] = self.teacher
        if self.stages:
            content["stages"] = [stage.to_json() for stage in self.stages]
        if self.target is not None:
            content["target"] = vars(self.target)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Config":
        """Undo `to_json`, but for objects, which stay as they were described.

        Raises:
            KeyError, TypeError: if it is none.
        """
        config = cls.__new__(cls)
        sides = (
            ToldQuantizer.from_json(side) if isinstance(side, dict) else side
            for side in (content["weight"], content["input"])
        )
        config.weight, config.input = sides
        config.own_name = content.get("name")
        texts = (config.weight, config.input, config.own_name)
        if not all(isinstance(text, str | ToldQuantizer | None) for text in texts):
            raise TypeError(f"a config is {content!r}")
        config.options, config.recipe = content.get("options", {}), content.get("recipe", {})
        config.rules = dict(content.get("rules", ()))
        config.teacher = content.get("teacher")
        start = content.get("start")
        config.start = start["config"] if isinstance(start, dict) and "config" in start else start
        config.stages = tuple(map(cls.from_json, content.get("stages", ())))
        if not isinstance(config.teacher, str | None) or not isinstance(start, dict | None):
            raise TypeError(f"a config is {content!r}")
        target = content.get("target")
        config.target = None if target is None else Target(**target)
        return config

    def numbers_depend_on(self) -> list[Any]:
        """Return what numbers depend on: all but the name and the target."""
        content = self.to_json()
        names = ("options", "recipe", "rules", "start", "teacher", "stages")
        more = [{name: content[name]} for name in names if name in content]
        return [content["weight"], content["input"], *more]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        named = {"weight": self.weight, "input": self.input, **self.options}
        named |= {"recipe": self.recipe or None, "target": self.target, "start": self.start}
        named |= {"teacher": self.teacher, "stages": self.stages or None}
        named |= {"rules": self.rules or None}
        shown = [] if self.own_name is None else [repr(self.own_name)]
        shown += [f"{name}={value!r}" for name, value in named.items() if value is not None]
        return f"Config({', '.join(shown)})"


def _is_quantizer(value: Any) -> bool:
    is_class = isinstance(value, type) and issubclass(value, Quantizer)
    return is_class or isinstance(value, Quantizer)


def _parts(rule: Any) -> Sequence[Any]:
    """Return the quantizers of a rule: one, or one for weights and one for inputs."""
    return rule if isinstance(rule, tuple | list) else (rule,)


def _told_start(start: Any) -> Any:
    """Return what a net begins with as JSON can hold it."""
    if isinstance(start, str):
        return {"config": start}
    if isinstance(start, StartState):
        return {"file": start.digest}
    if isinstance(start, Mapping):  # as a store tells it
        return start
    return {"function": described(start, "start")}


def _bits_of(quantizer: KeptQuantizer) -> int:
    if quantizer is None:
        return FLOAT_BITS
    return int(parse(quantizer)[1]["bits"]) if isinstance(quantizer, str) else quantizer.bits


def _made(quantizer: KeptQuantizer) -> Quantizer | None:
    if isinstance(quantizer, ToldQuantizer):
        raise CompareError(
            f"compare: {quantizer.name} is an object of a class that only the script that made the "
            "study has: call compare there"
        )
    return None if quantizer is None else get_quantizer(quantizer)


def _told(quantizer: KeptQuantizer, where: str) -> Any:
    """Return a quantizer as JSON can hold it."""
    if isinstance(quantizer, Quantizer):
        name, series = name_of_quantizer(quantizer), series_of_quantizer(quantizer)
        parts = described(quantizer, where)
        quantizer = ToldQuantizer(name, series, quantizer.bits, parts)
    return quantizer.to_json() if isinstance(quantizer, ToldQuantizer) else quantizer


def check_targets(configs: Sequence[Config], metric: Metric) -> None:
    """Raise a CompareError if a target asks for an accuracy where there is none."""
    for config in configs:
        target = config.target
        asks = target is not None and (target.accuracy is not None or target.within is not None)
        if asks and not metric.shares:
            raise CompareError(
                f"compare: the target of {config.name} is an accuracy, and nets are compared by "
                f"{metric.name}"
            )


def described(value: Any, where: str) -> Any:
    """Return a value as JSON can hold it: itself, or, of an object, what it is made of, by path.

    Raises:
        CompareError: if it cannot be told from others.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): described(part, where) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [described(part, where) for part in value]
    try:
        if callable(value):
            return fingerprint(value)
        # As the argument of a function: whatever it is made of.
        parts = fingerprint(partial(_held, value=value))
    except CompareError as error:
        raise CompareError(f"compare: {where}: {error}") from error
    assert isinstance(parts, dict)
    return {path: part for path, part in parts.items() if path.startswith("value")}


def _held(value: Any) -> Any:
    return value


def _changes(recipe: Recipe | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if recipe is None:
        return {}
    if isinstance(recipe, Recipe):
        return vars(recipe)
    known = [field.name for field in fields(Recipe)]
    if not isinstance(recipe, Mapping) or not {*recipe} <= {*known}:
        raise CompareError(
            f"compare: the recipe of a config must be a Recipe, or change some of "
            f"{', '.join(known)}; got {recipe!r}"
        )
    return dict(recipe)


def one_line(text: object) -> str:
    r"""Return a text with runs of spaces and line breaks as one space, and all else printable.

    Example:
        >>> one_line("a\n  b \x1b[1m")
        'a b \\x1b[1m'
    """
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
