"""Inputs that a page tries itself on, with the answers of Python's engine."""

import numpy as np
from numpy.typing import NDArray

from ..compile.program import Program
from ..graph import Graph
from .inputs import Given

COUNT = 8


def drawn_bytes(count: int) -> NDArray[np.uint8]:
    """Return bytes that `page.js` draws as well: the high ones of a linear congruential generator.

    Example:
        >>> drawn_bytes(4)
        array([ 60,  71, 209, 170], dtype=uint8)
    """
    state, drawn = 0, np.empty(count, np.uint8)
    for n in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        drawn[n] = state >> 24
    return drawn


def probes(given: Given) -> NDArray[np.float32]:
    """Return samples ``[samples, numbers]``: pixels by their table, or numbers from -4 to 4."""
    raw = drawn_bytes(COUNT * given.size).reshape(COUNT, given.size)
    if given.pixels is not None:
        return given.pixels[raw]
    return (raw.astype(np.float32) - np.float32(128)) / np.float32(32)


def expected(graph: Graph, x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the outputs of Python's engine for samples, ``[samples, numbers]`` each."""
    shape = graph.inputs[0].shape
    outputs = Program(graph)([x.reshape(len(x), *shape)])
    return [np.asarray(y, np.float32).reshape(len(x), -1) for y in outputs]
