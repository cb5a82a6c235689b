"""Matrix products."""

import math
from typing import Any

import numpy as np

from ..autodiff import Array, Op, Packed, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..errors import ShapeError
from ..gemm import (
    GemmOperand,
    affine_gradients,
    float_gemm,
    is_large,
    operand_of,
    product,
    sparse_gradients,
)
from ..qtensor import QuantizedTensor
from .linear_instruction import linear_instruction
from .shape import reshape, transpose
from .shapes import broadcast


def _product(a: Shape, b: Shape) -> Shape:
    """As in NumPy, a vector is a row on the left and a column on the right."""
    inner = b[-2] if len(b) > 1 else b[-1] if b else None
    if not a or a[-1] != inner:
        raise ShapeError(
            f"matmul: shapes {a} and {b} do not fit: the last axis of the first must have the "
            "length of the last but one of the second"
        )
    lead = broadcast("matmul", a[:-2], b[:-2])
    return (*lead, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _swap(x: Tensor) -> Tensor:
    axes = list(range(x.ndim))
    return transpose(x, [*axes[:-2], axes[-1], axes[-2]])


def _matrices(g: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return gradient and operands as (stacks of) matrices."""
    rows, columns = a.ndim > 1, b.ndim > 1
    lead = g.shape[: g.ndim - rows - columns]
    full = (*lead, a.shape[-2] if rows else 1, b.shape[-1] if columns else 1)
    return (
        reshape(g, full),
        a if rows else reshape(a, (1, *a.shape)),
        b if columns else reshape(b, (*b.shape, 1)),
    )


def _left_vjp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    g, _, b = _matrices(g, a, b)
    return matmul(g, _swap(b))


def _right_vjp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    vector = b.ndim == 1
    g, a, b = _matrices(g, a, b)
    gradient = matmul(_swap(a), g)
    return reshape(gradient, gradient.shape[:-1]) if vector else gradient


def _matmul(a: Array, b: Array) -> Array:
    if a.dtype == np.float32 and a.ndim == b.ndim == 2:
        return float_gemm(a, b)
    # BLAS sums in an order that follows the layout in memory: it is always the same one here.
    y: Array = np.matmul(np.asarray(a, order="C"), np.asarray(b, order="C"))
    return y


_matmul_op: Op = op(
    "matmul",
    _matmul,
    shape=_product,
    vjps=[_left_vjp, _right_vjp],
    reads=[(1,), (0,)],
    macs=lambda a, b: math.prod(_product(a, b)) * a[-1],
    packed=Packed(inputs=2, batch_invariant=False),
    ufunc=np.matmul,
)


def matmul(a: Any, b: Any) -> Tensor:
    """Return the matrix product, with NumPy's rules for vectors and for stacks of matrices.

    Args:
        a: ``[..., m, k]`` or ``[k]``.
        b: ``[..., k, n]`` or ``[k]``.

    Raises:
        ShapeError: if the shapes do not fit; the message holds both.

    Example:
        >>> matmul([[1.0, 2.0]], [3.0, 4.0])
        Tensor([11.])
    """
    return _matmul_op(a, b)


def affine_shape(x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
    """Return the shape of `linear`."""
    if len(x) < 1 or len(weight) != 2 or x[-1] != weight[1]:
        raise ShapeError(
            f"linear: input of shape {x} does not fit weight of shape {weight}: "
            f"(..., {weight[-1] if weight else '?'}) is needed"
        )
    if bias is not None and bias != weight[:1]:
        raise ShapeError(f"linear: bias of shape {bias} does not fit weight of shape {weight}")
    return (*x[:-1], weight[0])


def _linear(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    quantized: tuple[QuantizedTensor | None, ...],
) -> Array:
    if x.dtype != np.float32:
        y: Array = x @ weight.T
        return y if bias is None else y + bias
    x_operand, w_operand = operand_of(quantized[0], None), operand_of(quantized[1], 0)
    columns = data_of(weight, quantized[1], w_operand)
    return multiplied(data_of(x, quantized[0], x_operand), columns, bias, x_operand, w_operand)


def multiplied(
    x: Array, weight: Array, bias: Array | None, x_operand: GemmOperand, w_operand: GemmOperand
) -> Array:
    """Return the product of what two factors enter with, ``[..., in]`` and ``[out, in]``."""
    if x.ndim == 2:
        return product(x, weight, bias, x_operand, w_operand)
    y = product(matrix(x), weight, bias, x_operand, w_operand)
    return y.reshape(*x.shape[:-1], weight.shape[0])


def data_of(values: Array, quantized: QuantizedTensor | None, factor: GemmOperand) -> Array:
    """Return what a product is computed on: codes where they have levels, else values."""
    return values if quantized is None or factor.levels is None else quantized.codes


def _flat(x: Tensor) -> Tensor:
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    x, weight = inputs[0], inputs[1]
    if not MODE.here.grad and g.array.dtype == np.float32:
        # Nobody differentiates again: one call, without a node for each product.
        rows, samples = matrix(g.array), matrix(x.array)
        found = affine_gradients(rows, samples, weight.array, needs)
        if needs[0] and x.array.ndim != 2:
            assert found[0] is not None
            found[0] = found[0].reshape(x.array.shape)
        return [None if gradient is None else Tensor.of(gradient) for gradient in found]
    return [
        matmul(g, weight) if needs[0] else None,
        matmul(transpose(_flat(g)), _flat(x)) if needs[1] else None,
        *[_flat(g).sum(axis=0) if need else None for need in needs[2:]],
    ]


def matrix(x: Array) -> Array:
    """Return an array with all axes but the last as one."""
    # Not -1 rows: with columns of no length they could not be told.
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


_linear_op = op(
    "linear",
    _linear,
    shape=affine_shape,
    vjp=_linear_vjp,
    reads=[(1,), (0,)],
    macs=lambda x, weight, bias=None: math.prod(x) * weight[0],
    codes="reads",
    packed=Packed(inputs=(2, 3)),
    instruction=linear_instruction,
)


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """Return ``x @ weight.T + bias``.

    In float32 the sums are those of `gemm.operand.factor`: of integers where both sides are
    quantized on whole-number levels, else in one fixed order. A row's result does not depend on the
    others.

    Args:
        x: ``[..., in]``.
        weight: ``[out, in]``.
        bias: ``[out]`` or None.

    Raises:
        ShapeError: if the shapes do not fit; the message holds them.

    Example:
        >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5])
        Tensor([[11.5]])
    """
    return _linear_op(x, weight) if bias is None else _linear_op(x, weight, bias)


class LinearProduct:
    """`linear`, ``[..., in]`` by ``[out, in]``, as `quantized_product` takes it."""

    of_matrices = True
    keeps_codes = False
    shape = staticmethod(affine_shape)
    of = staticmethod(linear)
    forward = staticmethod(multiplied)

    def gradients(
        self, g: Array, x: Array, weight: Array, needs: tuple[bool, ...]
    ) -> list[Array | None]:
        """Return the gradients of input, weight and bias."""
        dx, dw, dbias = affine_gradients(matrix(g), matrix(x), weight, needs)
        return [None if dx is None else dx.reshape(x.shape), dw, dbias]

    def qparams_of_data(
        self, g: Array, x: Array, slopes: tuple[Array, Array | None], weight: QuantizedTensor
    ) -> tuple[tuple[float, float], Array] | None:
        """Return the sums and the weight's gradient where most of the data are one number."""
        rows, samples = matrix(g), matrix(x)
        if not is_large(rows, samples):
            return None
        by_scale, by_shift = slopes
        of_shift = None if by_shift is None else matrix(by_shift)
        return sparse_gradients(rows, samples, matrix(by_scale), of_shift, weight)
