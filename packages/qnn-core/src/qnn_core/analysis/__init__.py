"""Readers of a model: summary, drawing, error analysis, mixed precision, post-training."""

from .as_builder import as_builder
from .bias_correction import correct_biases
from .drawing import draw, to_dot
from .error_analysis import Anatomy, anatomy
from .microscope import WeightHistory, show
from .mixed_precision import Allocation, allocate, learn_bits
from .model_summary import summary
from .post_training import quantize
from .rules import apply_rules
from .skipped import skipped
from .warm_start import calibrate, warm_start

__all__ = [
    "Allocation",
    "Anatomy",
    "WeightHistory",
    "allocate",
    "anatomy",
    "apply_rules",
    "as_builder",
    "calibrate",
    "correct_biases",
    "draw",
    "learn_bits",
    "quantize",
    "show",
    "skipped",
    "summary",
    "to_dot",
    "warm_start",
]
