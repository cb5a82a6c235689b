"""Two quantizers and the product of what they make, as one operation: a quantized layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..autodiff import Array, Op, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..gemm import GemmOperand, operand_of
from ..machine import empty
from ..qtensor import (
    QuantizedTensor,
    clip_gradients,
    clips,
    decoded,
    qparam_slopes,
    quantized,
)
from ..qtensor.fake_quantize import check_qparams
from ..quantizer import Quantizer
from .linear_instruction import quantized_instruction
from .quantize import fake_quantize

Quantizers = tuple[Quantizer, Quantizer]
Gradients = list[Array | None]
# Of each element of the data: the derivative in the scale, and in the shift if that is asked for.
Slopes = tuple[Array, Array | None]
# Data, scale and shift.
Side = tuple[Any, Any, Any]


class Made(NamedTuple):
    """What forward made that backward needs: both sides as they were.

    Attributes:
        x, weight: as codes.
        samples: the input's values; of a product that keeps its codes, these.
    """

    x: QuantizedTensor
    weight: QuantizedTensor
    samples: Array | QuantizedTensor


class Product(Protocol):
    """What a layer does with its input and its weight: `LinearProduct` or `ConvProduct`."""

    @property
    def of_matrices(self) -> bool:
        """Whether it is the product of two matrices, the second one transposed."""

    @property
    def keeps_codes(self) -> bool:
        """Whether its gradients take the codes of the input, a quarter of the memory of values."""

    def shape(self, x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
        """Return the shape of the product, or raise a ShapeError."""

    def of(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the product of tensors."""

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        x_operand: GemmOperand,
        w_operand: GemmOperand,
    ) -> Array:
        """Return the product of what two factors enter with: codes or values."""

    def gradients(self, g: Array, x: Any, weight: Array, needs: tuple[bool, ...]) -> Gradients:
        """Return the gradients of input, weight and bias, of values; None where not needed."""

    def qparams_of_data(
        self, g: Array, x: Any, slopes: Slopes, weight: QuantizedTensor
    ) -> tuple[tuple[float, float], Array] | None:
        """Return the sums of both slopes times the input's gradient, and the weight's gradient.

        None where that is no quicker than by way of the input's gradient.
        """


def fits(x: Quantizer, weight: Quantizer) -> bool:
    """Whether `quantized_product` has the gradients of these two."""
    return x.axis is None and weight.axis in (None, 0) and clips(x) and clips(weight)


def _shape(*shapes: Shape, quantizers: Quantizers, product: Product) -> Shape:
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = shapes
    check_qparams("quantized_product", x, quantizers[0].axis, x_scale, x_shift)
    check_qparams("quantized_product", weight, quantizers[1].axis, w_scale, w_shift)
    return product.shape(x, weight, *bias)


def _forward(*arrays: Array, quantizers: Quantizers, product: Product) -> tuple[Array, Made]:
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = arrays
    samples = None if product.keeps_codes else empty(x.shape, x.dtype)
    x_made = quantized(x, x_scale, x_shift, quantizers[0], samples)
    w_made = quantized(weight, w_scale, w_shift, quantizers[1])
    x_operand, w_operand = operand_of(x_made, None), operand_of(w_made, 0)
    rows = x_made.codes
    if x_operand.levels is None:
        rows = decoded(x_made) if samples is None else samples
    columns = decoded(w_made) if w_operand.levels is None else w_made.codes
    y = product.forward(rows, columns, bias[0] if bias else None, x_operand, w_operand)
    return y, Made(x_made, w_made, x_made if samples is None else samples)


def _vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Made,
) -> list[Tensor | None]:
    made, quantizers, product = residual, attributes["quantizers"], attributes["product"]
    if MODE.here.grad:
        return _composed_vjp(g, inputs, needs, made, **attributes)
    asked = needs
    # All that could be asked for: which sums a scale is taken by must not depend on what is.
    needs = tuple([tensor.requires_grad for tensor in inputs])
    x, weight = inputs[0].array, inputs[3].array
    for_x, for_w, for_bias = any(needs[:3]), any(needs[3:6]), any(needs[6:])
    dw: Array | None
    by_x: Gradients = [None] * 3
    found = None
    if needs[:2] == (False, True) and for_w:
        # Data need no gradient, and their scale and shift need only sums over it.
        both = qparam_slopes(x, made.x, quantizers[0], shift=needs[2])
        found = product.qparams_of_data(g.array, made.samples, both, made.weight)
    if found is not None:
        totals, dw = found
        for n in (1, 2):
            if needs[n]:
                by_x[n] = np.array(totals[n - 1], x.dtype).reshape(made.x.scale.shape)
        _, _, dbias = product.gradients(g.array, made.samples, weight, (False, False, for_bias))
    else:
        values = decoded(made.weight) if for_x else weight
        dx, dw, dbias = product.gradients(g.array, made.samples, values, (for_x, for_w, for_bias))
        if dx is not None:
            by_x = _through(dx, x, made.x, quantizers[0], needs[:3])
    by_w: Gradients = [None] * 3
    if dw is not None:
        by_w = _through(dw, weight, made.weight, quantizers[1], needs[3:6])
    answers = zip([*by_x, *by_w, dbias], asked, strict=False)  # the bias is not always there
    return [None if a is None or not ask else Tensor.of(a) for a, ask in answers]


