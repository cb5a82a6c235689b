"""Which names are public, and where each is at home."""

import importlib
import inspect
import types
from typing import Any

from qnn_core.autodiff import Op

from .data import docstrings

# The faces of the four packages, and the rooms that they, or the pages, send users into. A name
# that several have is documented in the first of them here.
ROOMS = (
    "qnn_core.nn",
    "qnn_core.ops",
    "qnn_core.optim",
    "qnn_core.training",
    "qnn_core.quantizer",
    "qnn_core.autodiff",
    "qnn_core.testing",
    "qnn_core.errors",
    "qnn_core.sklearn",
    "qnn_core.boards",
    "qnn_compare",
    "qnn_compare.statistics",
    "qnn_core",
    "qnn_quantizers",
    "qnn_data",
)


def public_names(module: str) -> list[str]:
    """Return the public names of a module that are no modules, classes first."""
    face = importlib.import_module(module)
    listed = getattr(face, "__all__", None) or [
        name
        for name, value in vars(face).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module
    ]
    values = {name: getattr(face, name) for name in listed}
    names = [n for n, value in values.items() if not inspect.ismodule(value) and n[:2] != "__"]
    return sorted(names, key=lambda n: (not isinstance(values[n], type), n.lower()))


def _homes() -> dict[Any, str]:
    """Return the full name of each public object, by what tells it from others."""
    found: dict[Any, str] = {}
    for module in ROOMS:
        for name in public_names(module):
            value = getattr(importlib.import_module(module), name)
            found.setdefault(identity(module, name, value), f"{module}.{name}")
    return found


def identity(module: str, name: str, value: Any) -> Any:
    """Return what two names share if they are of one thing: numbers and texts may just be equal."""
    plain = isinstance(value, int | float | str | tuple | types.GenericAlias)
    return (module, name) if plain else id(value)


HOMES = _homes()


def home(module: str, name: str) -> str:
    """Return the full name under which a public name is documented."""
    value = getattr(importlib.import_module(module), name)
    return HOMES[identity(module, name, value)]


def docstring(module: str, name: str) -> str:
    """Return what a public name is documented by, or ""."""
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, Op):
        return (value.__doc__ or "").partition("\n\n")[2]
    if isinstance(value, type) or inspect.isroutine(value):
        return inspect.getdoc(value) or ""
    return docstrings(module).get(name, "")
