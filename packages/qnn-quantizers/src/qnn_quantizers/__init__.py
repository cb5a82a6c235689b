"""The built-in quantization schemes. qnn-core finds them by their entry points, like any other."""

from .apot import APoT
from .binary import Binary
from .codebook import LearnedCodebook
from .dsq import DSQ
from .ewgs import EWGS
from .logarithmic import Logarithmic
from .lsq_plus import LSQPlus
from .nf4 import NF4
from .stochastic import Stochastic
from .symmetric import Symmetric
from .uniform import Uniform

__all__ = [
    "DSQ",
    "EWGS",
    "NF4",
    "APoT",
    "Binary",
    "LSQPlus",
    "LearnedCodebook",
    "Logarithmic",
    "Stochastic",
    "Symmetric",
    "Uniform",
]
