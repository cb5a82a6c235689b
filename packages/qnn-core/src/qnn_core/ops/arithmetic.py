"""Arithmetic, and the elementary functions: NumPy's ufuncs with their derivatives."""

from typing import Any

import numpy as np

from ..autodiff import Array, Op, Tensor, op
from .shapes import broadcasting, same

add = op(
    "add",
    np.add,
    shape=broadcasting("add"),
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: g],
)

subtract = op(
    "subtract",
    np.subtract,
    shape=broadcasting("subtract"),
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: -g],
)

multiply = op(
    "multiply",
    np.multiply,
    shape=broadcasting("multiply"),
    vjps=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a],
)

divide = op(
    "divide",
    np.true_divide,
    shape=broadcasting("divide"),
    vjps=[lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b],
)


def _power_base_vjp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    if b.requires_grad:
        return g * b * a ** (b - 1)
    # x**0 is 1 everywhere, so its derivative is 0, also at x = 0 where 0 * x**-1 would be NaN.
    exponent = np.where(b.data == 0, 1, b.data - 1)
    return g * (b * a**exponent)


power = op(
    "power",
    np.power,
    shape=broadcasting("power"),
    vjps=[_power_base_vjp, lambda g, y, a, b: g * y * log(a)],
)

negative = op("negative", np.negative, shape=same, vjps=[lambda g, y, x: -g])
exp = op("exp", np.exp, shape=same, vjps=[lambda g, y, x: g * y])
log: Op = op("log", np.log, shape=same, vjps=[lambda g, y, x: g / x])
sqrt = op("sqrt", np.sqrt, shape=same, vjps=[lambda g, y, x: g / (2 * y)])
sin = op("sin", np.sin, shape=same, vjps=[lambda g, y, x: g * cos(x)])
cos: Op = op("cos", np.cos, shape=same, vjps=[lambda g, y, x: -g * sin(x)])

# The derivative at 0 is taken as 0, the middle of -1 and 1.
absolute = op("absolute", np.absolute, shape=same, vjps=[lambda g, y, x: g * np.sign(x.data)])


def _clip(x: Array, *, low: float, high: float) -> Array:
    return np.clip(x, x.dtype.type(low), x.dtype.type(high))


def _clip_vjp(g: Tensor, y: Tensor, x: Tensor, *, low: float, high: float) -> Tensor:
    return g * ((x.data >= low) & (x.data <= high))


_clip_op = op("clip", _clip, shape=same, vjps=[_clip_vjp])


def clip(x: Any, low: float, high: float) -> Tensor:
    """Return `x` limited to ``low..high``; the derivative is 1 there, bounds included, else 0.

    Args:
        x: any shape.
        low: least value; ``-np.inf`` for none.
        high: greatest value, not below `low`.

    Raises:
        ValueError: if `low` is above `high`.

    Example:
        >>> clip([-2.0, 0.5, 3.0], 0, 1)
        Tensor([0. , 0.5, 1. ])
    """
    if not low <= high:
        raise ValueError(f"clip: low must not be above high, got low={low}, high={high}")
    return _clip_op(x, low=low, high=high)
