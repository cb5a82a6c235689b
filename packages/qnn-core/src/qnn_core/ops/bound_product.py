"""A product of quantized factors that is taken again and again, of arrays of the same shapes."""

from typing import Any, NamedTuple

import numpy as np

from .._kernels import float_gemm, training
from ..autodiff import Array, Op, Tensor
from ..autodiff.mode import MODE
from ..autodiff.node import Node
from ..gemm import GemmOperand, channel_sums, quantized_operand
from ..gemm.gemm import FEW_PRODUCTS, floats_suffice
from ..machine import empty, kernel_settings
from ..qtensor import QuantizedTensor
from ..quantizer import Quantizer, codebook
from .linear import LinearProduct

Gradients = list[Tensor | None]
# Beyond them, the general way says what is wrong.
GREATEST = 1e30


class Made(NamedTuple):
    """What forward made that backward needs: both sides as they were.

    Attributes:
        x, weight: as codes.
        samples: the input's values.
    """

    x: QuantizedTensor
    weight: QuantizedTensor
    samples: Array


class _Side:
    """One factor: its tables, and where its codes, values and elements go."""

    def __init__(self, shape: tuple[int, ...], quantizer: Quantizer) -> None:
        found = codebook(quantizer)
        self.levels, self.bits, self.book = found.levels, quantizer.bits, found.book
        self.greatest = max(abs(end) for end in found.ends)
        grid = _operand(quantizer).integer_levels
        assert grid is not None
        self.grid = grid
        self.codes = empty(shape, np.uint8)
        self.values = empty(shape, np.float32)
        self.elements = empty(shape, np.float32)

    def take(self, where: tuple[int, int], x: Array, scale: Array, shift: Array) -> bool:
        """Quantize the data; return whether all of them are finite."""
        size = x.size
        finite: bool = training.fake_forward(
            *where, self.book, x, scale, shift, 1, size, False, self.codes, self.values
        )
        if finite:
            training.lookup(*where, self.codes, self.grid.floats, self.elements)
        return finite

    def made(self, scale: Array, shift: Array) -> QuantizedTensor:
        return QuantizedTensor(self.codes, self.bits, self.levels, scale.copy(), shift.copy(), None)

    def gradients(
        self, x: Array, made: QuantizedTensor, g: Array | None, needs: tuple[bool, ...]
    ) -> Gradients:
        """Return the gradients of data, scale and shift; those of the data are written over `g`."""
        if g is None:
            return [None] * 3
        total = np.empty(1) if needs[1] else None
        training.fake_backward(
            *kernel_settings(),
            self.book,
            x,
            made.scale,
            made.shift,
            1,
            x.size,
            False,
            made.codes,
            g,
            g if needs[0] else None,
            total,
            None,
        )
        by_scale = None if total is None else Tensor.of(np.array(total[0], np.float32))
        return [Tensor.of(g) if needs[0] else None, by_scale, None]


