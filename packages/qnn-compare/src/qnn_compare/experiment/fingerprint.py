"""What a function is made of, value by value: all that its answers depend on, by path."""

import argparse
import contextlib
import enum
import functools
import hashlib
import importlib
import inspect
import io
import logging
import re
import sys
import sysconfig
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from qnn_core.errors import CompareError

from .function_code import Chain, code_of, imports, values
from .releases import release_of

SCRIPTS = ("__main__", "__mp_main__")  # of which a worker knows the second
PLAIN = (bool, int, float, complex, type(None), types.EllipsisType, types.NotImplementedType)
FEW = 50  # more parts than this are told by a digest
SHORT = 200  # characters
LOCKS = (type(threading.Lock()), type(threading.RLock()))
HOLDERS = (argparse.Namespace, types.SimpleNamespace, types.ModuleType)
# Of classes: what Python and the standard library note on them, and what is said of the class.
NOTED = frozenset(("_abc_impl", "__annotate__", "__annotate_func__", "__conditional_annotations__"))
OURS = ("qnn_compare", "qnn_core", "qnn_data", "qnn_quantizers")
STANDARD = Path(sysconfig.get_path("stdlib"))
WHOLE: frozenset[Chain] = frozenset([()])

# Paths of values, each with what the value is, in words or numbers.
Fingerprint = dict[str, str]


def fingerprint(function: Callable[..., Any]) -> str | Fingerprint:
    """Return all that the answers of a function depend on, by path.

    These are its arguments and defaults, the values that it closes over and the globals that it
    uses, its code, and the same of all functions and classes of the user that come up there. Of a
    library the names count; `libraries` tells their versions.

    Returns:
        Values in words or numbers, by path: ``"is"`` is the function's name, ``"()"`` its code,
        ``"widths[1]"`` a part of an argument, a global, or a value that is closed over. Of a
        function of a library that has no arguments, only its name.

    Raises:
        CompareError: if a value cannot be told from others; it names the path to it.

    Example:
        >>> fingerprint(max)
        'builtins.max'
        >>> fingerprint(functools.partial(sorted, [3, 4]))["iterable[1]"]
        '4'
    """
    return read(function)[0]


def libraries(*functions: Callable[..., Any]) -> dict[str, str]:
    """Return the versions of the libraries from which functions use anything, by distribution."""
    found: set[str] = set()
    for function in functions:
        found |= read(function)[1]
    return _versions(found)


