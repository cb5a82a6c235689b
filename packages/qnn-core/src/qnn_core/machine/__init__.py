"""The machine that the kernels run on: its instruction set, its threads, its memory."""

from . import cpu, threads
from .memory import empty
from .threads import get_num_threads, set_num_threads

__all__ = ["cpu", "empty", "get_num_threads", "set_num_threads", "threads"]
