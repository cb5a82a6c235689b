"""A product of quantized factors that is taken again and again, of arrays of the same shapes."""

from typing import Any, NamedTuple

import numpy as np

from .._kernels import float_gemm, training
from ..autodiff import Array, Op, Tensor
from ..autodiff.mode import MODE
from ..autodiff.node import Node
from ..gemm import IntegerLevels, channel_sums, quantized_operand
from ..gemm.gemm import FEW_PRODUCTS
from ..gemm.operand import FLOAT_LIMIT
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
        self.codes = empty(shape, np.uint8)
        self.values = empty(shape, np.float32)
        self.elements = empty(shape, np.float32)
        # By the zero point, which hardly ever changes.
        self._grids: dict[float, IntegerLevels | None] = {}

    def grid(self, scale: Array, shift: Array) -> IntegerLevels | None:
        """Return the elements as whole numbers, None if they are not; see `quantized_operand`."""
        zero = 0.0
        if shift != 0:
            rounded = np.rint(-shift / scale)
            if -(scale * rounded) != shift:
                return None
            zero = float(rounded)
        if zero not in self._grids:
            operand = quantized_operand(self.levels, scale, shift, along_reduction=False)
            self._grids = {zero: operand.integer_levels}
        return self._grids[zero]

    def take(
        self, where: tuple[int, int], x: Array, scale: Array, shift: Array, grid: IntegerLevels
    ) -> bool:
        """Quantize the data; return whether all of them are finite."""
        size = x.size
        finite: bool = training.fake_forward(
            *where, self.book, x, scale, shift, 1, size, False, self.codes, self.values
        )
        if finite:
            training.lookup(*where, self.codes, grid.floats, self.elements)
        return finite

    def made(self, scale: Array, shift: Array) -> QuantizedTensor:
        """Return the data as codes, with qparams of their own."""
        return QuantizedTensor(self.codes, self.bits, self.levels, scale.copy(), shift.copy(), None)

    def gradients(
        self, x: Array, made: QuantizedTensor, g: Array | None, needs: tuple[bool, ...]
    ) -> Gradients:
        """Return the gradients of data, scale and shift; those of the data are written over `g`."""
        if g is None:
            return [None] * 3
        totals = [np.empty(1) if need else None for need in needs[1:]]
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
            *totals,
        )
        rest = [None if t is None else Tensor.of(np.array(t[0], np.float32)) for t in totals]
        return [Tensor.of(g) if needs[0] else None, *rest]


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
        self._column = np.empty(self._n, np.float32)
        self._bound = False

    def again(
        self, tensors: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Do what `Op.again` does."""
        self._bound = self._done(tensors, output)
        if not self._bound:
            self._op.again(tensors, attributes, output)

    def _done(self, tensors: tuple[Tensor, ...], output: Tensor) -> bool:
        """Make the output; return False where something is not what it mostly is."""
        x, x_scale, x_shift, w, w_scale, w_shift = [t.array for t in tensors[:6]]
        if not (x.flags.c_contiguous and w.flags.c_contiguous) or not self._usual(x_scale, w_scale):
            return False
        x_grid, w_grid = self._x.grid(x_scale, x_shift), self._w.grid(w_scale, w_shift)
        if x_grid is None or w_grid is None or not _sums_are_exact(x_grid, w_grid, self._k):
            return False
        where = kernel_settings()
        if not self._x.take(where, x, x_scale, x_shift, x_grid):
            return False
        if not self._w.take(where, w, w_scale, w_shift, w_grid):
            return False
        # A double holds the product of two scales exactly: see `gemm.joint_scale`.
        both = np.float32(float(x_scale) * float(w_scale))
        self._column.fill(both * np.float32(x_grid.unit * w_grid.unit))
        y = empty((self._m, self._n), np.float32)
        bias = tensors[6].array if len(tensors) > 6 else None
        elements = self._x.elements, self._w.elements
        float_gemm.affine(*where, *elements, self._column, bias, y, self._m, self._n, self._k)
        output.array = y
        node: Any = output.node
        made = self._x.made(x_scale, x_shift), self._w.made(w_scale, w_shift)
        node.residual = Made(*made, self._x.values)
        return True

    def _usual(self, x_scale: Array, w_scale: Array) -> bool:
        """Return whether both scales are single numbers, far from what float32 holds at all."""
        if x_scale.ndim or w_scale.ndim:
            return False
        x, w = float(x_scale), float(w_scale)
        return (
            0 < x * self._x.greatest < GREATEST
            and 0 < w * self._w.greatest < GREATEST
            and 1 / GREATEST < x * w < GREATEST
        )

    def pull(self, g: Tensor, y: Tensor, node: Node, needs: tuple[bool, ...]) -> Any:
        """Do what `Op.pull` does."""
        rows = g.array
        if not self._bound or MODE.here.grad or not rows.flags.c_contiguous:
            return self._op.pull(g, y, node, needs)
        x, w = node.inputs[0].array, node.inputs[3].array
        made: Made = node.residual
        dx = empty(x.shape, np.float32) if any(needs[:3]) else None
        dw = empty(w.shape, np.float32) if any(needs[3:6]) else None
        if dx is not None or dw is not None:
            factors = rows, self._x.values, self._w.values
            sizes = self._m, self._n, self._k
            float_gemm.affine_gradients(*kernel_settings(), *factors, dx, dw, *sizes)
        answers: Gradients = [
            *self._x.gradients(x, made.x, dx, needs[0:3]),
            *self._w.gradients(w, made.weight, dw, needs[3:6]),
        ]
        if len(needs) > 6:
            answers.append(Tensor.of(channel_sums(rows)) if needs[6] else None)
        return answers


def _sums_are_exact(x: IntegerLevels, w: IntegerLevels, k: int) -> bool:
    """Whether float32 holds every sum of products: see `gemm.floats_suffice`."""
    return not x.zero.ndim and not w.zero.ndim and max(k, 1) * x.reach * w.reach < FLOAT_LIMIT


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
    return BoundProduct(op, (x.shape, w.shape), quantizers)
