"""Error anatomy: what each quantizer of a model does to its data, and what it costs."""

from .anatomy import anatomy
from .errors_of import Errors
from .report import Anatomy
from .row import Cost, Row

__all__ = ["Anatomy", "Cost", "Errors", "Row", "anatomy"]
