"""Activation functions, and softmax."""

from typing import Any

import numpy as np

from .._kernels import maps
from .._kernels import training as kernel
from ..autodiff import OUTPUT, Array, Op, Packed, Shape, Tensor, op
from ..errors import ShapeError
from ..gemm import elementwise
from ..machine import empty, kernel_settings
from .arithmetic import clip, exp
from .reduction import sum as sum_
from .shapes import normalized_axes, same


# In float32 both have the same bits on every machine, so that what is deployed anywhere can equal
# what was trained; in float64, which serves to check gradients, NumPy's are used.
def _tanh(x: Array) -> Array:
    y: Array = elementwise.tanh(x) if x.dtype == np.float32 else np.tanh(x)
    return y


tanh = op(
    "tanh",
    _tanh,
    shape=same,
    vjps=[lambda g, y, x: g * (1 - y * y)],
    reads=[(OUTPUT,)],
    packed=Packed(links=lambda first: [("tanh", None)], batch_invariant=False),
    ufunc=np.tanh,
    doc="""Return the hyperbolic tangent of `x`.

    Its derivative is ``1 - tanh(x)**2``. In float32 it has the same bits on every machine.

    Args:
        x: any shape.

    Example:
        >>> tanh([0.0, 1.0])
        Tensor([0.       , 0.7615942])
    """,
)


def _sigmoid(x: Array) -> Array:
    if x.dtype == np.float32:
        return elementwise.sigmoid(x)
    # By tanh: no overflow for large |x|.
    half = x.dtype.type(0.5)
    y: Array = np.tanh(x * half) * half + half
    return y


sigmoid = op(
    "sigmoid",
    _sigmoid,
    shape=same,
    vjps=[lambda g, y, x: g * y * (1 - y)],
    reads=[(OUTPUT,)],
    packed=Packed(links=lambda first: [("sigmoid", None)], batch_invariant=False),
    doc="""Return ``1 / (1 + exp(-x))``, computed without overflow.

    Its derivative is ``y * (1 - y)`` of the value `y`. In float32 it has the same bits on every
    machine.

    Args:
        x: any shape.

    Example:
        >>> sigmoid([0.0, 2.0])
        Tensor([0.5      , 0.8807971])
    """,
)


def _softplus(x: Array) -> Array:
    # Not log(1 + exp(x)), which overflows, and is 0 below -17.
    y: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return np.asarray(y, x.dtype)


softplus = op(
    "softplus",
    _softplus,
    shape=same,
    vjps=[lambda g, y, x: g * sigmoid(x)],
    doc="""Return ``log(1 + exp(x))``, a smooth `relu`, computed without overflow.

    Its derivative is `sigmoid`.

    Args:
        x: any shape.

    Example:
        >>> softplus([0.0, 100.0]).data.round(3)
        array([  0.693, 100.   ], dtype=float32)
    """,
)


def _relu(x: Array) -> Array:
    if x.dtype != np.float32:
        return np.asarray(np.maximum(x, x.dtype.type(0)))
    x, out = np.asarray(x, order="C"), empty(x.shape, np.float32)
    kernel.relu(*kernel_settings(), x, out)
    return out


def _alike(g: Shape, x: Shape) -> Shape:
    if g != x:
        raise ShapeError(f"relu_gradient: gradient of shape {g} for input of shape {x}")
    return x


def _relu_gradient(g: Array, x: Array) -> Array:
    g, x = np.asarray(g, order="C"), np.asarray(x, order="C")
    if x.dtype != np.float32:
        return np.where(x > 0, g, x.dtype.type(0))
    out = empty(x.shape, np.float32)
    kernel.relu_backward(*kernel_settings(), g, x, out)
    return out


# The maximum of relus is the relu of the maximum, to the bit.
relu = op(
    "relu",
    _relu,
    shape=same,
    vjps=[lambda g, y, x: relu_gradient(g, x)],
    reads=[(0,)],
    packed=Packed(
        links=lambda first: [("maximum", np.array([0], np.float32))], beside_quantizer="follows"
    ),
    instruction=lambda shapes, attributes: maps.Relu(),
    doc="""Return `x` where it is above 0, and 0 elsewhere.

    Its derivative is 1 above 0 and 0 elsewhere, at 0 too.

    Args:
        x: any shape.

    Example:
        >>> relu([-1.0, 0.0, 2.0])
        Tensor([0., 0., 2.])
    """,
)

# The derivative of relu at 0 is taken as 0. Linear in g, and constant in x almost everywhere.
relu_gradient: Op = op(
    "relu_gradient",
    _relu_gradient,
    shape=_alike,
    vjps=[lambda h, y, g, x: relu_gradient(h, x), lambda h, y, g, x: h * 0],
    reads=[(1,)],
)


def hardtanh(x: Any) -> Tensor:
    """Return `x` limited to -1..1, the float counterpart of a binary activation.

    Example:
        >>> hardtanh([-2.0, 0.5])
        Tensor([-1. ,  0.5])
    """
    return clip(x, -1, 1)


def _along(name: str) -> Any:
    def rule(shape: Shape, *, axis: int) -> Shape:
        normalized_axes(name, axis, shape)
        return shape

    return rule


def _log_softmax(x: Array, *, axis: int) -> Array:
    if x.size == 0:
        return x.copy()
    x = np.asarray(x, order="C")  # the order of summing follows the layout
    shifted: Array = x - x.max(axis=axis, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted


def _softmax(x: Array, *, axis: int) -> Array:
    if x.size == 0:
        return x.copy()
    x = np.asarray(x, order="C")
    e: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    return e


def _softmax_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: int) -> Tensor:
    return y * (g - sum_(g * y, axis=axis, keepdims=True))


def _log_softmax_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: int) -> Tensor:
    return g - exp(y) * sum_(g, axis=axis, keepdims=True)


_ALONG = Packed(attributes={"axis": "whole"}, batch_invariant=False)

_softmax_op = op(
    "softmax",
    _softmax,
    shape=_along("softmax"),
    vjps=[_softmax_vjp],
    reads=[(OUTPUT,)],
    packed=_ALONG,
)
_log_softmax_op = op(
    "log_softmax",
    _log_softmax,
    shape=_along("log_softmax"),
    vjps=[_log_softmax_vjp],
    reads=[(OUTPUT,)],
    packed=_ALONG,
)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """Return ``exp(x) / sum(exp(x))`` along an axis, computed without overflow.

    Example:
        >>> softmax([[0.0, 0.0]])
        Tensor([[0.5, 0.5]])
    """
    return _softmax_op(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`, accurate also where softmax is about zero.

    Example:
        >>> log_softmax([[0.0, 1000.0]])
        Tensor([[-1000.,     0.]])
    """
    return _log_softmax_op(x, axis=axis)