class BoundProduct:
    """In place of `quantized_product` for matrices of few elements: the same bits, sooner.

    What shapes and quantizers decide is decided once, and arrays are used again: the codes and
    values of one run are there until the next one begins. Where scales or arrays are not what it
    takes, it does as the operation does.

    Args:
        op: the operation.
        shapes: of the input and the weight.
        quantizers: of both, without qparams for channels.
    """

    bound = None

    def __init__(
        self,
        op: Op,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        quantizers: tuple[Quantizer, Quantizer],
    ) -> None:
        self._op = op
        self.name, self.reads, self.codes = op.name, op.reads, op.codes
        (self._m, self._k), (self._n, _) = shapes
        self._x, self._w = (_Side(s, q) for s, q in zip(shapes, quantizers, strict=True))
        self._unit = float(self._x.grid.unit * self._w.grid.unit)
        self._column = np.empty(self._n, np.float32)
        self._bound = False

    def again(
        self, tensors: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Do what `Op.again` does."""
        x, x_scale, x_shift, w, w_scale, w_shift = [t.array for t in tensors[:6]]
        self._bound = (
            float(x_shift) == 0
            and float(w_shift) == 0
            and x.flags.c_contiguous
            and w.flags.c_contiguous
            and self._scales(x_scale, w_scale)
        )
        where = kernel_settings()
        if (
            not self._bound
            or not self._x.take(where, x, x_scale, x_shift)
            or not self._w.take(where, w, w_scale, w_shift)
        ):
            self._bound = False
            self._op.again(tensors, attributes, output)
            return
        y = empty((self._m, self._n), np.float32)
        bias = tensors[6].array if len(tensors) > 6 else None
        float_gemm.affine(
            *where,
            self._x.elements,
            self._w.elements,
            self._column,
            bias,
            y,
            self._m,
            self._n,
            self._k,
        )
        output.array = y
        node: Any = output.node
        node.residual = Made(
            self._x.made(x_scale, x_shift), self._w.made(w_scale, w_shift), self._x.values
        )

    def _scales(self, x_scale: Array, w_scale: Array) -> bool:
        """Set the scale of the sums; return whether both are what is mostly the case."""
        if x_scale.ndim or w_scale.ndim:
            return False
        x, w = float(x_scale), float(w_scale)
        both = x * w
        usual = (
            0 < x * self._x.greatest < GREATEST
            and 0 < w * self._w.greatest < GREATEST
            and 1 / GREATEST < both < GREATEST
        )
        if usual:
            self._column.fill(np.float32(both) * np.float32(self._unit))
        return usual

    def pull(self, g: Tensor, y: Tensor, node: Node, needs: tuple[bool, ...]) -> Any:
        """Do what `Op.pull` does."""
        rows = g.array
        if not self._bound or MODE.here.grad or not rows.flags.c_contiguous or needs[2] or needs[5]:
            return self._op.pull(g, y, node, needs)
        x, w = node.inputs[0].array, node.inputs[3].array
        made: Made = node.residual
        for_x, for_w = needs[0] or needs[1], needs[3] or needs[4]
        where = kernel_settings()
        dx = empty(x.shape, np.float32) if for_x else None
        dw = empty(w.shape, np.float32) if for_w else None
        if for_x or for_w:
            float_gemm.affine_gradients(
                *where, rows, self._x.values, self._w.values, dx, dw, self._m, self._n, self._k
            )
        answers: Gradients = [
            *self._x.gradients(x, made.x, dx, needs[0:2]),
            *self._w.gradients(w, made.weight, dw, needs[3:5]),
        ]
        if len(needs) > 6:
            answers.append(Tensor.of(channel_sums(rows)) if needs[6] else None)
        return answers


def bound_product(op: Op, tensors: tuple[Tensor, ...], attributes: dict[str, Any]) -> Any:
    """Return what stands for the operation in a program, or None where that does not pay.

    Args:
        op: `quantized_product`.
        tensors: what it took, with their arrays.
        attributes: likewise.
    """
    x, w = tensors[0].array, tensors[3].array
    quantizers: tuple[Quantizer, Quantizer] = attributes["quantizers"]
    few = x.ndim == w.ndim == 2 and x.shape[0] * w.size <= FEW_PRODUCTS and x.dtype == np.float32
    if not few or not isinstance(attributes["product"], LinearProduct) or quantizers[1].axis == 0:
        return None
    first, second = (_operand(q) for q in quantizers)
    if not floats_suffice(first, second, w.shape[1]):
        return None
    return BoundProduct(op, (x.shape, w.shape), quantizers)


def _operand(quantizer: Quantizer) -> GemmOperand:
    """Return what a factor without a shift is."""
    one, zero = np.ones((), np.float32), np.zeros((), np.float32)
    return quantized_operand(codebook(quantizer).levels, one, zero, along_reduction=False)
