"""Compiled loops over contiguous buffers, one module a job; every check is the caller's."""

from . import augment, decode

__all__ = ["augment", "decode"]
