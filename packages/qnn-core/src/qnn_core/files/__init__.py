"""Files: written whole, locked by one process, and of arrays with a description."""

from .atomic import atomic_write, remove_drafts
from .locks import locked
from .storage import load_arrays, parse_arrays, save_arrays, serialize_arrays

__all__ = [
    "atomic_write",
    "load_arrays",
    "locked",
    "parse_arrays",
    "remove_drafts",
    "save_arrays",
    "serialize_arrays",
]
