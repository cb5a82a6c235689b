"""Former names, which plugins and programs may still use: they work, with a warning."""

import sys
import warnings
from collections.abc import Mapping
from typing import Any

METHODS = {"window": "surrogate", "slope": "scale_gradient", "span": "qparams_from_range"}


def accept_former_names(cls: type[Any]) -> None:
    """Let methods of `cls` that have a former name count under the name of today.

    Warns:
        DeprecationWarning: for each, with the name of today.
    """
    for former, name in METHODS.items():
        if former in vars(cls) and name not in vars(cls):
            warnings.warn(
                f"{cls.__module__}.{cls.__name__}.{former}: the method is called {name} now",
                DeprecationWarning,
                stacklevel=4,
            )
            setattr(cls, name, vars(cls)[former])


def renamed(module: str, name: str, names: Mapping[str, str]) -> Any:
    """Return what a module calls by another name now: for its ``__getattr__``.

    Raises:
        AttributeError: if `name` is not a former name, one of `names`.

    Warns:
        DeprecationWarning: with the name of today.
    """
    if name not in names:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    message = f"{module}.{name} is called {names[name]} now"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return getattr(sys.modules[module], names[name])
