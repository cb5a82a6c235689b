"""The built-in quantization schemes. qnn-core finds them by their entry points, like any other."""

from .apot import APoT
from .binary import Binary
from .dsq import DSQ
from .ewgs import EWGS
from .logarithmic import Logarithmic
from .nf4 import NF4
from .symmetric import Symmetric
from .uniform import Uniform

__all__ = ["DSQ", "EWGS", "NF4", "APoT", "Binary", "Logarithmic", "Symmetric", "Uniform"]
