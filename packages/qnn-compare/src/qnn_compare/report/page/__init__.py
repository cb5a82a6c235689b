"""Reports of a comparison: a page, or Markdown."""

from .files import write

__all__ = ["write"]
