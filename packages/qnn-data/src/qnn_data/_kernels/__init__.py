"""Compiled loops over contiguous buffers, one module a job; every check is the caller's."""

from . import decode

__all__ = ["decode"]
