"""Compiled loops over contiguous buffers, one module a job; every check is the caller's."""

from . import bits, engine, loss, memory, pooling, quantize, sparse, sums, training

__all__ = ["bits", "engine", "loss", "memory", "pooling", "quantize", "sparse", "sums", "training"]
