"""Parts that the walk over a module does not find: they are refused, not passed over."""

from collections import deque
from collections.abc import Collection, ItemsView, Iterable, KeysView, Mapping, ValuesView
from functools import partial
from sys import stdlib_module_names
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..autodiff import Buffer, Parameter, Tensor
from ..errors import StructureError
from .parts import Composite, Parts, is_plain, joined, vars_of

# A value, its name, and what hides it.
Place = tuple[Any, str, str]


def checked(root: Composite, prefix: str = "") -> Parts:
    """Return the parts of a module.

    Raises:
        StructureError: as `Parts`, or if there are parts that it has no name for: in sets, in plain
            objects, in functions, or as attributes of a class. They would be neither trained nor
            saved nor switched to evaluation.
    """
    parts = Parts(root, prefix)
    seen: set[int] = set()
    waiting: list[Place] = [(value, name, "") for name, value in parts.rest]
    waiting += _of_classes(parts)
    while waiting:
        value, name, hidden = waiting.pop()
        if is_plain(value) or id(value) in seen:
            continue
        seen.add(id(value))
        if not isinstance(value, Composite | Tensor):
            waiting += [(v, f"{name}{at}", how) for at, v, how in _inside(value, hidden)]
        elif isinstance(value, Composite | Parameter | Buffer) and value not in parts:
            if isinstance(value, Composite) and root in Parts(value):
                continue  # an owner of the module itself
            raise StructureError(
                f"{type(root).__name__}: {name} is a {type(value).__name__} that is not found, "
                f"because it is {hidden}: it would be neither trained nor saved nor switched to "
                "evaluation. Hold it in an attribute of a module, or in lists, tuples and "
                "dictionaries there"
            )
    return parts


def _of_classes(parts: Parts) -> list[Place]:
    """Return the attributes of the modules' classes that are no methods."""
    found: list[Place] = []
    known: dict[type, list[tuple[str, Any]]] = {Composite: [], object: []}
    for path, module in parts.modules:
        for cls in type(module).__mro__:
            if cls not in known:
                known[cls] = _no_methods(cls)
            found += [
                (value, joined(path, name), f"an attribute of the class {cls.__name__}")
                for name, value in known[cls]
                if name not in vars(module)
            ]
    return found


def _no_methods(cls: type) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in vars(cls).items()
        if type(value) not in USUAL  # most of them, and quick to tell
        and not name.startswith("__")
        and _no_method(value)
    ]


USUAL = {FunctionType, property, classmethod, staticmethod, str, bool, int, float, type(None)}


def _no_method(value: object) -> bool:
    return not is_plain(value) and not hasattr(type(value), "__get__")


def _inside(value: Any, hidden: str) -> Iterable[tuple[str, Any, str]]:
    """Yield what a value holds: where, what, and what hides it."""
    if isinstance(value, list | tuple):
        yield from ((f"[{n}]", v, hidden) for n, v in enumerate(value))
    elif isinstance(value, Mapping):
        how = hidden or f"in a {type(value).__name__}"
        for key, v in value.items():
            yield f"[{key!r}]", v, how
            yield f"[{key!r}]", key, how
    elif isinstance(value, set | frozenset | deque | KeysView | ValuesView | ItemsView):
        how = f"in a {type(value).__name__}"
        yield from ((f"{{{n}}}", v, how) for n, v in enumerate(value))
    elif isinstance(value, np.ndarray):
        yield from ((f"[{n}]", v, "in an array") for n, v in enumerate(value.flat))
    elif isinstance(value, MethodType):
        yield ".__self__", value.__self__, "held by a method"
        yield "", value.__func__, "held by a method"
    elif isinstance(value, partial):
        given = (value.func, *value.args, *value.keywords.values())
        yield from (("", v, "held by a functools.partial") for v in given)
    elif isinstance(value, FunctionType):
        yield from (("", v, f"held by the function {value.__name__}") for v in _captured(value))
    elif _is_users(type(value)):
        how = f"held by a {type(value).__name__}, which is no Module"
        yield from ((f".{n}", v, how) for n, v in vars_of(value).items())


def _captured(function: FunctionType) -> Collection[Any]:
    """Return the objects that a function has of its own."""
    found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    return found


def _is_users(cls: type) -> bool:
    """Whether a class is somebody's own: those of Python itself lead everywhere, and hold none."""
    package = cls.__module__.partition(".")[0]
    return package not in stdlib_module_names or package in ("collections", "types")
