"""The convolutional layer."""

import numpy as np

from ...arguments import whole
from ...autodiff import Parameter, Tensor
from ...errors import ShapeError
from ...ops import conv2d
from ...ops.windows import IntPair, pair, same_padding
from ..init import Seed, generator, kaiming_uniform
from ..module import Module


class Conv2d(Module):
    """`ops.conv2d` with a weight and a bias of its own; images have their channels last.

    Args:
        in_channels: length of the last axis of the input, >= 1.
        out_channels: length of the last axis of the output, >= 1.
        kernel_size: pixels of a window; a whole number or a pair (vertical, horizontal), as are
            `stride`, `padding` and `dilation`.
        stride: from one window to the next.
        padding: zeros on each side; ``"same"`` keeps height and width, ``"valid"`` is 0.
        dilation: from one pixel of a window to the next.
        groups: so many parts of the channels make so many parts of the outputs.
        bias: whether there is one; it starts at zero.
        seed: of the initial weights (He et al. 2015, uniform): a number, a NumPy generator, or
            None for new ones each time.

    Attributes:
        weight: ``[out_channels, kernel height, kernel width, in_channels / groups]``.
        bias: ``[out_channels]``, or None.

    Raises:
        ShapeError: if a length is not a whole number >= 1, or `groups` does not divide both numbers
            of channels.

    Example:
        >>> import qnn_core as qnn
        >>> qnn.Conv2d(3, 8, 5, padding="same", seed=0)(np.zeros((1, 32, 32, 3))).shape
        (1, 32, 32, 8)
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
        bias: bool = True,
        seed: Seed = None,
    ) -> None:
        name = type(self).__name__
        lengths = {"in_channels": in_channels, "out_channels": out_channels, "groups": groups}
        in_channels, out_channels, groups = (
            whole(name, argument, value, least=1, error=ShapeError)
            for argument, value in lengths.items()
        )
        if in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        kernel = pair(name, "kernel_size", kernel_size, 1)
        self.stride = pair(name, "stride", stride, 1)
        self.dilation = pair(name, "dilation", dilation, 1)
        if isinstance(padding, str) and padding == "same":
            padding = same_padding(name, kernel, self.stride, self.dilation)
        self.padding = pair(name, "padding", 0 if padding == "valid" else padding, 0)
        self.groups = groups
        shape = (out_channels, *kernel, in_channels // groups)
        fan_in = kernel[0] * kernel[1] * (in_channels // groups)
        self.weight = Parameter(kaiming_uniform(shape, fan_in, generator(seed)))
        self.bias = Parameter(np.zeros(out_channels), decay=False) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, in_channels]`` to as many images of ``out_channels``."""
        return self._convolve(x, self.weight)

    def describe(self) -> str:
        """Return the lengths, and what is not as by default."""
        out_channels, *kernel, channels = self.weight.shape
        parts = [f"{channels * self.groups}, {out_channels}, {tuple(kernel)}"]
        plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
        parts += [f"{n}={getattr(self, n)}" for n, v in plain.items() if getattr(self, n) != v]
        return ", ".join([*parts, f"bias={self.bias is not None}"])

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return conv2d(
            x,
            weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
