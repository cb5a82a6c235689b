"""A config: what one of the nets that are compared has of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from qnn_core.errors import CompareError
from qnn_core.quantizer import Quantizer
from qnn_core.registry import get_quantizer, parse

from .arguments import number, short, whole
from .fingerprint import fingerprint
from .recipe import Recipe
from .spec_bits import FLOAT, FLOAT_BITS, canonical, without_bits


@dataclass(frozen=True)
class Target:
    """What a config should reach; a study says it beforehand, and its report says if it did.

    Attributes:
        accuracy: least mean test accuracy, 0..1; None for none.
        within: greatest loss of mean accuracy against the reference, 0..1; None for none.
        nbytes: greatest packed file; None for none.

    Raises:
        CompareError: for values outside of these.
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
        weight: spec string of the weights' quantizer, None for float; ``build`` gets the quantizer.
        input: that of the layers' inputs.
        recipe: what differs from the study's recipe, such as ``{"lr": 1e-4, "epochs": 5}``; or a
            whole `Recipe`.
        target: what it should reach, for the report; numbers do not depend on it.
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
        weight: str | None = None,
        input: str | None = None,
        recipe: Recipe | Mapping[str, Any] | None = None,
        target: Target | None = None,
        **options: Any,
    ) -> None:
        for side, spec in (("weight", weight), ("input", input)):
            if not isinstance(spec, str | None):
                raise CompareError(
                    f"compare: {side} of a config must be a spec string, or None for float, got "
                    f"{spec!r}; a scheme of your own gets its name from an entry point: qnn "
                    "new-quantizer writes a package"
                )
        self.weight, self.input = canonical(weight), canonical(input)
        self.own_name = name
        self.target = target
        self.options: Mapping[str, Any] = options
        self.recipe: Mapping[str, Any] = _changes(recipe)
        if name is not None and (not isinstance(name, str) or one_line(name) != name or not name):
            raise CompareError(f"compare: the name of a config must be one line, got {name!r}")
        for option, value in options.items():
            if option == "seed":
                raise CompareError(f"compare: {self.name}: seed is not an option of one config")
            described(value, f"{self.name}: {option}")

    @property
    def name(self) -> str:
        """Its own name; else one spec if both are the same, or weight x input."""
        if self.own_name is not None:
            return self.own_name
        weight, input = self.weight or FLOAT, self.input or FLOAT
        return weight if weight == input else f"{weight} x {input}"

    @property
    def is_float(self) -> bool:
        """Whether nothing is quantized."""
        given = [self.weight, self.input]
        given += [v for n, v in self.options.items() if n.endswith(("weight", "input"))]
        # A number such as ``aux_weight=0.5`` is another thing; a store tells a quantizer by its
        # parts.
        return not any(isinstance(v, str | Quantizer | Mapping) and v != FLOAT for v in given)

    @property
    def series(self) -> str:
        """Its own name, or the specs without bits: configs of one series differ only in these."""
        if self.own_name is not None:
            return self.own_name
        weight, input = (FLOAT if s is None else without_bits(s) for s in (self.weight, self.input))
        return weight if weight == input else f"{weight} x {input}"

    @property
    def bits(self) -> tuple[int, int]:
        """Bits of weights and of inputs; 32 for float."""
        weight, input = (
            FLOAT_BITS if s is None else int(parse(s)[1]["bits"]) for s in (self.weight, self.input)
        )
        return weight, input

    @property
    def specs(self) -> list[str]:
        """The specs that it names: of weight, input, and of options such as ``first_weight``."""
        named = [self.weight, self.input]
        named += [v for n, v in self.options.items() if n.endswith(("weight", "input"))]
        return [spec for spec in named if isinstance(spec, str) and spec != FLOAT]

    def quantizers(self) -> tuple[Quantizer | None, Quantizer | None]:
        """Return the quantizers of weight and input.

        Raises:
            SpecError: if one has no meaning.
            PluginError: if its distribution is at fault.
        """
        weight, input = (None if s is None else get_quantizer(s) for s in (self.weight, self.input))
        return weight, input

    def changed(self, *, recipe: Mapping[str, Any], name: str | None = None) -> "Config":
        """Return it with more changes of the recipe, and another name if one is given."""
        return Config(
            self.own_name if name is None else name,
            weight=self.weight,
            input=self.input,
            recipe={**self.recipe, **recipe},
            target=self.target,
            **self.options,
        )

    def to_json(self) -> dict[str, Any]:
        """Return all that makes it what it is, as JSON can hold it; what is left out is not there.

        Of functions and other objects among the options: what their values are, by path.
        """
        content: dict[str, Any] = {"weight": self.weight, "input": self.input}
        if self.own_name is not None:
            content["name"] = self.own_name
        for name, values in (("options", self.options), ("recipe", self.recipe)):
            if values:
                content[name] = {key: described(value, key) for key, value in values.items()}
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
        config.weight, config.input = content["weight"], content["input"]
        config.own_name = content.get("name")
        texts = (config.weight, config.input, config.own_name)
        if not all(isinstance(text, str | None) for text in texts):
            raise TypeError(f"a config is {content!r}")
        config.options, config.recipe = content.get("options", {}), content.get("recipe", {})
        target = content.get("target")
        config.target = None if target is None else Target(**target)
        return config

    def numbers_depend_on(self) -> list[Any]:
        """Return what numbers depend on: all but the name and the target."""
        content = self.to_json()
        more = [{name: content[name]} for name in ("options", "recipe") if name in content]
        return [self.weight, self.input, *more]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        named = {"weight": self.weight, "input": self.input, **self.options}
        named |= {"recipe": self.recipe or None, "target": self.target}
        shown = [] if self.own_name is None else [repr(self.own_name)]
        shown += [f"{name}={value!r}" for name, value in named.items() if value is not None]
        return f"Config({', '.join(shown)})"


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
