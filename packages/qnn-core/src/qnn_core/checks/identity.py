"""The laws of a quantizer as an object: its arguments, its spec string, its copies."""

import copy
import pickle
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import numpy as np

from ..errors import PluginError, SpecError
from ..quantizer import Quantizer
from ..registry import get_quantizer, registered
from .law import NotApplicable, Violation

WRONG: tuple[tuple[str, Any], ...] = (
    ("bits", 0),
    ("bits", 9),
    ("bits", 2.5),
    ("axis", "rows"),
    ("scale", -1.0),
    ("scale", "none-of-them"),
    ("calibration", "none-of-them"),
    ("ste", "none-of-them"),
)

SAYABLE = (int, float, str, type(None))


def arguments_are_checked(q: Quantizer) -> Iterator[Violation]:
    """Values without a meaning are refused by a SpecError when a quantizer is made.

    The base class does it: a __post_init__ of your own ends with super().__post_init__().
    """
    for option, value in WRONG:
        given = f"{option}={value!r}"
        try:
            replace(q, **{option: value})
        except SpecError:
            continue
        except Exception as error:
            yield Violation(given, "a SpecError", f"{type(error).__name__}: {error}")
        else:
            yield Violation(given, "a SpecError", "a quantizer")


def spec_string_says_all(q: Quantizer) -> Iterator[Violation]:
    """The spec string with every option of a quantizer gives an equal quantizer."""
    name = _registered_name(type(q))
    given = [(f, getattr(q, f.name)) for f in fields(q) if f.init]
    # What a spec string cannot say may stay at its default.
    said = [(f.name, v) for f, v in given if v != f.default or isinstance(v, SAYABLE)]
    spec = f"{name}:" + ",".join(f"{option}={value}" for option, value in said)
    try:
        again = get_quantizer(spec)
    except SpecError as error:
        yield Violation(spec, str(q), str(error))
        return
    if again != q:
        yield Violation(spec, _all(q), _all(again))


def _registered_name(cls: type[Quantizer]) -> str:
    for entry in registered():
        try:
            if entry.load() is cls:
                return entry.name
        except PluginError:
            continue
    raise NotApplicable(f"{cls.__name__} is not registered as an entry point, so has no name yet")


def _all(q: Quantizer) -> str:
    options = ", ".join(f"{f.name}={getattr(q, f.name)!r}" for f in fields(q))
    return f"{type(q).__name__}({options})"


def copies_are_equal(q: Quantizer) -> Iterator[Violation]:
    """What copies a quantizer gives an equal one, with its hash and levels; others are not equal.

    Processes of a comparison exchange quantizers, and their tables are found by hash and equality:
    two that count as equal share one table, whatever their levels.
    """
    ways = {"replace": replace(q), "copy": copy.deepcopy(q)}
    if _importable(type(q)):
        ways["pickle"] = pickle.loads(pickle.dumps(q))
    for way, other in ways.items():
        if other != q:
            yield Violation(f"what {way} makes of it", _all(q), _all(other))
        elif hash(other) != hash(q):
            yield Violation(f"hash of what {way} makes of it", str(hash(q)), str(hash(other)))
        elif not np.array_equal(other.levels, q.levels):
            yield Violation(f"levels of what {way} makes of it", str(q.levels), str(other.levels))
    for option, other in _others(q):
        if other == q:
            given = f"{option}={getattr(q, option)!r} and {option}={getattr(other, option)!r}"
            yield Violation(given, "two that are not equal", "equal ones, which share a codebook")


def _others(q: Quantizer) -> Iterator[tuple[str, Quantizer]]:
    """Yield quantizers that differ in one argument, for each that has another value."""
    for f in fields(q):
        value = getattr(q, f.name)
        for other in _other_values(value, f.type) if f.init else ():
            try:
                yield f.name, replace(q, **{f.name: other})
            except Exception:  # refused, and not what is asked here
                continue


def _other_values(value: Any, annotation: Any) -> list[Any]:
    """Return values that an argument might have in place of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [other for other in (value + 1, value - 1, value / 2, value * 2) if other != value]
    choices = [v for v in (*get_args(annotation), 0) if isinstance(v, SAYABLE)]
    return [other for other in choices if other != value]


def _importable(cls: type[Any]) -> bool:
    """Whether pickle can find the class by its name; not if it was defined inside a function."""
    return getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls
