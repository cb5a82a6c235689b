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
    instruction=lambda shapes, attributes: maps.Add() if shapes[0] == shapes[1] else None,
    doc="""Return ``a + b``.

    Its derivative is 1 in both.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> add([1.0, 2.0], 0.5)
        Tensor([1.5, 2.5])
    """,
)

subtract = op(
    "subtract",
    np.subtract,
    shape=broadcasting("subtract"),
    vjps=[lambda g, y, a, b: g, lambda g, y, a, b: -g],
    reads=[],
    packed=_binary("subtract", "subtract_from"),
    doc="""Return ``a - b``.

    Its derivative is 1 in `a` and -1 in `b`.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> subtract([1.0, 2.0], 0.5)
        Tensor([0.5, 1.5])
    """,
)

multiply = op(
    "multiply",
    np.multiply,
    shape=broadcasting("multiply"),
    vjps=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a],
    reads=[(1,), (0,)],
    packed=_binary("multiply", "multiply"),
    instruction=lambda shapes, attributes: maps.Multiply() if shapes[0] == shapes[1] else None,
    doc="""Return ``a * b``, element by element.

    Its derivative is `b` in `a` and `a` in `b`. Products of matrices are `matmul`.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> multiply([[1.0], [2.0]], [3.0, 4.0])
        Tensor([[3., 4.],
                [6., 8.]])
    """,
)

divide = op(
    "divide",
    np.true_divide,
    shape=broadcasting("divide"),
    vjps=[lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b],
    reads=[(1,), (1, OUTPUT)],
    packed=_binary("divide", "divide_into"),
    doc="""Return ``a / b``, element by element.

    Its derivative is ``1 / b`` in `a` and ``-a / b**2`` in `b`. Division by 0 gives infinity, or
    NaN for ``0 / 0``, with NumPy's warning.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> divide([1.0, 3.0], 2.0)
        Tensor([0.5, 1.5])
    """,
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
    doc="""Return ``a ** b``, element by element.

    Its derivative is ``b * a**(b - 1)`` in `a` and ``a**b * log(a)`` in `b`. Where these formulas
    would be NaN it is the limit: 0 for ``x**0`` in `x`, and for ``0**x`` in `x`.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> power([2.0, 3.0], 2.0)
        Tensor([4., 9.])
    """,
)

negative = op(
    "negative",
    np.negative,
    shape=same,
    vjps=[lambda g, y, x: -g],
    reads=[],
    packed=Packed(links=lambda first: [("multiply", np.array([-1], np.float32))]),
    doc="""Return ``-x``.

    Its derivative is -1.

    Args:
        x: any shape.

    Example:
        >>> negative([1.0, -2.0])
        Tensor([-1.,  2.])
    """,
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
    doc="""Return e to the power of `x`.

    Its derivative is the value itself.

    Args:
        x: any shape.

    Example:
        >>> exp([0.0, 1.0]).data.round(3)
        array([1.   , 2.718], dtype=float32)
    """,
)
log: Op = op(
    "log",
    np.log,
    shape=same,
    vjps=[lambda g, y, x: g / x],
    reads=[(0,)],
    packed=_ROUNDED,
    doc="""Return the natural logarithm of `x`.

    Its derivative is ``1 / x``. Of 0 it is minus infinity, of negative numbers NaN, with NumPy's
    warning.

    Args:
        x: any shape.

    Example:
        >>> log([1.0, 10.0]).data.round(3)
        array([0.   , 2.303], dtype=float32)
    """,
)
sin = op(
    "sin",
    np.sin,
    shape=same,
    vjps=[lambda g, y, x: g * cos(x)],
    reads=[(0,)],
    packed=_ROUNDED,
    doc="""Return the sine of `x`, in radians.

    Its derivative is `cos`.

    Args:
        x: any shape.

    Example:
        >>> sin([0.0, 1.0]).data.round(3)
        array([0.   , 0.841], dtype=float32)
    """,
)
cos: Op = op(
    "cos",
    np.cos,
    shape=same,
    vjps=[lambda g, y, x: -g * sin(x)],
    reads=[(0,)],
    packed=_ROUNDED,
    doc="""Return the cosine of `x`, in radians.

    Its derivative is ``-sin(x)``.

    Args:
        x: any shape.

    Example:
        >>> cos([0.0, 1.0]).data.round(3)
        array([1.  , 0.54], dtype=float32)
    """,
)
sqrt = op(
    "sqrt",
    np.sqrt,
    shape=same,
    vjps=[lambda g, y, x: g / (2 * y)],
    reads=[(OUTPUT,)],
    packed=Packed(),
    doc="""Return the square root of `x`.

    Its derivative is ``1 / (2 sqrt(x))``, infinite at 0. Of negative numbers it is NaN, with
    NumPy's warning.

    Args:
        x: any shape.

    Example:
        >>> sqrt([4.0, 2.0])
        Tensor([2.       , 1.4142135])
    """,
)

# The derivative at 0 is taken as 0, the middle of -1 and 1.
absolute = op(
    "absolute",
    np.absolute,
    shape=same,
    vjps=[lambda g, y, x: g * np.sign(x.array)],
    reads=[(0,)],
    packed=Packed(),
    doc="""Return the magnitude of `x`.

    Its derivative is the sign of `x`, and 0 at 0: the middle of -1 and 1.

    Args:
        x: any shape.

    Example:
        >>> absolute([-2.0, 0.0, 3.0])
        Tensor([2., 0., 3.])
    """,
)


def _clip(x: Array, *, low: float, high: float) -> Array:
    y: Array = np.clip(x, x.dtype.type(low), x.dtype.type(high))
    # Of a zero and a limit of 0 it takes now one, now the other, by the size of the array.
    return np.asarray(y + x.dtype.type(0)) if low == 0 or high == 0 else y


def _clip_vjp(g: Tensor, y: Tensor, x: Tensor, *, low: float, high: float) -> Tensor:
    # Not a product: outside, where g may be infinite, nothing passes.
    return where((x.array >= low) & (x.array <= high), g, 0)


def _between(x: Shape, *, low: float, high: float) -> Shape:
    if low > high:
        raise ShapeError(f"clip: low {low} is above high {high}")
    return x


def _clip_links(first: bool, *, low: float, high: float) -> list[Link]:
    limits = np.array([low, high], np.float32) + np.float32(0)  # there is one zero
    return [("maximum", limits[:1]), ("minimum", limits[1:])]


def _clip_instruction(shapes: tuple[Shape, ...], attributes: dict[str, Any]) -> maps.Limit | None:
    low, high = attributes["low"], attributes["high"]
    for limit in (low, high):
        # NumPy compares with a float64 of its own in float64; of what becomes a zero in float32 the
        # sign is by chance, and of what becomes infinite it warns.
        usual = limit in (0, np.inf, -np.inf) or 1e-30 < abs(limit) < 1e30
        if type(limit) not in (int, float) or not usual:
            return None
    return maps.Limit(low, high)


_clip_op = op(
    "clip",
    _clip,
    shape=same,
    vjps=[_clip_vjp],
    reads=[(0,)],
    packed=Packed(
        attributes={"low": "number", "high": "number"}, shape=_between, links=_clip_links
    ),
    instruction=_clip_instruction,
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
