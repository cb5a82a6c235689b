"""The convolutional layer with quantized weight and input."""

from ...autodiff import Tensor
from ...errors import SpecError
from ...ops.conv import ConvProduct
from ...ops.windows import IntPair
from ...quantizer import Quantizer
from ...registry import get_quantizer
from ..init import Seed
from ..layers.conv import Conv2d
from ..layers.one_dimension import Conv1d, as_images, as_signals
from .quantized_weight import Bounds, QuantizedWeight, Spec


class QuantConv2d(QuantizedWeight, Conv2d):
    """`Conv2d` on quantized weights and a quantized input; either may stay float.

    Args:
        in_channels: see `Conv2d`, as are the others down to `groups`.
        out_channels: see there.
        kernel_size: see there.
        stride: see there.
        padding: see there. A pixel outside of the image is 0.0, whatever the levels are.
        dilation: see there.
        groups: see there.
        weight: quantizer of the weight (spec string or object), None for float; ``axis=0`` gives
            each output channel a scale of its own.
        input: quantizer of the input, None for float; its axis may be the channels', 3 or -1.
        bias: whether there is one; it stays float.
        weight_bounds: ``(low, high)`` that the latent weights are kept inside, None for none.
        seed: of the initial weights, see `Conv2d`.

    Attributes:
        weight, weight_quantizer, input_quantizer: see `QuantizedWeight`.

    Raises:
        ShapeError: see `Conv2d`.
        SpecError: if a quantizer is unknown, or the axis of the input's is not the channels'.

    Example:
        >>> import qnn_core as qnn
        >>> layer = qnn.QuantConv2d(1, 2, 2, weight="binary", input="uniform:4", seed=0)
        >>> layer.codes()[..., 0]
        array([[[1, 0],
                [0, 0]],
        <BLANKLINE>
               [[1, 1],
                [1, 1]]], dtype=uint8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        *,
        stride: IntPair = 1,
        padding: IntPair | str = 0,
        dilation: IntPair = 1,
        groups: int = 1,
        weight: str | Quantizer | None = None,
        input: str | Quantizer | None = None,
        bias: bool = True,
        weight_bounds: tuple[float, float] | None = None,
        seed: Seed = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            seed=seed,
        )
        self._quantize(weight, input, in_channels, weight_bounds)

    def _quantize(self, weight: Spec, input: Spec, channels: int, bounds: Bounds) -> None:
        scheme = None if input is None else get_quantizer(input)
        if scheme is not None and scheme.axis not in (None, 3, -1):
            raise SpecError(
                f"QuantConv2d: the channels of an input are on axis -1 (or 3), got {scheme}"
            )
        super()._quantize(weight, scheme, channels, bounds)
        self._product = ConvProduct(self.stride, self.padding, self.dilation, self.groups)


class QuantConv1d(QuantConv2d, Conv1d):
    """`Conv1d` on quantized weights and a quantized input; see `QuantConv2d`.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, seed: see
            `Conv1d`.
        weight: quantizer of the weight (spec string or object), None for float.
        input: quantizer of the input, None for float.
        weight_bounds: ``(low, high)`` that the latent weights are kept inside, None for none.

    Example:
        >>> import numpy as np
        >>> layer = QuantConv1d(2, 4, 3, weight="binary", input="uniform:4", padding=1, seed=0)
        >>> layer(np.ones((1, 10, 2))).shape
        (1, 10, 4)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, length, in_channels]`` to as many signals of ``out_channels``."""
        return as_signals(QuantConv2d.forward(self, as_images(x)))
