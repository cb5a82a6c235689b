"""Functions of float32 with the same bits on every processor, on the engine's loops."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine
from ..machine import cpu

Floats = NDArray[np.float32]


def tanh(x: NDArray[Any]) -> Floats:
    """Return the hyperbolic tangent of float32 numbers, of their shape.

    Example:
        >>> tanh(np.float32([0, 1, -20]))
        array([ 0.       ,  0.7615942, -1.       ], dtype=float32)
    """
    return _each("tanh", x)


def sigmoid(x: NDArray[Any]) -> Floats:
    """Return ``1 / (1 + exp(-x))`` of float32 numbers, of their shape.

    Example:
        >>> sigmoid(np.float32([0, 2, -200]))
        array([0.5      , 0.8807971, 0.       ], dtype=float32)
    """
    return _each("sigmoid", x)


def _each(name: str, x: NDArray[Any]) -> Floats:
    x = np.asarray(x, np.float32, order="C")
    y = np.empty(x.shape, np.float32)
    program = engine.Program(cpu.active_index(), [4 * x.size, 4 * x.size], 1)
    program.chain(0, 1, x.size, [(name, None)])
    program.run(x, y, 0, 1)
    return y
