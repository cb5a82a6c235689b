"""Training and evaluation of models."""

from .checkpoint import Checkpoint
from .evaluate import Evaluation, evaluate
from .fit import fit
from .history import Epoch, History

__all__ = ["Checkpoint", "Epoch", "Evaluation", "History", "evaluate", "fit"]
