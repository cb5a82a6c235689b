"""One layer's weight, or one quantizer, close up: what is latent, what is quantized, what moves."""

from .over_time import WeightHistory
from .show import show

__all__ = ["WeightHistory", "show"]
