"""Two quantizers and the product of what they make, as one operation: a layer in training."""

from typing import Any, NamedTuple

import numpy as np

from ..autodiff import Array, Op, Shape, Tensor, grad, op
from ..autodiff.mode import MODE
from ..coded import Quantized, clip_gradients, clips, codes_of, decoded, fake, slopes
from ..coded.rows import check_frame
from ..products import affine_gradients, data_gradients, is_large, operand
from ..quantizer import Quantizer, codebook
from .linear import affine_shape, linear, matrix, multiplied
from .quantize import fake_quantize

Quantizers = tuple[Quantizer, Quantizer]


class Made(NamedTuple):
    """What forward made and backward needs.

    Attributes:
        x, weight: as codes.
        samples: the input's values.
    """

    x: Quantized
    weight: Quantized
    samples: Array


def fits(x: Quantizer, weight: Quantizer) -> bool:
    """Whether `quantized_linear` has the gradients of these two."""
    return clips(x) and clips(weight) and x.axis is None and weight.axis in (None, 0)


def _shape(*shapes: Shape, quantizers: Quantizers, made: list[Made]) -> Shape:
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = shapes
    for data, quantizer, frames in (
        (x, quantizers[0], (x_scale, x_shift)),
        (weight, quantizers[1], (w_scale, w_shift)),
    ):
        for frame in frames:
            check_frame(data, frame, quantizer.axis, "quantized_linear")
    return affine_shape(x, weight, *bias)


def _forward(*arrays: Array, quantizers: Quantizers, made: list[Made]) -> Array:
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = arrays
    codes, samples = fake(x, x_scale, x_shift, quantizers[0])
    x_made = _coded(codes, x_scale, x_shift, quantizers[0])
    w_codes = codes_of(weight, w_scale, w_shift, quantizers[1])
    w_made = _coded(w_codes, w_scale, w_shift, quantizers[1])
    made.append(Made(x_made, w_made, samples))
    x_factor, w_factor = operand(x_made, None), operand(w_made, 0)
    rows = samples if x_factor.levels is None else codes
    columns = decoded(w_made) if w_factor.levels is None else w_codes
    return multiplied(rows, columns, bias[0] if bias else None, x_factor, w_factor)


def _coded(codes: Array, scale: Array, shift: Array, quantizer: Quantizer) -> Quantized:
    # Frames are trained in place; what the codes mean must not change with them.
    levels = codebook(quantizer).levels
    return Quantized(codes, quantizer.bits, levels, scale.copy(), shift.copy(), quantizer.axis)


def _vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    quantizers = attributes["quantizers"]
    if MODE.here.grad:
        return _composed_vjp(g, inputs, needs, quantizers)
    (made,) = attributes["made"]
    x, weight = inputs[0].data, inputs[3].data
    rows, samples = matrix(g.data), matrix(made.samples)
    for_x, for_w, for_bias = any(needs[:3]), any(needs[3:6]), any(needs[6:])
    by_x: list[Array | None] | None = None
    dx = dw = None
    if needs[:3] == (False, True, False) and for_w and is_large(rows, samples):
        total, dw = _scale_of_data(rows, samples, matrix(x), made, quantizers[0])
        by_x = None if total is None else [None, total, None]
    wanted = for_x and by_x is None, for_w and by_x is None, for_bias
    w_values = decoded(made.weight) if wanted[0] else weight
    dx, own_dw, dbias = affine_gradients(rows, samples, w_values, wanted)
    dw = own_dw if by_x is None else dw
    if by_x is None:
        by_x = [None] * 3
        if dx is not None:
            dx = dx.reshape(x.shape)
            by_x = clip_gradients(dx, x, made.x, quantizers[0], needs[:3], in_place=True)
    by_w: list[Array | None] | None = [None] * 3
    if dw is not None:
        by_w = clip_gradients(dw, weight, made.weight, quantizers[1], needs[3:6], in_place=True)
    assert by_x is not None
    assert by_w is not None
    found = [*by_x, *by_w, dbias]
    return [None if gradient is None else Tensor.of(gradient) for gradient in found[: len(needs)]]


def _scale_of_data(
    g: Array, samples: Array, x: Array, made: Made, quantizer: Quantizer
) -> tuple[Array | None, Array | None]:
    """Return the gradients of the input's scale and of the quantized weight.

    Data need no gradient, and their scale needs only a sum over it: where most of the data are
    zeros, most of that is not computed. Both are None where it does not pay.
    """
    slope = slopes(x, made.x, quantizer)
    found = data_gradients(g, samples, slope, made.weight)
    if found is None:
        return None, None
    total, dw = found
    return np.array(total, x.dtype).reshape(made.x.scale.shape), dw


def _composed_vjp(
    g: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    quantizers: Quantizers,
) -> list[Tensor | None]:
    """Differentiate what this operation stands for, so that it can be differentiated again."""
    y = composed(*inputs, quantizers=quantizers)
    wanted = [tensor for tensor, need in zip(inputs, needs, strict=True) if need]
    found = iter(grad(y, wanted, g, create_graph=True))
    return [next(found) if need else None for need in needs]


def composed(*inputs: Tensor, quantizers: Quantizers) -> Tensor:
    """Return what `quantized_linear` does, in the operations that it stands for."""
    x, x_scale, x_shift, weight, w_scale, w_shift, *bias = inputs
    return linear(
        fake_quantize(x, x_scale, x_shift, quantizer=quantizers[0]),
        fake_quantize(weight, w_scale, w_shift, quantizer=quantizers[1]),
        *bias,
    )


_quantized_linear_op: Op = op("quantized_linear", _forward, shape=_shape, vjp=_vjp)


def quantized_linear(
    x: Any,
    x_frame: tuple[Any, Any],
    weight: Any,
    w_frame: tuple[Any, Any],
    bias: Any = None,
    *,
    quantizers: Quantizers,
) -> Tensor:
    """Return `linear` of the input and the weight, each after `fake_quantize`: the same bits.

    One operation instead of three, which writes no values of the weight, and, of data that need no
    gradient, computes only what the gradient of their scale takes. Its gradients are those of the
    three, but for the order in which the gradient of the scale of data is summed up.

    Args:
        x: float32 ``[..., in]``.
        x_frame: scale and shift of the input, of shape ().
        weight: float32 ``[out, in]``.
        w_frame: those of the weight, of shape () or, with axis 0, ``[out]``.
        bias: ``[out]`` or None.
        quantizers: of the input and of the weight; see `fits`.

    Raises:
        NonFiniteError, ShapeError: see `fake_quantize` and `linear`.

    Example:
        >>> import qnn_core as qnn
        >>> two = qnn.get_quantizer("uniform:2"), qnn.get_quantizer("symmetric:2")
        >>> quantized_linear([[0.4, 3.1]], (1, 0), [[0.6, 2.0]], (0.5, 0), quantizers=two)
        Tensor([[1.5]])
    """
    biases = () if bias is None else (bias,)
    return _quantized_linear_op(
        x, *x_frame, weight, *w_frame, *biases, quantizers=quantizers, made=[]
    )
