"""Models as programs: what a step did twice alike is done again without its Python."""

from .cases import Programs
from .compiled import Compiled, compiled

__all__ = ["Compiled", "Programs", "compiled"]
