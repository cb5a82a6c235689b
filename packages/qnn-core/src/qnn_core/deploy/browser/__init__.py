"""Packed nets in a page: plain JavaScript with the bits of Python's engine."""

from .answers import Task
from .export import Packed, Page, write_page
from .inputs import InputKind
from .lower import why_not

__all__ = ["InputKind", "Packed", "Page", "Task", "why_not", "write_page"]