def read(function: Callable[..., Any]) -> tuple[str | Fingerprint, set[str]]:
    """Return the fingerprint of a function, and the top-level modules of the libraries it uses."""
    reader = _Reader(function)
    named = inspect.isroutine(function) or inspect.isclass(function)
    if named and _is_library(_module(function)):
        reader.library(_module(function))
        return name_of(function), reader.libraries
    # No variable can be called so.
    reader.leaves["is"] = name_of(function)
    try:
        reader.root(function)
    except RecursionError as error:
        raise CompareError(
            f"compare: {name_of(function)} uses values that are nested too deep"
        ) from error
    return reader.found(), reader.libraries


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function with its module.

    Example:
        >>> name_of(functools.partial(max, 3))
        'builtins.max'
    """
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{_module_name(named)}.{named.__qualname__}"


class _Reader:
    """Reads values into leaves by path."""

    def __init__(self, function: Any) -> None:
        self.leaves: Fingerprint = {}
        self.libraries: set[str] = set()
        self.folder = _folder(function)
        self._inside: list[int] = []  # identities of what is being read: cycles end there
        self._read: dict[str, list[Any]] = {}  # functions, classes and modules, by name
        self._loads: set[str] = set()
        self._counters: dict[str, str] = {}  # paths of attributes, and their names
        self._counts: set[str] = set()

    def found(self) -> Fingerprint:
        """Return what was read; a counter that no code reads changes nothing."""
        idle = self._counts - self._loads
        ends = tuple(path for path, name in self._counters.items() if name in idle)
        return {path: leaf for path, leaf in self.leaves.items() if path not in ends}

    def root(self, function: Any) -> None:
        """Read the function itself, whose arguments have the paths that they have in a call."""
        if isinstance(function, functools.partial):
            for name, value in _arguments(function).items():
                self.value(name, value)
            self.root(function.func)
        elif inspect.isroutine(function) and _is_library(_module(function)):
            self.library(_module(function))
        elif inspect.isclass(function) and _is_library(function.__module__):
            self.library(function.__module__)
        elif isinstance(function, types.FunctionType):
            self.function("", function)
        elif inspect.isclass(function):
            self.type("", function)
        elif inspect.ismethod(function):
            self.value("__self__", function.__self__)
            self.root(function.__func__)
        elif not inspect.isroutine(function):
            self.instance("", function)

    def value(self, path: str, value: Any) -> None:
        """Read any value."""
        told = self.told(value)
        if told is not None and _is_library(type(value).__module__):
            self.leaves[path] = told
            return
        if id(value) in self._inside:
            self.leaves[path] = f"{type(value).__qualname__} that holds this"
            return
        self._inside.append(id(value))
        try:
            if told is None:
                self.parts(path, value)
            else:
                self.leaves[path] = told
                self.more(path, value)
        finally:
            self._inside.pop()

    def told(self, value: Any) -> str | None:
        """Return what tells all of a value, for those that have no parts to name."""
        if type(value) in (str, bytes):
            text = repr(self.placed(value) if isinstance(value, str) else value)
            return f"{len(value)} characters, {_digest(text)}" if len(value) > SHORT else text
        if isinstance(value, PurePath):
            return f"path {self.placed(str(value))!r}"
        if isinstance(value, types.ModuleType) and _is_library(value.__name__):
            self.library(value.__name__)
            return f"module {value.__name__}"
        return _told(value)

    def more(self, path: str, value: Any) -> None:
        """Read what a class of the user's adds to one whose values are told by what they hold."""
        cls = type(value)
        if not _is_library(cls.__module__):
            self.value(_under(path, "__class__"), cls)
            for name, part in (_state(value) or {}).items():
                self.value(_under(path, name), part)

    def placed(self, text: str) -> str:
        """Return a text with the folder that the function lies in as ".": it may be moved."""
        return text.replace(self.folder, ".") if self.folder else text

    def parts(self, path: str, value: Any) -> None:
        """Read a value that has parts."""
        if isinstance(value, Mapping) and not callable(value):
            self.mapping(path, value)
            self.more(path, value)
        elif isinstance(value, set | frozenset):
            self.several(path, value, enumerate(sorted(value, key=repr)))
            self.more(path, value)
        elif isinstance(value, tuple | list):
            self.several(path, value, enumerate(value))
            self.more(path, value)
        elif isinstance(value, types.ModuleType):
            self.module(path, value)
        elif isinstance(value, property):
            for name in ("fget", "fset", "fdel"):
                if getattr(value, name) is not None:
                    self.value(f"{path}.{name}", getattr(value, name))
        elif (inner := _inside(value)) is not None:
            self.value(path, inner)
            self.leaves[path] = f"{type(value).__qualname__} of {self.leaves[path]}"
        else:
            self.callable(path, value)

    def callable(self, path: str, value: Any) -> None:
        """Read what is called, or any other object."""
        if isinstance(value, functools.partial):
            self.leaves[path] = f"partial of {name_of(value)}"
            for name, given in _arguments(value).items():
                self.value(f"{path}.{name}", given)
            self.value(f"{path}.func", value.func)
        elif isinstance(value, types.MethodType):
            self.value(f"{path}.__func__", value.__func__)
            self.value(f"{path}.__self__", value.__self__)
        elif inspect.isfunction(value) or inspect.isclass(value):
            self.named(path, value)
        elif inspect.isroutine(value):
            self.routine(path, value)
        else:
            self.instance(path, value)

    def several(self, path: str, whole: Any, parts: Iterable[tuple[object, Any]]) -> None:
        """Read the parts of a container; many of them become a digest."""
        before = {*self.leaves}
        kind = type(whole).__qualname__
        for key, part in parts:
            self.value(f"{path}[{key}]", part)
        self.leaves[path] = f"{kind} of {len(whole)}"
        if len(whole) > FEW:
            inner = {p: self.leaves.pop(p) for p in [*self.leaves] if p not in before}
            self.leaves[path] = f"{kind} of {len(whole)}, {_digest(repr(inner))}"

    def mapping(self, path: str, value: Mapping[Any, Any]) -> None:
        # In their order, which a loop over it sees.
        keys = [*value]
        told = [self.told(key) for key in keys]
        if None in told:  # whatever serves as a key, by its place
            self.several(path, value, enumerate(value.items()))
            return
        self.several(path, value, zip(told, value.values(), strict=True))
        if len(keys) <= FEW:
            self.leaves[path] = f"{type(value).__qualname__} of {', '.join(map(str, told))}"

    def module(self, path: str, module: types.ModuleType) -> None:
        """Read a module of the user's that is used whole: all that it defines."""
        self.leaves[path] = f"module {module.__name__}"
        if self.is_new(module.__name__, module):
            for name, value in sorted(vars(module).items()):
                if not _is_dunder(name):
                    self.value(_under(path, name), value)

    def is_new(self, name: str, value: Any) -> bool:
        """Note what goes by a name; return whether it was not yet read by another path."""
        known = self._read.setdefault(name, [])
        if any(_is_same(value, other) for other in known):
            return False
        known.append(value)
        return True

    # Code

    def named(self, path: str, value: Any) -> None:
        """Read a function or class, which may have been read by another path."""
        module = _module(value)
        name = f"{_module_name(value)}.{value.__qualname__}"
        kind = "class" if inspect.isclass(value) else "function"
        self.leaves[path] = f"{kind} {name}"
        if _is_library(module):
            self.library(module)
            # What wraps a function of the user's holds it.
            if kind == "function" and value.__closure__:
                self.globals(path, value, dict.fromkeys(value.__code__.co_freevars, WHOLE))
        elif self.is_new(name, value):
            if kind == "class":
                self.type(path, value)
            else:
                self.function(path, value)

    def function(self, path: str, function: types.FunctionType) -> None:
        """Read a function: its code, its defaults, and what it uses."""
        code = code_of(function)
        self._loads |= code.loads
        self._counts |= code.counts
        self.leaves[f"{path}()"] = f"code {code.digest}"
        for name, value in _defaults(function).items():
            self.value(f"{path}({name}=)", value)
        for name, value in sorted(vars(function).items()):
            if not _is_dunder(name):
                self.value(_under(path, name), value)
        self.globals(path, function, code.uses)
        for module, names in imports(function):
            self.imported(_under(path, f"import {module}"), module, names)

    def imported(self, path: str, name: str, names: Iterable[str] | None) -> None:
        """Read what a function imports when it is called; None for a module itself."""
        try:
            module = importlib.import_module(name)
            for part in names or ():
                if not hasattr(module, part) and hasattr(module, "__path__") and part != "*":
                    importlib.import_module(f"{name}.{part}")
        except Exception as error:  # whatever it does: a builder may be ready for that
            self.leaves[path] = f"cannot be imported ({type(error).__name__})"
            return
        if names is None:
            # Of `import a.b` the code has `a`, and takes what it likes.
            top = importlib.import_module(name.partition(".")[0])
            self.value(path, module if top is module or _is_library(name) else [top, module])
        else:
            self.used(path, module, [() if part == "*" else (part,) for part in names])

    def globals(
        self, path: str, function: types.FunctionType, uses: Mapping[str, frozenset[Chain]]
    ) -> None:
        """Read what a function uses from outside."""
        known = values(function)
        for name in sorted({*uses} & {*known}):
            self.used(_under(path, name), known[name], uses[name])

    def used(self, path: str, value: Any, chains: Iterable[Chain]) -> None:
        """Read of a value what is used of it, where it can be known that no more is."""
        chains = {*chains}
        heads = {chain[0] for chain in chains if chain}
        if () in chains or not all(_is_held(value, head) for head in heads):
            self.value(path, value)
            return
        if isinstance(value, types.ModuleType) and _is_library(value.__name__):
            self.value(path, value)
            return
        for head in sorted(heads):
            rest = {chain[1:] for chain in chains if chain[:1] == (head,)}
            self.used(f"{path}.{head}", vars(value)[head], rest)

    def type(self, path: str, cls: type) -> None:
        """Read a class: what it and those of its bases that are the user's define."""
        for number, base in enumerate(cls.__bases__):
            if base is not object:
                self.value(_under(path, f"__bases__[{number}]"), base)
        for name, value in sorted(vars(cls).items()):
            dull = name in NOTED or (_is_dunder(name) and not _is_code(value))
            slot = isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType)
            if not dull and not slot:
                self.value(_under(path, name), value)

    def routine(self, path: str, value: Any) -> None:
        """Read what is built in, with the object that it is bound to."""
        owner = getattr(value, "__self__", None)
        self.leaves[path] = f"function {_module_name(value)}.{value.__qualname__}"
        self.library(_module(value))
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            self.value(f"{path}.__self__", owner)

    # Objects

    def instance(self, path: str, value: Any) -> None:
        """Read an object: its class, and its attributes."""
        cls = type(value)
        if isinstance(value, io.IOBase):  # it has attributes, which say nothing
            raise self.unknown(path, value)
        if path:
            self.leaves[path] = f"object of {_module_name(cls)}.{cls.__qualname__}"
        state = _state(value) if _is_usual(cls) else None
        state = self.reduced(path, value) if state is None else state
        self.value(_under(path, "__class__"), cls)
        for name, part in state.items():
            below = _under(path, name)
            if not _is_library(_module(cls)):
                self._counters[below] = name
            self.value(below, part)

    def reduced(self, path: str, value: Any) -> Mapping[str, Any]:
        """Return what an object is pickled as: that is what another process gets."""
        try:
            told = value.__reduce_ex__(4)
        except Exception as error:  # whatever it says against it
            raise self.unknown(path, value) from error
        if isinstance(told, str):
            return {"name": told}
        if type(value) is object:
            raise self.unknown(path, value)
        made, given, state, *items = (*told, None)[:5]
        found = {"made": made, "given": given, "state": state}
        return found | {"items": [[*part] for part in items if part is not None]}

    def unknown(self, path: str, value: Any) -> CompareError:
        """Return the error that names the way to a value."""
        way = " -> ".join(part for part in re.split(r"\.|(?=[\[(])", path) if part)
        return CompareError(
            f"compare: {self.leaves['is']} -> {way} is {value!r}, of which cannot be told whether "
            "it is the same in the next run: pass what it is made of instead"
        )

    def library(self, module: str) -> None:
        """Note that a library is used."""
        if module and _is_library(module):
            self.libraries.add(module.partition(".")[0])


