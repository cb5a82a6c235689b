"""Pooling of signals and images, with all that ONNX has around a window."""

from typing import Any

import numpy as np

from ....nn import (
    AvgPool1d,
    AvgPool2d,
    Elementwise,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from ..builder import Unsupported
from ..call import Call
from ..document import Array
from ..geometry import LEAST, Lengths, padded, padding_of
from ..values import Activation, channels_last


def max_pool(call: Call) -> Activation:
    """MaxPool, without the places of the maxima."""
    if len(call.node.outputs) > 1 and call.node.outputs[1]:
        raise Unsupported("the places of the maxima as a second output")
    x = call.activation()
    # The greatest of codes has the greatest value, and the margin never is.
    return _pooled(call, {1: MaxPool1d, 2: MaxPool2d}, LEAST)[0].but(grid=x.grid, codes=x.codes)


def average_pool(call: Call) -> Activation:
    """AveragePool; where padding does not count, windows at the border are scaled."""
    y, how = _pooled(call, {1: AvgPool1d, 2: AvgPool2d}, 0.0)
    counted = bool(call.attribute("count_include_pad", 0))
    size = int(np.prod(how.kernel))
    factor = size / how.counts(counted)
    if np.all(factor == 1):
        return y
    # Ours divides by the size of the window always.
    constant = factor.astype(np.float32).reshape(*factor.shape, 1)
    name = call.builder.add(Elementwise("multiply", constant), [y], "border")
    return y.but(name=name)


def global_average_pool(call: Call) -> Activation:
    """GlobalAveragePool."""
    x = call.builder.last(call.activation())
    if len(x.shape) not in (3, 4):
        raise Unsupported(f"of a value with {len(x.shape)} axes; of signals and images only")
    made = GlobalAvgPool1d() if len(x.shape) == 3 else GlobalAvgPool2d()
    name = call.builder.add(made, [x], call.hint())
    shape = (*x.shape[:2], *(1,) * (len(x.shape) - 2))
    return Activation(name, shape, (0, 1))


class _Windows:
    """Where the windows of a pool lie along each axis."""

    def __init__(self, call: Call, lengths: Lengths) -> None:
        spatial = len(lengths)
        self.lengths = lengths
        call.required("kernel_shape")
        self.kernel = call.lengths("kernel_shape", spatial, 1)
        self.stride = call.lengths("strides", spatial, 1)
        if any(n != 1 for n in call.lengths("dilations", spatial, 1)):
            raise Unsupported("a pool with dilations")
        ones = (1,) * spatial
        self.before, self.after = padding_of(call, lengths, self.kernel, self.stride, ones)
        round_up = bool(call.attribute("ceil_mode", 0))
        self.outputs = tuple(self._count(axis, round_up) for axis in range(spatial))
        # What the last windows reach beyond what is there.
        self.reach = tuple(
            max((m - 1) * s + k - b - n, 0)
            for n, b, k, s, m in zip(
                lengths, self.before, self.kernel, self.stride, self.outputs, strict=True
            )
        )

    def _count(self, axis: int, round_up: bool) -> int:
        """Return how many windows there are along an axis."""
        n, before, s = self.lengths[axis], self.before[axis], self.stride[axis]
        room = n + before + self.after[axis] - self.kernel[axis]
        if not round_up:
            return room // s + 1
        count = -(-room // s) + 1
        # One that begins behind the image and the padding in front of it is none.
        return count - 1 if (count - 1) * s >= n + before else count

    def counts(self, padding: bool) -> Array:
        """Return how many elements each window's mean is of."""
        total = np.ones((), np.float64)
        for n, before, after, k, s, m in zip(
            self.lengths,
            self.before,
            self.after,
            self.kernel,
            self.stride,
            self.outputs,
            strict=True,
        ):
            start = np.arange(m) * s - before
            low, high = (-before, n + after) if padding else (0, n)
            inside = np.minimum(start + k, high) - np.maximum(start, low)
            total = total[..., None] * np.maximum(inside, 1)
        return total


def _pooled(call: Call, kinds: dict[int, Any], value: float) -> tuple[Activation, _Windows]:
    x = call.builder.last(call.activation())
    spatial = len(x.shape) - 2
    if spatial not in kinds:
        raise Unsupported(f"a pool over {spatial} axes; of signals (1) and images (2) only")
    how = _Windows(call, x.shape[2:])
    even = how.before == how.reach or all(
        b >= r and (n + 2 * b - k) // s + 1 == m
        for n, b, r, k, s, m in zip(
            how.lengths, how.before, how.reach, how.kernel, how.stride, how.outputs, strict=True
        )
    )
    padding = how.before if even else (0,) * spatial
    if not even:
        x = padded(call, x, how.before, how.reach, value)
    one = spatial == 1
    made = kinds[spatial](
        how.kernel[0] if one else how.kernel,
        stride=how.stride[0] if one else how.stride,
        padding=padding[0] if one else padding,
    )
    name = call.builder.add(made, [x], call.hint())
    shape = (*x.shape[:2], *how.outputs)
    return Activation(name, shape, channels_last(len(shape))), how
