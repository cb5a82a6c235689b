"""Pooling as layers; images have their channels last."""

from ... import ops
from ...autodiff import Tensor
from ...ops.windows import IntPair, pair
from ..module import Module


class _Pool2d(Module):
    """What both kinds of windows have in common."""

    def __init__(
        self, kernel_size: IntPair, *, stride: IntPair | None = None, padding: IntPair = 0
    ) -> None:
        name = type(self).__name__
        self.kernel_size = pair(name, "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair(name, "stride", stride, 1)
        self.padding = pair(name, "padding", padding, 0)

    def describe(self) -> str:
        """Return the window."""
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool2d):
    """`ops.max_pool2d`: the maximum of each window.

    Args:
        kernel_size: pixels of a window; a whole number or a pair (vertical, horizontal).
        stride: from one window to the next; None for `kernel_size`.
        padding: pixels on each side, which never are the maximum.

    Example:
        >>> MaxPool2d(2)([[[[1.0], [4.0]], [[3.0], [2.0]]]])
        Tensor([[[[4.]]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, channels]`` to smaller images."""
        return ops.max_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)


class AvgPool2d(_Pool2d):
    """`ops.avg_pool2d`: the mean of each window; arguments as in `MaxPool2d`, padding is zeros.

    Example:
        >>> AvgPool2d(2)([[[[1.0], [4.0]], [[3.0], [2.0]]]])
        Tensor([[[[2.5]]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, channels]`` to smaller images."""
        return ops.avg_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)


class GlobalAvgPool2d(Module):
    """`ops.global_avg_pool2d`: the mean of each channel over the image.

    Example:
        >>> GlobalAvgPool2d()([[[[1.0], [4.0]], [[3.0], [2.0]]]])
        Tensor([[2.5]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, height, width, channels]`` to ``[batch, channels]``."""
        return ops.global_avg_pool2d(x)