def _told(value: Any) -> str | None:
    """Return what tells all of a value, wherever it comes up; None for those that have parts."""
    if type(value) in PLAIN or isinstance(value, enum.Enum | np.dtype | range | slice):
        return repr(value)
    if isinstance(value, logging.Logger | logging.LoggerAdapter):
        return f"logger {value.name!r}"
    if isinstance(value, LOCKS):
        return "lock"
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        return _array(value)
    return None


def _inside(value: Any) -> Any:
    """Return the function in what makes something else of it, or None."""
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, functools.cached_property):
        return value.func
    # What a cache holds by now says nothing.
    return value.__wrapped__ if hasattr(value, "cache_parameters") else None


def _is_same(one: Any, other: Any) -> bool:
    """Whether two of one name are the same, or one a copy of the other that a pickle made.

    Functions that close over values, or have other defaults, are told apart by these.
    """
    if one is other:
        return not _closes_over(one)
    functions = isinstance(one, types.FunctionType) and isinstance(other, types.FunctionType)
    if not functions or one.__code__ != other.__code__ or _closes_over(one):
        return False
    ours, theirs = _defaults(one), _defaults(other)
    return [*map(_told, ours.values())] == [*map(_told, theirs.values())] and all(
        _told(value) is not None or value is theirs[name] for name, value in ours.items()
    )


