"""Surrogate gradients of the straight-through estimator: how much of the gradient passes at u.

Each takes `u` (the input in units of the scale) and the lowest and highest level, and gives the
factor ``dx^/dx``. Which one a quantizer uses is its argument ``ste``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def identity(u: Array, low: float, high: float) -> Array:
    """1 everywhere: the plain straight-through estimator (Bengio et al. 2013, arXiv:1308.3432)."""
    return np.ones_like(u)


def clip(u: Array, low: float, high: float) -> Array:
    """1 from the lowest level to the highest, else 0 (Courbariaux et al. 2016, 1602.02830).

    Training has it in compiled code too: ``training_path.h`` and ``quantize.pyx`` of the kernels.
    """
    return ((u >= low) & (u <= high)).astype(u.dtype)


def triangle(u: Array, low: float, high: float) -> Array:
    """``max(0, 2 - 2|v|)``, v in -1..1 over the range (Bi-Real Net, Liu et al. 2018, 1808.00278).

    It is the derivative of ApproxSign, the piecewise quadratic stand-in for sign.
    """
    surrogate: Array = np.maximum(0, 2 - 2 * np.abs(_centred(u, low, high)))
    return surrogate


def swish(u: Array, low: float, high: float) -> Array:
    """Derivative of the SignSwish stand-in, beta = 5 (BNN+, Darabi et al. 2018, arXiv:1812.11800).

    ``beta (2 - beta v tanh(beta v / 2)) / (1 + cosh(beta v))`` with v in -1..1 over the range.
    """
    beta = 5.0
    v = beta * np.clip(_centred(u, low, high), -10, 10)
    surrogate: Array = beta * (2 - v * np.tanh(v / 2)) / (1 + np.cosh(v))
    return surrogate.astype(u.dtype, copy=False)


def _centred(u: Array, low: float, high: float) -> Array:
    half = u.dtype.type((high - low) / 2)
    centred: Array = (u - u.dtype.type((high + low) / 2)) / half
    return centred


SURROGATES: dict[str, Callable[[Array, float, float], Array]] = {
    "clip": clip,
    "identity": identity,
    "swish": swish,
    "triangle": triangle,
}
"""The surrogate gradients by name, as the option ``ste`` takes them.

Example:
    >>> SURROGATES["clip"](np.float32([-2.0, 0.5]), -1.0, 1.0)
    array([0., 1.], dtype=float32)
"""
