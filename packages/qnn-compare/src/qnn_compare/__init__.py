"""Comparison as an experiment: configs paired by seed, and what their differences are worth."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import compare
    from .comparison import Comparison
    from .experiment.configs import Config, Target
    from .experiment.grid import LeftOut
    from .experiment.many_configs import grid, zipped
    from .experiment.recipe import Recipe
    from .experiment.result import Result

__all__ = [
    "Comparison",
    "Config",
    "LeftOut",
    "Recipe",
    "Result",
    "Target",
    "compare",
    "grid",
    "zipped",
]

HOMES = {
    "Config": ".experiment.configs",
    "Comparison": ".comparison",
    "LeftOut": ".experiment.grid",
    "Recipe": ".experiment.recipe",
    "Result": ".experiment.result",
    "Target": ".experiment.configs",
    "compare": ".api",
    "grid": ".experiment.many_configs",
    "zipped": ".experiment.many_configs",
}


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()} - {"HOMES", "Any", "TYPE_CHECKING", "import_module"})


def __getattr__(name: str) -> Any:
    # On first use: `statistics` alone needs nothing of this project, and `qnn --help` only help.
    if name == "Arm":  # a former name
        name = "Config"
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name], __name__), name)
