"""Optimizers, learning-rate schedules and gradient clipping."""

from .adam import Adam, AdamW
from .optimizer import Optimizer, clip_gradients
from .schedule import Constant, Cosine, Schedule, Step, WarmUp
from .sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Optimizer",
    "Schedule",
    "Step",
    "WarmUp",
    "clip_gradients",
]