def _closes_over(value: Any) -> bool:
    """Whether a function closes over values, but for the class that it is a method of."""
    return isinstance(value, types.FunctionType) and bool(
        {*value.__code__.co_freevars} - {"__class__"}
    )


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, staticmethod | classmethod | property)


def _is_held(value: Any, name: str) -> bool:
    """Whether to take an attribute is to take what the object holds by that name, and no more."""
    if name not in getattr(value, "__dict__", ()):
        return False
    cls = type(value)
    if cls in HOLDERS:
        return True
    return _inherits(cls, "__getattribute__") and not any(
        name in vars(base) for base in cls.__mro__
    )


def _is_usual(cls: type) -> bool:
    """Whether objects of a class are copied and pickled by their attributes alone."""
    named = ("__reduce_ex__", "__reduce__", "__getstate__")
    more = ("__getnewargs__", "__getnewargs_ex__")  # such as the number that an `int` is
    return all(_inherits(cls, name) for name in named) and not any(hasattr(cls, n) for n in more)


def _inherits(cls: type, name: str) -> bool:
    """Whether a class has what `object` has under that name."""
    return getattr(cls, name) is getattr(object, name)


def _state(value: Any) -> Mapping[str, Any] | None:
    """Return an object's attributes, or None if it can have none."""
    classes = type(value).__mro__
    slots = [name for cls in classes for name in _slots(cls)]
    if not hasattr(value, "__dict__") and not any("__slots__" in vars(cls) for cls in classes):
        return None
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    for name, part in getattr(value, "__dict__", {}).items():
        kept = (vars(cls).get(name) for cls in classes)
        if not any(isinstance(attribute, functools.cached_property) for attribute in kept):
            found[name] = part
    return found


