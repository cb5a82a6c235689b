"""VGG-small, with any quantizers."""

from typing import Any

from ...errors import ShapeError
from ..init import Seed, generator
from ..layers.container import Flatten, Reshape, Sequential
from ..layers.norm import BatchNorm
from ..layers.pool import MaxPool2d
from ..left_float import Bounds
from ..module import Module
from .specs import Pair, Shape, Spec, activation_of, conv_layer, image_shape, linear_layer


class VGGSmall(Sequential):
    """Six convolutions of 3x3 in three pairs, each pair halved by pooling, and a linear layer.

    128, 128, 256, 256, 512 and 512 channels: the net that papers on binary and few-bit nets train
    on CIFAR-10, such as LQ-Nets (Zhang et al. 2018, arXiv:1807.10029). Every convolution is
    normalized. The first convolution and the last layer are float unless told otherwise.

    Args:
        shape: of an image, (height, width, channels); height and width are multiples of 8.
        weight: quantizer of the weights of the layers between, None for float.
        input: quantizer of their inputs, None for float.
        width: channels of the first pair; the next have twice and four times as many.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        classes: number of outputs.
        first_weight, first_input: quantizers of the first convolution.
        last_weight, last_input: quantizers of the last layer.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights.

    Raises:
        ShapeError: if a length is none, or height and width are no multiples of 8.
        SpecError: for an unknown activation or quantizer.

    Example:
        >>> import numpy as np
        >>> net = VGGSmall((32, 32, 3), width=16, weight="binary", input="uniform:2", seed=0)
        >>> net(np.ones((2, 32, 32, 3))).shape
        (2, 10)
    """

    def __init__(
        self,
        shape: Shape = (32, 32, 3),
        *,
        weight: Spec = None,
        input: Spec = None,
        width: int = 128,
        activation: str = "relu",
        classes: int = 10,
        first_weight: Spec = None,
        first_input: Spec = None,
        last_weight: Spec = None,
        last_input: Spec = None,
        weight_bounds: Bounds = None,
        seed: Seed = None,
    ) -> None:
        height, breadth, before = image_shape("VGGSmall", shape)
        if height % 8 or breadth % 8:
            raise ShapeError(
                f"VGGSmall: height and width must be multiples of 8, got {height} x {breadth}"
            )
        active, rng = activation_of("VGGSmall", activation), generator(seed)
        options: dict[str, Any] = {"padding": 1, "bias": False, "seed": rng}
        layers: list[Module] = [Reshape(height, breadth, before, images=True)]
        pair: Pair = (first_weight, first_input)
        place = "first"
        for after in (width, 2 * width, 4 * width):
            for _ in range(2):
                sizes = (before, after, 3)
                layers.append(conv_layer(pair, weight_bounds, *sizes, place=place, **options))
                layers += [BatchNorm(after), active()]
                before, pair, place = after, (weight, input), ""
            layers.append(MaxPool2d(2))
        features = before * (height // 8) * (breadth // 8)
        last: Pair = (last_weight, last_input)
        head = linear_layer(last, weight_bounds, features, classes, place="last", seed=rng)
        super().__init__(*layers, Flatten(), head)
