"""A product of float factors that is taken again and again, of arrays of the same shapes."""

from typing import Any

import numpy as np

from .._kernels import float_gemm
from ..autodiff import Op, Tensor
from ..autodiff.mode import MODE
from ..autodiff.node import Node
from ..gemm import channel_sums
from ..gemm.gemm import MANY_ROWS
from ..machine import empty, kernel_settings


class BoundLinear:
    """In place of `linear` for float32 matrices: the same kernels, without what leads to them.

    Args:
        op: the operation, which does what this does not take.
        m: samples.
        n: outputs.
        k: inputs.
    """

    bound = None

    def __init__(self, op: Op, m: int, n: int, k: int) -> None:
        self._op = op
        self.name, self.reads, self.codes = op.name, op.reads, op.codes
        self._sizes = m, n, k

    def again(
        self, tensors: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Do what `Op.again` does."""
        x, w = tensors[0], tensors[1]
        quantized = x.quantized is not None or w.quantized is not None
        if quantized or not x.array.flags.c_contiguous or not w.array.flags.c_contiguous:
            self._op.again(tensors, attributes, output)
            return
        m, n, k = self._sizes
        y = empty((m, n), np.float32)
        bias = tensors[2].array if len(tensors) > 2 else None
        float_gemm.affine(*kernel_settings(), x.array, w.array, None, bias, y, m, n, k)
        output.array = y

    def pull(self, g: Tensor, y: Tensor, node: Node, needs: tuple[bool, ...]) -> Any:
        """Do what `Op.pull` does."""
        rows, x, w = g.array, node.inputs[0].array, node.inputs[1].array
        plain = rows.flags.c_contiguous and x.flags.c_contiguous and w.flags.c_contiguous
        if MODE.here.grad or not plain:
            return self._op.pull(g, y, node, needs)
        m, n, k = self._sizes
        dx = empty((m, k), np.float32) if needs[0] else None
        dw = empty((n, k), np.float32) if needs[1] else None
        if dx is not None or dw is not None:
            float_gemm.affine_gradients(*kernel_settings(), rows, x, w, dx, dw, m, n, k)
        found = [dx, dw, *[channel_sums(rows) if need else None for need in needs[2:]]]
        return [None if gradient is None else Tensor.of(gradient) for gradient in found]


def bound_linear(op: Op, tensors: tuple[Tensor, ...], attributes: dict[str, Any]) -> Any:
    """Return what stands for `linear` in a program, or None."""
    x, w = tensors[0].array, tensors[1].array
    if x.ndim != 2 or x.shape[0] < MANY_ROWS or x.dtype != np.float32:
        return None
    return BoundLinear(op, x.shape[0], *w.shape)
