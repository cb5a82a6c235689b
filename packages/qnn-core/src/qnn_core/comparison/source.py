"""What a function is: its name, its arguments, and a digest of all that its answers depend on."""

import dataclasses
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CompareError
from ..registry import parse, scheme
from .arms import Arm

CORE = Path(__file__).parents[1]
SCRIPTS = ("__main__", "__mp_main__")  # of which a worker knows the second
PLAIN = (int, float, complex, str, bytes, type(None), types.EllipsisType)
# What every class has, and what is said of code that other attributes do.
UNTOLD = (
    *("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__annotations__"),
    *("__dataclass_fields__", "__dataclass_params__"),
)


def source_of(function: Callable[..., Any]) -> str:
    """Return what names a function and changes with what it does.

    With it change its arguments and defaults, the values that it closes over, and the functions,
    classes and values of its own module that it uses. Of what it uses of other modules only the
    names count.

    Raises:
        CompareError: if it uses an object of which nothing can be told.

    Example:
        >>> source_of(max)
        'builtins.max'
        >>> source_of(functools.partial(max, 3))
        'builtins.max(3) ...'
    """
    inner, shown = function, ""
    while isinstance(inner, functools.partial):
        given = [*map(_shown, inner.args), *(f"{k}={_shown(v)}" for k, v in inner.keywords.items())]
        inner, shown = inner.func, f"({', '.join(given)}){shown}"
    own = inner if hasattr(inner, "__qualname__") else type(inner)
    module = getattr(own, "__module__", None) or "?"
    name = f"{'script' if module in SCRIPTS else module}.{own.__qualname__}{shown}"
    if inner is function and module.partition(".")[0] in ("builtins", __name__.partition(".")[0]):
        return name  # its version says the rest
    return f"{name} {_Reader(module).digest(function)}"


class _Reader:
    """Reads values into a digest; what belongs to other modules than `module` by its name only."""

    def __init__(self, module: str) -> None:
        self.module = module
        # By identity, and kept, so that no identity is used twice.
        self.seen: dict[int, tuple[int, Any]] = {}

    def digest(self, value: Any) -> str:
        found = hashlib.blake2b(digest_size=8)
        for part in self.parts(value):
            found.update(len(part).to_bytes(8, "little") + part)
        return found.hexdigest()

    def parts(self, value: Any) -> Iterator[bytes]:
        """Yield what tells a value from others."""
        yield type(value).__qualname__.encode()
        if isinstance(value, PLAIN):
            yield repr(value).encode("utf-8", "backslashreplace")
            return
        if id(value) in self.seen:
            yield str(self.seen[id(value)][0]).encode()
            return
        self.seen[id(value)] = len(self.seen), value
        for part in self.inside(value):
            if isinstance(part, bytes):
                yield part
            else:
                yield from self.parts(part[0])

    def inside(self, value: Any) -> Iterator[bytes | tuple[Any]]:
        """Yield bytes, and values in tuples, which are read in their turn."""
        if isinstance(value, np.ndarray | np.generic):
            array = np.ascontiguousarray(value)
            yield f"{array.dtype} {array.shape}".encode()
            yield array.tobytes() if array.dtype != object else repr(array.tolist()).encode()
        elif isinstance(value, Mapping):
            for key in sorted(value, key=repr):
                yield from ((key,), (value[key],))
        elif isinstance(value, set | frozenset):
            yield from ((item,) for item in sorted(value, key=repr))
        elif isinstance(value, tuple | list):
            yield from ((item,) for item in value)
        elif isinstance(value, types.ModuleType):
            yield value.__name__.encode()
        else:
            yield from self.callable(value)

    def callable(self, value: Any) -> Iterator[bytes | tuple[Any]]:
        if isinstance(value, functools.partial):
            yield from ((value.func,), (value.args,), (value.keywords,))
        elif isinstance(value, types.CodeType):
            yield from _code(value)
        elif isinstance(value, types.MethodType):
            yield from ((value.__func__,), (value.__self__,))
        elif isinstance(value, staticmethod | classmethod):
            yield (value.__func__,)
        elif isinstance(value, property):
            yield from ((value.fget,), (value.fset,))
        elif inspect.isfunction(value) or inspect.isclass(value):
            yield f"{value.__qualname__}".encode()
            if self.is_own(value):
                yield from _function(value) if inspect.isfunction(value) else _class(value)
            else:
                yield value.__module__.encode()
        elif inspect.isbuiltin(value):
            yield f"{value.__module__}.{value.__qualname__}".encode()
        else:
            yield from self.instance(value)

    def is_own(self, value: Any) -> bool:
        own = value.__module__
        return own == self.module or (own in SCRIPTS and self.module in SCRIPTS)

    def instance(self, value: Any) -> Iterator[bytes | tuple[Any]]:
        yield (type(value),)
        if dataclasses.is_dataclass(value):
            yield from ((getattr(value, f.name),) for f in dataclasses.fields(value))
        elif hasattr(value, "__dict__"):
            yield (vars(value),)
        elif " at 0x" not in repr(value):
            yield repr(value).encode("utf-8", "backslashreplace")
        else:
            raise CompareError(
                f"compare: build, data, optimizer or loss use {value!r}, of which cannot be told "
                "whether it is the same in the next run: pass what it is made of instead"
            )


def _code(code: types.CodeType) -> Iterator[bytes | tuple[Any]]:
    yield code.co_code
    yield from ((names,) for names in (code.co_names, code.co_varnames, code.co_freevars))
    yield (code.co_consts,)


def _function(function: types.FunctionType) -> Iterator[bytes | tuple[Any]]:
    yield (function.__code__,)
    yield from ((function.__defaults__,), (function.__kwdefaults__,), (vars(function),))
    for cell in function.__closure__ or ():
        yield (cell.cell_contents,)
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name.encode()
            yield (function.__globals__[name],)


def _names(code: types.CodeType) -> set[str]:
    """Return the names that a function uses, those of the functions inside it too."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return {*code.co_names}.union(*map(_names, inner))


def _class(cls: type) -> Iterator[bytes | tuple[Any]]:
    yield (cls.__bases__,)
    for name, value in sorted(vars(cls).items()):
        if name not in UNTOLD and not isinstance(value, types.GetSetDescriptorType):
            yield name.encode()
            yield (value,)


def _shown(value: Any) -> str:
    """Return an argument for people: no addresses, and nothing long."""
    text = repr(value)
    if " at 0x" in text or len(text) > 80:
        return getattr(value, "__qualname__", f"a {type(value).__name__}")
    return text


@functools.cache
def core_code() -> str:
    """Return version and digest of qnn-core's Python code."""
    files = sorted(CORE.rglob("*.py"))
    return f"{version('qnn-core')} {_digest(b''.join(file.read_bytes() for file in files))}"


def schemes_code(arms: Iterable[Arm]) -> dict[str, str]:
    """Return of each scheme its distribution, version, and a digest of its code."""
    found = {}
    for name in {parse(spec)[0] for arm in arms for spec in (arm.weight, arm.input) if spec}:
        entry = scheme(name)
        file = inspect.getsourcefile(entry.load())
        code = "" if file is None else _digest(Path(file).read_bytes())
        found[name] = f"{entry.distribution} {entry.version} {code}".strip()
    return dict(sorted(found.items()))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
