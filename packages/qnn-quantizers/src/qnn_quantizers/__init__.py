"""The built-in quantization schemes. qnn-core finds them by their entry points, like any other."""

from .binary import Binary
from .logarithmic import Logarithmic
from .symmetric import Symmetric
from .uniform import Uniform

__all__ = ["Binary", "Logarithmic", "Symmetric", "Uniform"]
