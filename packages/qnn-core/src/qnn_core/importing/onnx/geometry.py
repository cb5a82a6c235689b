"""Windows of ONNX: where they lie, and what is around the images."""

from typing import Any

import numpy as np

from ...nn import Pad2d
from .builder import Unsupported
from .call import Call
from .values import Activation, channels_last

Lengths = tuple[int, ...]

WAYS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
# What never is the greatest, and yet a number that a quantizer may see.
LEAST = float(np.finfo(np.float32).min)


def padding_of(
    call: Call, lengths: Lengths, kernel: Lengths, stride: Lengths, dilation: Lengths
) -> tuple[Lengths, Lengths]:
    """Return the pixels in front of and behind each axis, as an operator's attributes say.

    Raises:
        Unsupported: for negative numbers, or as many as there should not be.
    """
    spatial = len(lengths)
    way = call.attribute("auto_pad", "NOTSET")
    if way not in WAYS:
        raise Unsupported(f"auto_pad {way!r}; {', '.join(WAYS)} only")
    if way in ("SAME_UPPER", "SAME_LOWER"):
        whole = []
        for n, k, s, d in zip(lengths, kernel, stride, dilation, strict=True):
            windows = -(-n // s)
            whole.append(max((windows - 1) * s + (k - 1) * d + 1 - n, 0))
        less, more = tuple(n // 2 for n in whole), tuple(n - n // 2 for n in whole)
        return (less, more) if way == "SAME_UPPER" else (more, less)
    pads = call.lengths("pads", 2 * spatial, 0, 0) if way == "NOTSET" else (0,) * (2 * spatial)
    return pads[:spatial], pads[spatial:]


def split_padding(before: Lengths, after: Lengths) -> tuple[Lengths, tuple[Any, Any]]:
    """Return what a layer pads on both sides, and what is missing in front and behind.

    Example:
        >>> split_padding((1, 1), (1, 2))
        ((1, 1), ((0, 0), (0, 1)))
    """
    # All or nothing for each axis that differs would move more pixels, and change no number.
    both = tuple(min(b, a) for b, a in zip(before, after, strict=True))
    rest = tuple(tuple(n - m for n, m in zip(side, both, strict=True)) for side in (before, after))
    return both, (rest[0], rest[1])


def padded(call: Call, x: Activation, before: Any, after: Any, value: float = 0.0) -> Activation:
    """Return images or signals, channels last, with a margin.

    Args:
        call: of the operator that wants it.
        x: the images.
        before: pixels in front of each axis.
        after: pixels behind it.
        value: of the margin.
    """
    if len(before) == 1:
        # Signals are images of height 1.
        image = x.but(shape=(*x.shape[:2], 1, x.shape[2]), order=(0, 3, 1))
        image = call.builder.arranged(image, channels_last(4))
        wide = padded(call, image, (0, *before), (0, *after), value)
        wide = call.builder.arranged(wide, (0, 3, 1))
        return wide.but(shape=(*wide.shape[:2], wide.shape[3]), order=channels_last(3))
    layer = Pad2d(tuple(before), tuple(after), value=value)
    name = call.builder.add(layer, [x], "pad")
    lengths = (n + b + a for n, b, a in zip(x.shape[2:], before, after, strict=True))
    return Activation(name, (*x.shape[:2], *lengths), channels_last(4))
