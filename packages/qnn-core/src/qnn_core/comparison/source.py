"""What a function is: its name, its arguments, and a digest of its code."""

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..registry import parse, scheme
from .arms import Arm

CORE = Path(__file__).parents[1]


def source_of(function: Callable[..., Any]) -> str:
    """Return what names a function and changes with its code.

    With it change the functions and classes of its own module that it uses, and the numbers and
    strings; what it uses of other modules is not looked at.

    Example:
        >>> source_of(functools.partial(max, 3))
        'builtins.max(3)'
    """
    if isinstance(function, functools.partial):
        given = [*map(repr, function.args), *(f"{k}={v!r}" for k, v in function.keywords.items())]
        return f"{source_of(function.func)}({', '.join(given)})"
    own = function if hasattr(function, "__qualname__") else type(function)
    module = own.__module__ or "?"
    if module.partition(".")[0] in (__name__.partition(".")[0], *sys.builtin_module_names):
        return f"{module}.{own.__qualname__}"  # its version says the rest
    text = "\n".join(_code(own, set()))
    if own is not function and "__repr__" in vars(type(function)):
        text += repr(function)
    # A script has another module name in a worker, and the same code.
    module = "script" if module in ("__main__", "__mp_main__") else module
    return f"{module}.{own.__qualname__} {_digest(text.encode())}"


def _code(used: Any, seen: set[int]) -> Iterator[str]:
    """Yield the sources of a function or class, and of what it uses of its module."""
    if id(used) in seen:
        return
    seen.add(id(used))
    try:
        yield inspect.getsource(used)
    except (OSError, TypeError):  # typed at a prompt
        code = getattr(used, "__code__", None)
        yield repr(used) if code is None else f"{code.co_code.hex()} {code.co_consts}"
    functions = [used] if inspect.isfunction(used) else vars(used).values()
    for function in filter(inspect.isfunction, functions):
        yield repr((function.__defaults__, function.__kwdefaults__))
        found = inspect.getclosurevars(function)
        for name, value in sorted({**found.globals, **found.nonlocals}.items()):
            if isinstance(value, int | float | str | bytes | tuple | type(None)):
                yield f"{name} = {value!r}"
            elif getattr(value, "__module__", None) == used.__module__ and (
                inspect.isfunction(value) or inspect.isclass(value)
            ):
                yield from _code(value, seen)


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
