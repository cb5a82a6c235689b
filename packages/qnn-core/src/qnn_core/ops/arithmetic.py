"""Arithmetic, and the elementary functions: NumPy's ufuncs with their derivatives."""

from typing import Any

import numpy as np

from .._kernels import maps
from ..autodiff import OUTPUT, Array, Op, Packed, Shape, Tensor, op
from ..autodiff.packed import Link
from ..errors import ShapeError
from .selection import where
from .shapes import broadcasting, same


def _binary(name: str, reverse: str) -> Packed:
    """An operation that the engine has by two names: with a constant on the right, and the left."""

    def links(first: bool, constant: Array) -> list[Link]:
        return [(name if first else reverse, constant)]

    return Packed(inputs=2, links=links)


add = op(
    "add",
    np.add,
    shape=broadcasting("add"),
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: g],
    reads=[],
    packed=_binary("add", "add"),
)

subtract = op(
    "subtract",
    np.subtract,
    shape=broadcasting("subtract"),
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: -g],
    reads=[],
    packed=_binary("subtract", "subtract_from"),
)

multiply = op(
    "multiply",
    np.multiply,
    shape=broadcasting("multiply"),
    vjps=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a],
    reads=[(1,), (0,)],
    packed=_binary("multiply", "multiply"),
    instruction=lambda shapes, attributes: maps.Multiply() if shapes[0] == shapes[1] else None,
)

divide = op(
    "divide",
    np.true_divide,
    shape=broadcasting("divide"),
    vjps=[lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b],
    reads=[(1,), (1, OUTPUT)],
    packed=_binary("divide", "divide_into"),
)


def _power_base_vjp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    # x**0 is 1 everywhere, so its derivative is 0, also at x = 0 where 0 * x**-1 would be NaN.
    if not b.requires_grad:
        exponent = np.where(b.array == 0, 1, b.array - 1)
        return g * (b * a**exponent)
    both = (a.array == 0) & (b.array == 0)
    return g * b * a ** (where(both, 1, b - 1) if both.any() else b - 1)


def _power_exponent_vjp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    # 0**x is constant for x > 0, where 0 * log(0) would be NaN; the derivative at 0**0 counts as 0.
    flat = (a.array == 0) & (b.array >= 0)
    return g * y * log(where(flat, 1, a) if flat.any() else a)


power = op(
    "power",
    np.power,
    shape=broadcasting("power"),
    vjps=[_power_base_vjp, _power_exponent_vjp],
    reads=[(0, 1), (0, 1, OUTPUT)],
    packed=Packed(inputs=2, batch_invariant=False),
)

negative = op(
    "negative",
    np.negative,
    shape=same,
    vjps=[lambda g, y, x: -g],
    reads=[],
    packed=Packed(links=lambda first: [("multiply", np.array([-1], np.float32))]),
)

# Functions of NumPy whose last bits depend on how many numbers it is given.
_ROUNDED = Packed(batch_invariant=False)

exp = op(
    "exp",
    np.exp,
    shape=same,
    vjps=[lambda g, y, x: g * y],
    reads=[(OUTPUT,)],
    packed=_ROUNDED,
    instruction=lambda shapes, attributes: maps.Exp(),
)
log: Op = op("log", np.log, shape=same, vjps=[lambda g, y, x: g / x], reads=[(0,)], packed=_ROUNDED)
sin = op(
    "sin", np.sin, shape=same, vjps=[lambda g, y, x: g * cos(x)], reads=[(0,)], packed=_ROUNDED
)
cos: Op = op(
    "cos", np.cos, shape=same, vjps=[lambda g, y, x: -g * sin(x)], reads=[(0,)], packed=_ROUNDED
)
sqrt = op(
    "sqrt",
    np.sqrt,
    shape=same,
    vjps=[lambda g, y, x: g / (2 * y)],
    reads=[(OUTPUT,)],
    packed=Packed(),
)

# The derivative at 0 is taken as 0, the middle of -1 and 1.
absolute = op(
    "absolute",
    np.absolute,
    shape=same,
    vjps=[lambda g, y, x: g * np.sign(x.array)],
    reads=[(0,)],
    packed=Packed(),
)


def _clip(x: Array, *, low: float, high: float) -> Array:
    return np.clip(x, x.dtype.type(low), x.dtype.type(high))


def _clip_vjp(g: Tensor, y: Tensor, x: Tensor, *, low: float, high: float) -> Tensor:
    # Not a product: outside, where g may be infinite, nothing passes.
    return where((x.array >= low) & (x.array <= high), g, 0)


def _between(x: Shape, *, low: float, high: float) -> Shape:
    if low > high:
        raise ShapeError(f"clip: low {low} is above high {high}")
    return x


def _clip_links(first: bool, *, low: float, high: float) -> list[Link]:
    return [("maximum", np.array([low], np.float32)), ("minimum", np.array([high], np.float32))]


_clip_op = op(
    "clip",
    _clip,
    shape=same,
    vjps=[_clip_vjp],
    reads=[(0,)],
    packed=Packed(
        attributes={"low": "number", "high": "number"}, shape=_between, links=_clip_links
    ),
)


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
