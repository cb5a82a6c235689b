"""The products of layers, as `quantized_product` takes them."""

from dataclasses import dataclass

import numpy as np

from ..autodiff import Array, Shape, Tensor
from ..gemm import (
    GemmOperand,
    Window,
    affine_gradients,
    channel_sums,
    convolve,
    is_large,
    sparse_gradients,
)
from ..qtensor import QuantizedTensor, decoded
from .conv import conv2d, convolved_shape, input_gradients, weight_gradients
from .linear import affine_shape, linear, matrix, multiplied
from .windows import Pair


class Linear:
    """`linear`: ``[..., in]`` by ``[out, in]``."""

    def shape(self, x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
        """Return the shape of the product."""
        return affine_shape(x, weight, bias)

    def of(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the product of tensors."""
        return linear(x, weight, bias)

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        x_operand: GemmOperand,
        w_operand: GemmOperand,
    ) -> Array:
        """Return the product of codes or values."""
        return multiplied(x, weight, bias, x_operand, w_operand)

    def gradients(
        self, g: Array, x: Array, weight: Array, needs: tuple[bool, ...]
    ) -> list[Array | None]:
        """Return the gradients of input, weight and bias."""
        dx, dw, dbias = affine_gradients(matrix(g), matrix(x), weight, needs)
        return [None if dx is None else dx.reshape(x.shape), dw, dbias]

    def scale_of_data(
        self, g: Array, x: Array, slope: Array, weight: QuantizedTensor
    ) -> tuple[float, Array] | None:
        """Return the sum and the weight's gradient where most of the data are zero."""
        rows, samples = matrix(g), matrix(x)
        if not is_large(rows, samples):
            return None
        return sparse_gradients(rows, samples, matrix(slope), weight)


@dataclass(frozen=True)
class Convolution:
    """`conv2d`, with arguments as pairs."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def shape(self, x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
        """Return the shape of the product."""
        return convolved_shape(x, weight, bias, **vars(self))

    def of(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the product of tensors."""
        return conv2d(x, weight, bias, **vars(self))

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        x_operand: GemmOperand,
        w_operand: GemmOperand,
    ) -> Array:
        """Return the product of codes or values."""
        window = Window(weight.shape[1:3], self.stride, self.padding, self.dilation)
        return convolve(x, weight, bias, x_operand, w_operand, window=window, groups=self.groups)

    def gradients(
        self, g: Array, x: Array, weight: Array, needs: tuple[bool, ...]
    ) -> list[Array | None]:
        """Return the gradients of input, weight and bias."""
        return [
            input_gradients(g, weight, shape=x.shape, **vars(self)) if needs[0] else None,
            weight_gradients(g, x, shape=weight.shape, **vars(self)) if needs[1] else None,
            channel_sums(g) if needs[2] else None,
        ]

    def scale_of_data(
        self, g: Array, x: Array, slope: Array, weight: QuantizedTensor
    ) -> tuple[float, Array] | None:
        """Return the sum, by way of a weight gradient with the slopes in the images' place."""
        shape = weight.codes.shape
        by_slope = weight_gradients(g, slope, shape=shape, **vars(self))
        total = np.multiply(by_slope, decoded(weight), dtype=np.float64).sum()
        return float(total), weight_gradients(g, x, shape=shape, **vars(self))
