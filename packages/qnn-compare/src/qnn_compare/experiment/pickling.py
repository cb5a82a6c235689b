"""What a script, a notebook or a module without a file defines, sent to where runs are executed."""

import functools
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

from .function_code import values


def send_by_value(*objects: Any) -> None:
    """Let cloudpickle send what no other process can import.

    It does so with what ``__main__`` defines. Of a script that `runpy.run_path` runs, of a module
    that was made by hand, it would send names only.
    """
    for module in {*_modules(objects)}:
        if not _is_importable(module):
            cloudpickle.register_pickle_by_value(module)


def _modules(objects: Any) -> Iterator[ModuleType]:
    """Yield the modules of functions, classes and objects, and of what their functions use."""
    seen: set[int] = set()
    waiting = [*objects]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, functools.partial):
            waiting += [value.func, *value.args, *value.keywords.values()]
            continue
        named = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
        module = sys.modules.get(getattr(named, "__module__", None) or "")
        if module is None:
            continue
        yield module
        if isinstance(value, FunctionType) and not _is_importable(module):
            names = {*value.__code__.co_names, *value.__code__.co_freevars}
            waiting += [part for name, part in values(value).items() if name in names]


def _is_importable(module: ModuleType) -> bool:
    """Whether another process finds a module by its name; ``__main__`` is cloudpickle's.

    That it is imported here says nothing: whoever runs tests or notebooks may have put it there.
    """
    name = module.__name__
    if name == "__main__" or name.partition(".")[0] in sys.stdlib_module_names:
        return True
    return _origin(name) == getattr(module, "__file__", None)


def _origin(name: str) -> str | None:
    """Return the file that an import of a name would read, as if nothing were imported yet."""
    path: Any = None
    spec = None
    parts = name.split(".")
    for number in range(1, len(parts) + 1):
        full = ".".join(parts[:number])
        finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
        try:
            found = (finder.find_spec(full, path) for finder in finders)
            spec = next((one for one in found if one is not None), None)
        except (ImportError, ValueError, AttributeError):  # whatever finders of others do
            return None
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec.origin if spec is not None and spec.has_location else None
