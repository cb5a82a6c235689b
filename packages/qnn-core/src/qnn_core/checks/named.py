"""What is checked, found by its name."""

import importlib
import inspect
from types import ModuleType
from typing import Any

from ..errors import PluginError, SpecError, nearest
from ..nn import Module
from ..quantizer import Quantizer
from ..registry import parse, registered, scheme, schemes
from .target import Subject, subject_of, unusable


def find(given: object) -> Subject:
    """Return what a name, class, quantizer or function that makes a layer stands for.

    Args:
        given: a registered name or spec string; ``"package.module:Class"``, with options as in
            ``"package.module:Class:bits=2"``; a quantizer; a subclass of `Quantizer`; a subclass of
            `Module`, or a function, that takes ``(in_features, out_features)``, and ``bits`` if it
            has widths.

    Raises:
        SpecError: if there is nothing of that name, or it is nothing that can be checked.
    """
    if isinstance(given, str):
        return _named(given)
    return subject_of(given, getattr(given, "__name__", str(given)), {})


def named_in(text: str) -> list[str]:
    """Return the names of all that a word of the command line stands for.

    That is the word itself, or, for the name of a module that is no scheme's, each quantizer and
    each layer (a `Module` that takes ``in_features, out_features``) that is in it.

    Raises:
        SpecError: if there is no such scheme or module, or nothing in the module.

    Example:
        >>> named_in("symmetric:2")
        ['symmetric:2']
        >>> named_in("qnn_quantizers.binary")
        ['qnn_quantizers.binary:Binary']
    """
    if ":" in text or text in schemes() or not all(p.isidentifier() for p in text.split(".")):
        return [text]
    module = _module(text, text)
    held = vars(module).items()
    found = [f"{text}:{n}" for n, value in held if n[0] != "_" and _is_of(value, module)]
    if not found:
        raise SpecError(f"{text!r}: there is no quantizer and no layer in the module")
    return found


def _is_of(value: Any, module: ModuleType) -> bool:
    """Whether a value is a quantizer's or layer's class that the module, or a part of it, holds."""
    if not inspect.isclass(value) or inspect.isabstract(value):
        return False
    if not f"{value.__module__}.".startswith(f"{module.__name__}."):
        return False
    takes = ["in_features", "out_features"]
    return issubclass(value, Quantizer) or (
        issubclass(value, Module) and list(inspect.signature(value).parameters)[:2] == takes
    )


def _named(text: str) -> Subject:
    name, _, rest = text.partition(":")
    name = name.strip()
    if name in schemes():
        return _scheme(text, name)
    target, _, options = rest.partition(":")
    if not all(part.isidentifier() for part in [*name.split("."), *target.strip().split(".")]):
        raise _nothing(text, name, "")
    found: Any = _module(text, name)
    for part in target.strip().split("."):
        if not hasattr(found, part):
            known = [n for n, value in vars(found).items() if inspect.isclass(value)]
            raise SpecError(f"{text!r}: {name} has no {target!r}{nearest(part, known)}")
        found = getattr(found, part)
    given = parse(f"{target}:{options}")[1] if options else {}
    return subject_of(found, text, given)


def _scheme(spec: str, name: str) -> Subject:
    """Return a registered scheme; at every width unless the spec string gives one."""
    origins = [entry for entry in registered() if entry.name == name]
    origin = ", ".join(f"{e.distribution} {e.version}, {e.target}" for e in origins)
    try:
        cls = scheme(name).imported()
    except PluginError as error:
        return unusable(spec, origin, error)
    options = parse(spec)[1]
    return subject_of(cls, spec, options, origin)


def _module(text: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise SpecError(f"{text!r}: {module} cannot be imported: {error}") from error
        raise _nothing(text, module, f" and no module {module!r}") from error
    except (Exception, SystemExit) as error:  # a module that exits must not end the program
        raise SpecError(
            f"{text!r}: {module} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _nothing(text: str, name: str, besides: str) -> SpecError:
    known = ", ".join(schemes()) or "none"
    return SpecError(
        f"{text!r}: there is no scheme {name!r}{nearest(name, schemes())} (installed: {known})"
        f"{besides}; what is not registered is named as PACKAGE:CLASS"
    )
