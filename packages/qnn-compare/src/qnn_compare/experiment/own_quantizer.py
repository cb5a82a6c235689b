"""Quantizers of configs that are objects or classes: a scheme of one's own needs no package."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from qnn_core.errors import CompareError, SpecError
from qnn_core.quantizer import Quantizer
from qnn_core.registry import check_class, registered

from .arguments import short
from .spec_bits import FLOAT_BITS, canonical, with_bits, without_bits

# What is given for the quantizer of a config, and what is kept of it.
GivenQuantizer = str | Quantizer | type[Quantizer] | None


@dataclass(frozen=True)
class ToldQuantizer:
    """An object's description in a store: it can be named, and not made.

    Attributes:
        name, series: with its bits, and without.
        bits: its bits.
        parts: what it is made of, by path; see `fingerprint`.
    """

    name: str
    series: str
    bits: int
    parts: Mapping[str, str] = field(hash=False)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"name": self.name, "series": self.series, "bits": self.bits, "parts": self.parts}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ToldQuantizer":
        """Undo `to_json`.

        Raises:
            KeyError, TypeError: if it is none.
        """
        told = cls(content["name"], content["series"], content["bits"], content["parts"])
        texts = isinstance(told.name, str) and isinstance(told.series, str)
        if not texts or type(told.bits) is not int or not isinstance(told.parts, dict):
            raise TypeError(f"a quantizer is {content!r}")
        return told

    def __repr__(self) -> str:
        return self.name


KeptQuantizer = str | Quantizer | ToldQuantizer | None


def kept_quantizer(given: Any, where: str) -> str | Quantizer | None:
    """Return a spec string in one form, or an object; of a registered scheme its spec string.

    Raises:
        CompareError: if it is no quantizer.
        SpecError, PluginError: if its class is none, or cannot be made without arguments.
    """
    if given is None or isinstance(given, str):
        return canonical(given)
    if isinstance(given, type):
        check_class(given, f"compare: {where}: {given.__qualname__}")
        try:
            given = given()
        except TypeError as error:
            raise CompareError(
                f"compare: {where}: {given.__qualname__} has no default for its arguments "
                f"({error}): give an object, such as {given.__qualname__}(bits=2)"
            ) from error
    if not isinstance(given, Quantizer):
        raise CompareError(
            f"compare: {where} must be a spec string, a quantizer, its class, or None for float, "
            f"got {short(given)}"
        )
    target = f"{type(given).__module__}:{type(given).__qualname__}"
    name = next((entry.name for entry in registered() if entry.target == target), None)
    if name is None:
        return given
    try:
        return canonical(_spec(name, given))
    except SpecError:  # tuples, which a spec string cannot say
        return given


def sized_quantizer(given: GivenQuantizer, bits: int) -> GivenQuantizer:
    """Return what is given with so many bits; None for 32.

    Raises:
        SpecError: if it has no meaning at that width.
    """
    if given is None or isinstance(given, str) or bits == FLOAT_BITS:
        return with_bits(given if isinstance(given, str) else None, bits)
    if isinstance(given, type):
        check_class(given, f"compare: {given.__qualname__}")
        return given(bits=bits)
    return replace(given, bits=bits)


def name_of_quantizer(quantizer: Quantizer | ToldQuantizer) -> str:
    """Return how tables call it: the class, its bits, and what else is not as usual.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Ternary(Quantizer):
        ...     bits: int = 2
        ...     cut: float = 0.5
        ...
        ...     @property
        ...     def levels(self):
        ...         return [-1, 0, 1]
        >>> name_of_quantizer(Ternary()), name_of_quantizer(Ternary(cut=0.7))
        ('Ternary:2', 'Ternary:2,cut=0.7')
    """
    if isinstance(quantizer, ToldQuantizer):
        return quantizer.name
    return _spec(type(quantizer).__name__, quantizer)


def series_of_quantizer(quantizer: Quantizer | ToldQuantizer) -> str:
    """Return its name without bits."""
    if isinstance(quantizer, ToldQuantizer):
        return quantizer.series
    return without_bits(name_of_quantizer(quantizer))


def _spec(name: str, quantizer: Quantizer) -> str:
    options = [
        f"{f.name}={getattr(quantizer, f.name)}"
        for f in fields(quantizer)
        if f.init and f.name != "bits" and getattr(quantizer, f.name) != _default(f)
    ]
    return ",".join([f"{name}:{quantizer.bits}", *options])


def _default(field: Any) -> Any:
    return (
        field.default_factory()
        if field.default is MISSING and callable(field.default_factory)
        else field.default
    )
