"""Compiled loops over contiguous buffers, one module a job; every check is the caller's."""

from . import bits, engine, float_gemm, loss, memory, pooling, quantize, search, sparse, training

__all__ = [
    "bits",
    "engine",
    "float_gemm",
    "loss",
    "memory",
    "pooling",
    "quantize",
    "search",
    "sparse",
    "training",
]
