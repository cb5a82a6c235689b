"""A small residual net, with any quantizers."""

from typing import Any

from ...arguments import whole
from ...autodiff import Tensor
from ...errors import ShapeError
from ..init import Seed, generator
from ..layers.container import Reshape, Sequential
from ..layers.norm import BatchNorm
from ..layers.pool import GlobalAvgPool2d
from ..left_float import Bounds
from ..module import Module
from ..quant.quantize import Quantize
from .specs import Pair, Shape, Spec, activation_of, coded, conv_layer, image_shape, linear_layer

WIDTHS = (16, 32, 64)


class ResidualBlock(Module):
    """``act(norm(conv(act(norm(conv(x))))) + shortcut(x))``: He et al. 2016, arXiv:1512.03385.

    The shortcut is the input itself; where the shape changes, a normalized 1x1 convolution of it.

    Args:
        before: channels of the input.
        after: channels of the output.
        stride: of the first convolution and of the shortcut.
        quantizers: of weights and inputs of all its convolutions, None for float.
        stream: quantizer of what it hands on, None for float. It is meant for blocks one after the
            other: what enters has codes then, which the convolutions at its entrance take as they
            are, without a quantizer of their own.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights.

    Example:
        >>> import numpy as np
        >>> ResidualBlock(4, 8, stride=2, seed=0)(np.ones((2, 6, 6, 4))).shape
        (2, 3, 3, 8)
    """

    def __init__(
        self,
        before: int,
        after: int,
        *,
        stride: int = 1,
        quantizers: Pair = (None, None),
        stream: Spec = None,
        activation: str = "relu",
        weight_bounds: Bounds = None,
        seed: Seed = None,
    ) -> None:
        options: dict[str, Any] = {"bias": False, "seed": generator(seed)}

        def conv(pair: Pair, channels: int, size: int, step: int) -> Module:
            shape = (channels, after, size)
            given = {"stride": step, "padding": size // 2} | options
            return conv_layer(pair, weight_bounds, *shape, **given)

        entrance = quantizers if stream is None else (quantizers[0], None)
        self.first, self.first_norm = conv(entrance, before, 3, stride), BatchNorm(after)
        self.second, self.second_norm = conv(quantizers, after, 3, 1), BatchNorm(after)
        same = stride == 1 and before == after
        across = None if same else conv(entrance, before, 1, stride)
        self.shortcut = None if across is None else Sequential(across, BatchNorm(after))
        self.activation = activation_of("ResidualBlock", activation)()
        self.stream = None if stream is None else Quantize(stream)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, before]`` to ``[batch, ..., after]``."""
        y = self.activation(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        z: Tensor = self.activation(y + (x if self.shortcut is None else self.shortcut(x)))
        return z if self.stream is None else self.stream(z)


class ResNet(Sequential):
    """A stem, three stages of residual blocks with 16, 32 and 64 channels, and a linear layer.

    He et al. 2016, arXiv:1512.03385, section 4.2; that for CIFAR-10 with 20 layers is
    ``ResNet((32, 32, 3), blocks=3)``. It takes images, or what can be reshaped to them, such as
    ``[n, 784]``. The stem, a 3x3 convolution, and the last
    layer are float unless told otherwise, see `LeNet`. With relu, what enters a block is not
    negative; a binary input wants ``activation="hardtanh"``.

    Args:
        shape: of an image, (height, width, channels).
        blocks: of each stage, >= 1.
        weight: quantizer of the weights of the blocks, None for float.
        input: quantizer of the inputs of their convolutions, None for float.
        stream: quantizer of what the stem and each block hand on, None for float: with one, the
            shortcuts carry codes, and so do the convolutions at the entrance of a block, which have
            no other quantizer.
        pool_input: quantizer of what the mean over the image takes, None for what the last block
            hands on. The mean of codes is a sum of integers.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        classes: number of outputs.
        first_weight: quantizer of the stem's weight.
        first_input: quantizer of the images.
        last_weight: quantizer of the last layer's weight.
        last_input: quantizer of the last layer's input.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights.

    Raises:
        ShapeError: if a length of `shape`, `blocks` or `classes` is not a whole number >= 1.
        SpecError: for an unknown activation or quantizer.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.ResNet(weight="binary", input="uniform:2", seed=0)(np.ones((2, 28, 28))).shape
        (2, 10)
    """

    def __init__(
        self,
        shape: Shape = (28, 28, 1),
        *,
        blocks: int = 1,
        weight: Spec = None,
        input: Spec = None,
        activation: str = "relu",
        classes: int = 10,
        first_weight: Spec = None,
        first_input: Spec = None,
        last_weight: Spec = None,
        last_input: Spec = None,
        stream: Spec = None,
        pool_input: Spec = None,
        weight_bounds: Bounds = None,
        seed: Seed = None,
    ) -> None:
        blocks = whole("ResNet", "blocks", blocks, least=1, error=ShapeError)
        images = image_shape("ResNet", shape)
        active, rng = activation_of("ResNet", activation), generator(seed)
        first: Pair = (first_weight, first_input)
        last: Pair = (last_weight, last_input)
        sizes = (images[2], WIDTHS[0], 3)
        options: dict[str, Any] = {"padding": 1, "bias": False, "seed": rng}
        stem = conv_layer(first, weight_bounds, *sizes, place="first", **options)
        layers: list[Module] = [Reshape(*images, images=True), stem, BatchNorm(WIDTHS[0]), active()]
        layers += coded(stream)
        before = WIDTHS[0]
        for after in WIDTHS:
            for n in range(blocks):
                block = ResidualBlock(
                    before,
                    after,
                    stride=2 if n == 0 and after != WIDTHS[0] else 1,
                    quantizers=(weight, input),
                    stream=stream,
                    activation=activation,
                    weight_bounds=weight_bounds,
                    seed=rng,
                )
                layers.append(block)
                before = after
        layers += [*coded(pool_input), GlobalAvgPool2d()]
        head = linear_layer(last, weight_bounds, before, classes, place="last", seed=rng)
        super().__init__(*layers, head)
