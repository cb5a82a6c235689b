"""Files: written whole, locked by one process, and of arrays with a description."""

from .atomic import remove_drafts, write_whole
from .locks import locked
from .storage import content_of, load_arrays, save_arrays

__all__ = [
    "content_of",
    "load_arrays",
    "locked",
    "remove_drafts",
    "save_arrays",
    "write_whole",
]
