"""`PackedModel`: a graph that can be called, saved and looked at, and is verified when made."""

from .model import PackedModel, load, pack
from .packed_summary import PackedRow, PackedSummary
from .pages import page

__all__ = ["PackedModel", "PackedRow", "PackedSummary", "load", "pack", "page"]
