"""Compiled loops over contiguous buffers, one module a job; every check is the caller's."""

from . import bits, elementwise, engine, loss, optimizer, pool, quantize

__all__ = ["bits", "elementwise", "engine", "loss", "optimizer", "pool", "quantize"]
