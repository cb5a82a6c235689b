"""Optimizers, learning-rate schedules and gradient clipping."""

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
