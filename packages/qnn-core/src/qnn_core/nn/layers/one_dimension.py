"""Convolution and pooling of signals: those of images, one pixel high."""

from ...arguments import whole
from ...autodiff import Tensor
from ...errors import ShapeError
from ..init import Seed
from .conv import Conv2d
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d


def as_images(x: Tensor) -> Tensor:
    """Return signals ``[batch, length, channels]`` as images of height 1."""
    return x.reshape((x.shape[0], 1, *x.shape[1:]))


def as_signals(x: Tensor) -> Tensor:
    """Undo `as_images`."""
    return x.reshape((x.shape[0], *x.shape[2:]))


class Conv1d(Conv2d):
    """`Conv2d` of signals ``[batch, length, channels]``.

    Args:
        in_channels: length of the last axis of the input, >= 1.
        out_channels: length of the last axis of the output, >= 1.
        kernel_size: samples of a window.
        stride: from one window to the next.
        padding: zeros on each side; ``"same"`` keeps the length, ``"valid"`` is 0.
        dilation: from one sample of a window to the next.
        groups: so many parts of the channels make so many parts of the outputs.
        bias: whether there is one; it starts at zero.
        seed: of the initial weights, see `Conv2d`.

    Attributes:
        weight: ``[out_channels, 1, kernel_size, in_channels / groups]``.
        bias: ``[out_channels]``, or None.

    Raises:
        ShapeError: see `Conv2d`.

    Example:
        >>> import numpy as np
        >>> Conv1d(2, 8, 5, padding="same", seed=0)(np.zeros((1, 40, 2))).shape
        (1, 40, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        seed: Seed = None,
    ) -> None:
        kernel = whole("Conv1d", "kernel_size", kernel_size, least=1, error=ShapeError)
        step = whole("Conv1d", "stride", stride, least=1, error=ShapeError)
        apart = whole("Conv1d", "dilation", dilation, least=1, error=ShapeError)
        if not isinstance(padding, str):
            padding = whole("Conv1d", "padding", padding, least=0, error=ShapeError)
        super().__init__(
            in_channels,
            out_channels,
            (1, kernel),
            stride=(1, step),
            padding=padding if isinstance(padding, str) else (0, padding),
            dilation=(1, apart),
            groups=groups,
            bias=bias,
            seed=seed,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, length, in_channels]`` to as many signals of ``out_channels``."""
        return as_signals(super().forward(as_images(x)))


class MaxPool1d(MaxPool2d):
    """The maximum of each window of a signal.

    Args:
        kernel_size: samples of a window.
        stride: from one window to the next; None for `kernel_size`.
        padding: samples on each side, which never are the maximum.

    Example:
        >>> MaxPool1d(2)([[[1.0], [4.0], [3.0], [2.0]]])
        Tensor([[[4.],
                 [3.]]])
    """

    def __init__(self, kernel_size: int, *, stride: int | None = None, padding: int = 0) -> None:
        step = (1, kernel_size if stride is None else stride)
        super().__init__((1, kernel_size), stride=step, padding=(0, padding))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, length, channels]`` to shorter signals."""
        return as_signals(super().forward(as_images(x)))


class AvgPool1d(AvgPool2d):
    """The mean of each window of a signal; arguments as in `MaxPool1d`, padding is zeros.

    Example:
        >>> AvgPool1d(2)([[[1.0], [4.0], [3.0], [2.0]]])
        Tensor([[[2.5],
                 [2.5]]])
    """

    def __init__(self, kernel_size: int, *, stride: int | None = None, padding: int = 0) -> None:
        step = (1, kernel_size if stride is None else stride)
        super().__init__((1, kernel_size), stride=step, padding=(0, padding))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, length, channels]`` to shorter signals."""
        return as_signals(super().forward(as_images(x)))


class GlobalAvgPool1d(GlobalAvgPool2d):
    """The mean of each channel over the signal.

    Example:
        >>> GlobalAvgPool1d()([[[1.0], [4.0], [3.0], [2.0]]])
        Tensor([[2.5]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, length, channels]`` to ``[batch, channels]``."""
        return super().forward(as_images(x))
