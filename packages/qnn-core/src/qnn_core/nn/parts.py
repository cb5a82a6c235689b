"""What a module holds: the one walk that names every module, parameter and buffer in it."""

from collections.abc import Iterable, Iterator
from functools import cache
from types import MemberDescriptorType
from typing import Any, TypeVar

import numpy as np

from ..autodiff import Buffer, Parameter
from ..errors import StructureError

T = TypeVar("T")
Named = list[tuple[str, T]]

# What is no part, and can hide none: by class, and by the classes that nearly all of it have.
PLAIN = (bool, int, float, str, type(None), complex, bytes, type, np.generic)
USUAL = {bool, int, float, str, type(None)}


class Composite:
    """What holds parts in its attributes: the base of `Module`, here so that the walk knows it."""

    __slots__ = ()


class Parts:
    """All that is in a module, each part once, under the first name that leads to it.

    A module comes before what is in it; its own parameters and buffers come before those of the
    modules in it. Lists, tuples and dictionaries are looked into, however deep they are nested.

    Args:
        root: the module.
        prefix: its own name.

    Attributes:
        root: the module.
        modules, parameters, buffers: pairs (name, part).
        rest: pairs (name, value) of what is no part, and may hide some.

    Raises:
        StructureError: if two parts have the same name, or something holds itself.
    """

    def __init__(self, root: Composite, prefix: str = "") -> None:
        self.root: Any = root
        self.modules: Named[Any] = []
        self.parameters: Named[Parameter] = []
        self.buffers: Named[Buffer] = []
        self.rest: Named[object] = []
        self._known: set[int] = set()
        self._taken: dict[str, object] = {}
        # The modules that the walk is in, outermost first.
        self._inside: dict[int, str] = {}
        self._enter(prefix, root)

    def __contains__(self, part: object) -> bool:
        return id(part) in self._known

    def _enter(self, path: str, module: Composite) -> None:
        self._take(path, module)
        self.modules.append((path, module))
        self._inside[id(module)] = path
        inner: Named[Composite] = []
        for suffix, value in held(module):
            name = joined(path, suffix)
            if isinstance(value, Composite):
                inner.append((name, value))
            elif not isinstance(value, Parameter | Buffer):
                self.rest.append((name, value))
            elif id(value) not in self._known:
                self._take(name, value)
                (self.parameters if isinstance(value, Parameter) else self.buffers).append(
                    (name, value)  # type: ignore[arg-type] # each into the list of its kind
                )
        for name, child in inner:
            if id(child) in self._inside:
                owner = self._inside[id(child)]
                raise StructureError(
                    f"{type(self.root).__name__}: {name} is {owner or 'the model itself'}, which "
                    "holds it: no module may be inside of itself; a part that needs its owner can "
                    "be given it by `forward`, or keep a weakref"
                )
            if id(child) not in self._known:
                self._enter(name, child)
        del self._inside[id(module)]

    def _take(self, name: str, part: object) -> None:
        """Enter a new part; refuse one whose name another has."""
        if name in self._taken:
            raise StructureError(
                f"{type(self.root).__name__}: two parts are called {name or repr(name)}, a "
                f"{type(self._taken[name]).__name__} and a {type(part).__name__}: keys and "
                "attributes must still differ when they are written as text, with dots between"
            )
        self._taken[name] = part
        self._known.add(id(part))


def held(module: Composite) -> Named[Any]:
    """Return what a module holds itself, by name: its attributes, containers opened.

    Left out is what can be no part and hide none: numbers, text, arrays.
    """
    found: Named[Any] = []
    values = list(vars_of(module).items())
    if isinstance(module, list | tuple | dict):
        values += _items(type(module).__name__, module)
    for name, value in values:
        if is_container(value):
            _open(type(module).__name__, name, value, found, [])
        elif not is_plain(value):
            found.append((name, value))
    return found


def children(module: Composite) -> Iterator[Any]:
    """Yield the modules that a module holds itself, each once."""
    seen: set[int] = set()
    for _, value in held(module):
        if isinstance(value, Composite) and id(value) not in seen:
            seen.add(id(value))
            yield value


def first_parameter(module: Composite) -> Parameter | None:
    """Return the parameter that the walk finds first, without the rest of the walk."""
    inner: list[Composite] = []
    found = _first_among(vars_of(module).values(), inner, [])
    if found is None and isinstance(module, list | tuple | dict):
        found = _first_among(_values(module), inner, [])
    for child in inner:
        if found is not None:
            break
        found = first_parameter(child)
    return found


def _first_among(
    values: Iterable[Any], inner: list[Composite], around: list[int]
) -> Parameter | None:
    """Return the first parameter among values or in containers there; modules go to `inner`."""
    for value in values:
        if type(value) in USUAL:  # most of them
            continue
        if isinstance(value, Parameter):
            return value
        if isinstance(value, Composite):
            inner.append(value)
        elif isinstance(value, list | tuple | dict) and id(value) not in around:
            found = _first_among(_values(value), inner, [*around, id(value)])
            if found is not None:
                return found
    return None


def _values(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _open(owner: str, name: str, container: Any, found: Named[Any], around: list[int]) -> None:
    """Append what a container holds, and what containers in it hold."""
    if id(container) in around:
        raise StructureError(f"{owner}: {name} is a container that holds itself")
    if type(container) not in (list, tuple, dict):
        found += [(joined(name, n), v) for n, v in vars_of(container).items() if not is_plain(v)]
    for key, value in _items(owner, container, name):
        if is_container(value):
            _open(owner, joined(name, key), value, found, [*around, id(container)])
        else:
            found.append((joined(name, key), value))


def _items(owner: str, container: Any, name: str = "") -> Named[Any]:
    """Return what a container holds, but for what is plain, under its keys as text."""
    if not isinstance(container, dict):
        return [(str(n), value) for n, value in enumerate(container) if not is_plain(value)]
    named = []
    for key, value in container.items():
        if isinstance(key, Composite | Parameter | Buffer):
            raise StructureError(
                f"{owner}: a key of the dictionary {name} is a {type(key).__name__}: a part has no "
                "name there; make it a value"
            )
        if is_plain(value):
            continue
        if str(key) == object.__repr__(key):
            raise StructureError(
                f"{owner}: a key of the dictionary {name} is {key!r}, which is another text in "
                "every process: take text or numbers for keys"
            )
        named.append((str(key), value))
    return named


def is_plain(value: object) -> bool:
    """Return whether a value is no part, and can hide none."""
    return (
        type(value) in USUAL
        or isinstance(value, PLAIN)
        or (isinstance(value, np.ndarray) and value.dtype != object)
    )


def is_container(value: object) -> bool:
    """Return whether a value is one of the containers that the walk opens, and no module itself."""
    return isinstance(value, list | tuple | dict) and not isinstance(value, Composite)


def vars_of(value: object) -> dict[str, Any]:
    """Return an object's own attributes, those in slots too."""
    found: dict[str, Any] = getattr(value, "__dict__", {})
    cls: Any = type(value)
    slots = _slots(cls)
    if not slots:
        return found
    return {**found, **{name: getattr(value, name) for name in slots if hasattr(value, name)}}


@cache
def _slots(cls: type) -> list[str]:
    # Not the names in __slots__: that of a private one is another in the class.
    return [
        name
        for base in cls.__mro__
        for name, value in vars(base).items()
        if isinstance(value, MemberDescriptorType)
    ]


def joined(*parts: str) -> str:
    """Return a path: its parts with dots between, empty ones left out."""
    return ".".join([part for part in parts if part])
