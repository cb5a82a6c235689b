"""What is checked, made at every width at which it has a meaning."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import PluginError, SpecError, nearest
from ..nn import Module
from ..quantizer import Quantizer
from ..registry import check_class, check_options, get_quantizer
from .law import Violation
from .layer_under_test import Made, example

WIDTHS = range(1, 9)


@dataclass(frozen=True, eq=False)
class Subject:
    """A quantizer or a layer, at the widths to be checked.

    Attributes:
        name: as it was asked for.
        kind: ``"quantizer"`` or ``"layer"``.
        origin: the distribution that registers it, or "".
        made: the quantizers, or the layers as `Made`, by what they are called in the report.
        refused: for each width without a meaning, what the quantizer or layer said of it.
        violations: of the law that it can be made at all.
    """

    name: str
    kind: str
    origin: str = ""
    made: dict[str, Any] = field(default_factory=dict)
    refused: dict[int | None, str] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)


def unusable(name: str, origin: str, error: PluginError) -> Subject:
    """Return a subject of which nothing can be made, and why."""
    violation = Violation("the class", "one that can be used", str(error))
    return Subject(name, "quantizer", origin, violations=[violation])


def subject_of(given: Any, name: str, options: dict[str, Any], origin: str = "") -> Subject:
    """Return an object to be checked, made with options.

    Args:
        given: see `named.find`; no string.
        name: what the report calls it.
        options: for the class or function.
        origin: the distribution that it is of.

    Raises:
        SpecError: if it is nothing that can be checked, or takes no such option.
    """
    if isinstance(given, Quantizer):
        quantizer = get_quantizer(given, **options)
        return Subject(name, "quantizer", made={str(quantizer): quantizer})
    if inspect.isclass(given) and issubclass(given, Quantizer):
        try:
            check_class(given, name)
        except PluginError as error:
            return unusable(name, origin, error)
        check_options(given, options, name)
        return _quantizers(given, name, options, origin)
    if callable(given) and not isinstance(given, Module):
        return _layers(given, name, options)
    raise SpecError(
        f"{name}: a quantizer, a subclass of Quantizer, or a function or class that makes a layer "
        f"is checked, not {given!r}"
    )


def _quantizers(cls: type[Quantizer], name: str, options: dict[str, Any], origin: str) -> Subject:
    subject = Subject(name, "quantizer", origin)
    if "bits" not in options:
        # As the registry makes it, to see whether it can be used.
        _try(subject, None, partial(cls, **options))
        wrong = subject.refused.pop(None, None)
        if wrong is not None:
            subject.violations.append(Violation(_at(None), "a quantizer", wrong))
    for bits in [options["bits"]] if "bits" in options else WIDTHS:
        made = _try(subject, bits, partial(cls, **{**options, "bits": bits}))
        if made is not None:
            subject.made[str(made)] = made
    if "bits" in options and subject.refused:
        raise SpecError(f"{name}: {subject.refused[options['bits']]}")
    return subject


def _layers(make: Callable[..., Any], name: str, options: dict[str, Any]) -> Subject:
    """Return layers of as many inputs as make the values of every width occur often."""
    subject = Subject(name, "layer")
    takes = inspect.signature(make).parameters
    for option in options:
        if option not in takes:
            known = ", ".join(takes)
            raise SpecError(f"{name}: it takes no {option!r}{nearest(option, takes)} ({known})")
    options = ({"seed": 0} if "seed" in takes else {}) | options
    widths: list[int | None] = list(WIDTHS) if "bits" in takes else [None]
    if "bits" in options:
        widths = [options.pop("bits")]
        if widths[0] not in WIDTHS:
            wanted = "bits must be a whole number from 1 to 8"
            raise SpecError(f"{name}: {wanted}, got {widths[0]!r}")
    for bits in widths:
        width = {} if bits is None else {"bits": bits}
        # So many that each value occurs often, in the weights of one output too.
        features = max(64, 2 * 2 ** (8 if bits is None else bits))
        new = partial(make, features, 32, **options, **width)
        layer = _try(subject, bits, new)
        if isinstance(layer, Module):
            label = name.rpartition(":")[2] if bits is None else f"bits={bits}"
            subject.made[label] = Made(new, bits, example(features))
        elif layer is not None:
            wanted = "a qnn_core.nn.Module"
            subject.violations.append(Violation(_at(bits), wanted, repr(layer)))
    return subject


def _try(subject: Subject, bits: Any, make: Callable[[], Any]) -> Any:
    """Return what is made at a width, or None, with the reason taken down."""
    try:
        return make()
    except SpecError as error:
        subject.refused[bits] = str(error)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        wanted = f"a {subject.kind}, or a SpecError that says why there is none"
        subject.violations.append(Violation(_at(bits), wanted, found))
    return None


def _at(bits: int | None) -> str:
    return "made with its defaults" if bits is None else f"bits={bits}"
