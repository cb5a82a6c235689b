"""Comparison as an experiment: arms paired by seed, and what their differences are worth."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import compare
    from .comparison import Comparison
    from .experiment.configs import Arm, LeftOut
    from .experiment.result import Result

__all__ = ["Arm", "Comparison", "LeftOut", "Result", "compare"]

HOMES = {
    "Arm": ".experiment.configs",
    "Comparison": ".comparison",
    "LeftOut": ".experiment.configs",
    "Result": ".experiment.result",
    "compare": ".api",
}


def __getattr__(name: str) -> Any:
    # On first use: `statistics` alone needs nothing of this project, and `qnn --help` only help.
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name], __name__), name)
