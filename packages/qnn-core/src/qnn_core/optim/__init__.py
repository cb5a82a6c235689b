"""Optimizers, learning-rate schedules and gradient clipping."""

from typing import NoReturn

from ..torch_names import OF_OPTIM, missing
from .adam import Adam, AdamW
from .groups import Group
from .optimizer import Optimizer, but_for_rates, clip_gradients
from .schedule import Constant, Cosine, Schedule, Step, WarmUp
from .sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Group",
    "Optimizer",
    "Schedule",
    "Step",
    "WarmUp",
    "but_for_rates",
    "clip_gradients",
]


def __getattr__(name: str) -> NoReturn:
    missing(f"module {__name__!r}", name, OF_OPTIM)
