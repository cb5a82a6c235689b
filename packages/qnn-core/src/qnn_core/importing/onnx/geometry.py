"""Windows of ONNX: where they lie, and what is around the images."""

from typing import Any

from .builder import Unsupported
from .call import Call

Lengths = tuple[int, ...]


def padding_of(
    call: Call, lengths: Lengths, kernel: Lengths, stride: Lengths, dilation: Lengths
) -> tuple[Lengths, Lengths]:
    """Return the pixels in front of and behind each axis, as an operator's attributes say.

    Raises:
        Unsupported: for negative numbers.
    """
    spatial = len(lengths)
    way = call.attribute("auto_pad", "NOTSET")
    if way in ("SAME_UPPER", "SAME_LOWER"):
        whole = []
        for n, k, s, d in zip(lengths, kernel, stride, dilation, strict=True):
            windows = -(-n // s)
            whole.append(max((windows - 1) * s + (k - 1) * d + 1 - n, 0))
        less, more = tuple(n // 2 for n in whole), tuple(n - n // 2 for n in whole)
        return (less, more) if way == "SAME_UPPER" else (more, less)
    pads = (
        tuple(call.attribute("pads", (0,) * (2 * spatial)))
        if way == "NOTSET"
        else (0,) * (2 * spatial)
    )
    if any(n < 0 for n in pads):
        raise Unsupported(f"negative pads {pads}")
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