def _slots(cls: type) -> Iterator[str]:
    for name, value in vars(cls).items():
        if isinstance(value, types.MemberDescriptorType) and not _is_library(cls.__module__):
            yield name


def _arguments(given: functools.partial[Any]) -> Mapping[str, Any]:
    """Return the arguments of a partial by the names that the function gives them."""
    try:
        bound = inspect.signature(given.func).bind_partial(*given.args, **given.keywords)
    except (TypeError, ValueError):  # of what is built in, some have no signature
        return {f"[{n}]": value for n, value in enumerate(given.args)} | given.keywords
    return bound.arguments


def _defaults(function: types.FunctionType) -> dict[str, Any]:
    code, given = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    return {
        **dict(zip(names[len(names) - len(given) :], given, strict=True)),
        **(function.__kwdefaults__ or {}),
    }


def _array(value: np.ndarray[Any, Any] | np.generic) -> str:
    array = np.ascontiguousarray(value)
    if array.size <= 16:
        return f"{np.asarray(value).tolist()!r} of {array.dtype}"
    return f"{array.dtype} {list(np.shape(value))}, {_digest(array.tobytes())}"


def _digest(content: str | bytes) -> str:
    content = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    return hashlib.blake2b(content, digest_size=8).hexdigest()


# Modules


def _module(value: Any) -> str:
    """Return the module of a function or class; of a wrapper its own, not that of what it wraps."""
    if inspect.isfunction(value):
        found = value.__globals__.get("__name__", value.__module__)
    else:
        found = getattr(value, "__module__", None) or getattr(type(value), "__module__", "")
    return found if isinstance(found, str) else ""


def _module_name(value: Any) -> str:
    module = getattr(value, "__module__", None) or "builtins"
    return "script" if module in SCRIPTS else module


def _folder(function: Any) -> str:
    """Return the folder of the user's code."""
    while isinstance(function, functools.partial):
        function = function.func
    module = _module(function if hasattr(function, "__qualname__") else type(function))
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or _is_library(module):
        return ""
    folder = str(Path(file).absolute().parent)
    return folder if len(folder) > 1 else ""


@functools.cache
def _is_library(module: str) -> bool:
    """Whether a module is nobody's to edit: of Python, of this project, or of what is installed."""
    top = module.partition(".")[0]
    if top in SCRIPTS:
        return False
    if top in OURS:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        # By its name only where there is no file: a user's own may be called profile.py.
        return top in sys.stdlib_module_names
    folders = Path(file).parents
    installed = any(folder.name in ("site-packages", "dist-packages") for folder in folders)
    return installed or STANDARD in folders


def _versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions that modules are of."""
    known = packages_distributions()
    names = {name for module in modules for name in known.get(module, ())}
    found = {}
    for name in sorted(names):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = release_of(name, version(name))
    return found