def _through(
    g: Array, x: Array, made: QuantizedTensor, quantizer: Quantizer, needs: tuple[bool, ...]
) -> Gradients:
    """Return the gradients of what was quantized and of its qparams; `g` is overwritten."""
    found = clip_gradients(g, x, made, quantizer, needs, in_place=True)
    assert found is not None
    return found


def _composed_vjp(
    g: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    made: Made,
    *,
    quantizers: Quantizers,
    product: Product,
) -> list[Tensor | None]:
    """Differentiate what this operation stands for, so that it can be differentiated again.

    By the derivatives of the three themselves: a walk from here would go on behind the inputs, and
    find the weight of a layer that is used twice a second time.
    """
    x, weight = (
        fake_quantize(*inputs[at : at + 3], quantizer=quantizer)
        for at, quantizer in zip((0, 3), quantizers, strict=True)
    )
    # As they were: what is trained or calibrated may have changed in place since.
    samples = made.samples
    x.array = decoded(samples) if isinstance(samples, QuantizedTensor) else samples
    x.quantized = made.x
    weight.array, weight.quantized = decoded(made.weight), made.weight
    y = product.of(x, weight, *inputs[6:])
    sides = any(needs[:3]), any(needs[3:6])
    dx, dw, *dbias = _pulled(g, y, (*sides, *needs[6:]))
    by_x = [None] * 3 if dx is None else _pulled(dx, x, needs[:3])
    by_w = [None] * 3 if dw is None else _pulled(dw, weight, needs[3:6])
    return [*by_x, *by_w, *dbias]


def _pulled(g: Tensor, y: Tensor, needs: tuple[bool, ...]) -> Sequence[Tensor | None]:
    node = y.node
    assert node is not None
    return node.op.pull(g, y, node, needs)


def composed(*inputs: Tensor, quantizers: Quantizers, product: Product) -> Tensor:
    """Return what `quantized_product` does, in the operations that it stands for."""
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = inputs
    return product.of(
        fake_quantize(x, x_scale, x_shift, quantizer=quantizers[0]),
        fake_quantize(weight, w_scale, w_shift, quantizer=quantizers[1]),
        *bias,
    )


# The qparams, the codes and the input's values are kept as they were.
_quantized_product_op: Op = op(
    "quantized_product",
    _forward,
    shape=_shape,
    vjp=_vjp,
    reads=[(0,), (0,), (0,), (3,), (3,), (3,)],
    residual=True,
    instruction=quantized_instruction,
)


def quantized_product(
    x: Side, weight: Side, bias: Any = None, *, quantizers: Quantizers, product: Product
) -> Tensor:
    """Return the product of the input and the weight, each after `fake_quantize`: the same bits.

    One operation instead of three, which writes no values of the weight, and, of data that need no
    gradient, computes only what the gradient of their scale takes. Its gradients are those of the
    three, but for the order of sums: of the scale of data, and of the weight where most of the data
    are one number that is not zero.

    Args:
        x: data, scale and shift, as `fake_quantize` takes them: float32, and qparams of shape ().
        weight: likewise: output channels first, and qparams of shape () or, with axis 0, ``[out]``.
        bias: ``[out]`` or None.
        quantizers: of the input and of the weight; see `fits`.
        product: what is done with them.

    Raises:
        NonFiniteError, ShapeError: see `fake_quantize` and the product.

    Example:
        >>> import qnn_core as qnn
        >>> from qnn_core.ops.linear import LinearProduct
        >>> two = qnn.get_quantizer("uniform:2"), qnn.get_quantizer("symmetric:2")
        >>> x, weight = ([[0.4, 3.1]], 1, 0), ([[0.6, 2.0]], 0.5, 0)
        >>> quantized_product(x, weight, quantizers=two, product=LinearProduct())
        Tensor([[1.5]])
    """
    biases = () if bias is None else (bias,)
    return _quantized_product_op(*x, *weight, *biases, quantizers=quantizers, product=product)
