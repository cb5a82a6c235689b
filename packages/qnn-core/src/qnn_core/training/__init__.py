"""Training and evaluation of models."""

from .checkpoint import Checkpoint
from .distillation import Distillation
from .evaluate import Evaluation, evaluate
from .fit import fit
from .history import Epoch, History
from .metrics import Metric
from .single_samples import check_single_samples

__all__ = [
    "Checkpoint",
    "Distillation",
    "Epoch",
    "Evaluation",
    "History",
    "Metric",
    "check_single_samples",
    "evaluate",
    "fit",
]
