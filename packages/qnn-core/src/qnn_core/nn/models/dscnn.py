"""A depthwise-separable convolutional net, with any quantizers."""

from typing import Any

from ...arguments import whole
from ...errors import ShapeError
from ...ops.windows import IntPair
from ...ops.windows import pair as pair_of
from ..init import Seed, generator
from ..layers.container import Reshape, Sequential
from ..layers.norm import BatchNorm
from ..layers.pool import GlobalAvgPool2d
from ..left_float import Bounds
from ..module import Module
from .specs import Pair, Shape, Spec, activation_of, coded, conv_layer, image_shape, linear_layer


class DSCNN(Sequential):
    """A convolution, depthwise-separable blocks, the mean over the image, and a linear layer.

    A block is a 3x3 convolution of each channel alone and a 1x1 convolution over all channels, both
    normalized: Zhang et al. 2017, "Hello edge", arXiv:1711.07128. As it stands it is the net of
    MLPerf Tiny's keyword spotting (Banbury et al. 2021, arXiv:2106.07597): 49 frames of 10
    coefficients, 64 channels, four blocks. For images, take ``shape=(28, 28, 1)``,
    ``first_kernel=3`` and ``first_stride=2``.

    Args:
        shape: of an input, (height, width, channels).
        weight: quantizer of the blocks' weights, None for float.
        input: quantizer of their inputs, None for float.
        channels: of all convolutions.
        blocks: how many.
        first_kernel: window of the first convolution, a number or a pair (height, width).
        first_stride: its stride, likewise.
        pool_input: quantizer of what the mean over the image takes, None for float: with one, the
            mean is a sum of integers, and a packed net has integers from its first quantizer on.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        classes: number of outputs.
        first_weight, first_input: quantizers of the first convolution, float unless told otherwise.
        last_weight, last_input: quantizers of the last layer, likewise.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights.

    Raises:
        ShapeError: if a length is none.
        SpecError: for an unknown activation or quantizer.

    Example:
        >>> import numpy as np
        >>> DSCNN(weight="symmetric:4", input="uniform:8", seed=0)(np.zeros((2, 49, 10, 1))).shape
        (2, 12)
    """

    def __init__(
        self,
        shape: Shape = (49, 10, 1),
        *,
        weight: Spec = None,
        input: Spec = None,
        channels: int = 64,
        blocks: int = 4,
        first_kernel: IntPair = (10, 4),
        first_stride: IntPair = 2,
        activation: str = "relu",
        classes: int = 12,
        first_weight: Spec = None,
        first_input: Spec = None,
        last_weight: Spec = None,
        last_input: Spec = None,
        pool_input: Spec = None,
        weight_bounds: Bounds = None,
        seed: Seed = None,
    ) -> None:
        images = image_shape("DSCNN", shape)
        channels = whole("DSCNN", "channels", channels, least=1, error=ShapeError)
        blocks = whole("DSCNN", "blocks", blocks, least=0, error=ShapeError)
        active, rng = activation_of("DSCNN", activation), generator(seed)
        options: dict[str, Any] = {"bias": False, "seed": rng}

        def conv(pair: Pair, before: int, size: IntPair, **more: Any) -> list[Module]:
            sizes: Any = (before, channels, size)
            made = conv_layer(pair, weight_bounds, *sizes, **options, **more)
            return [made, BatchNorm(channels), active()]

        stem: Pair = (first_weight, first_input)
        kernel = pair_of("DSCNN", "first_kernel", first_kernel, 1)
        stride = pair_of("DSCNN", "first_stride", first_stride, 1)
        # As many as "same" gives: a window begins in every stride.
        sides = zip(images, kernel, stride, strict=False)
        around = tuple(max(0, -(-((-(-n // s) - 1) * s + k - n) // 2)) for n, k, s in sides)
        layers: list[Module] = [Reshape(*images, images=True)]
        layers += conv(stem, images[2], kernel, stride=stride, padding=around, place="first")
        pair: Pair = (weight, input)
        for _ in range(blocks):
            layers += conv(pair, channels, 3, padding=1, groups=channels)
            layers += conv(pair, channels, 1)
        last: Pair = (last_weight, last_input)
        head = linear_layer(last, weight_bounds, channels, classes, place="last", seed=rng)
        layers += coded(pool_input)
        super().__init__(*layers, GlobalAvgPool2d(), head)
