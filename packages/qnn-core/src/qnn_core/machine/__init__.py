"""The machine that the kernels run on: its instruction set, its threads, its memory."""

from .._kernels import memory
from . import cpu, threads
from .settings import kernel_settings
from .threads import get_num_threads, limited_threads, set_num_threads

empty = memory.empty

__all__ = [
    "cpu",
    "empty",
    "get_num_threads",
    "kernel_settings",
    "limited_threads",
    "set_num_threads",
    "threads",
]
