"""How codes show themselves: a line in a terminal, a picture in a notebook."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..display import Plot, block, codes_picture, facts, sampled

Array = NDArray[Any]


class Coded(Protocol):
    """What has codes: see `QuantizedTensor`."""

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Uint8, of the array's shape."""
        ...

    @property
    def bits(self) -> int:
        """Bits per code."""
        ...

    @property
    def levels(self) -> NDArray[np.float32]:
        """The value of each code in units of the scale."""
        ...

    @property
    def scale(self) -> Array:
        """Of shape () or (channels,)."""
        ...

    @property
    def axis(self) -> int | None:
        """Axis of the channels, or None."""
        ...


def coded_line(coded: Coded, shape: tuple[int, ...]) -> str:
    """Return what a terminal shows of coded values."""
    told = f"{_levels(coded.levels)}, {_scale(coded)}"
    return f"{type(coded).__name__}(shape={shape}, bits={coded.bits}, {told})"


def coded_html(coded: Coded, nbytes: int | None = None) -> str:
    """Return what a notebook shows: the codes as a picture, how often each occurs, and facts."""
    codes, levels = coded.codes, coded.levels
    some, of = sampled(codes)
    counts = np.bincount(some, minlength=len(levels))
    shape = " x ".join(map(str, codes.shape)) or "scalar"
    known = {
        "levels": _levels(levels).removeprefix("levels "),
        "scale": _scale(coded).removeprefix("scale "),
        "levels in use": f"{np.count_nonzero(counts)} of {len(levels)}",
        "counted on": of,
        "bytes": "" if nbytes is None else f"{nbytes:,}",
    }
    title = f"{type(coded).__name__}, {shape}, {coded.bits} bit{'s' if coded.bits > 1 else ''}"
    return block(title, facts(known), _usage(counts, levels), codes_picture(codes, levels))


def _usage(counts: Array, levels: Array) -> str:
    """Return bars: how often each level occurs, from the lowest to the highest."""
    if not counts.sum():
        return ""
    shares = 100 * counts / counts.sum()
    top = float(shares.max())
    plot = Plot((0, len(levels)), (0, top), size=(240, 60), label="share of each level, percent")
    plot.bars(range(len(levels) + 1), [*shares], Plot.BLUE)
    plot.rule(y=0)
    plot.left(f"{top:.0f} %", top)
    every = -(-len(levels) // 8)
    for n in range(0, len(levels), every):
        plot.words(f"{levels[n]:g}", n + 0.5, 0, dy=13)
    return plot.svg()


def _levels(levels: Array) -> str:
    if len(levels) <= 4:
        return f"levels {', '.join(f'{level:g}' for level in levels)}"
    return f"{len(levels)} levels from {levels[0]:g} to {levels[-1]:g}"


def _scale(coded: Coded) -> str:
    scale = coded.scale
    if np.size(scale) == 1:
        return f"scale {np.asarray(scale).item():.4g}"
    least, greatest = np.min(scale), np.max(scale)
    return f"{np.size(scale)} scales from {least:.4g} to {greatest:.4g} on axis {coded.axis}"
