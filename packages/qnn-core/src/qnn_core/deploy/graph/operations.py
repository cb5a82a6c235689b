"""The operations that a packed graph may hold: pure functions of arrays and plain attributes.

Most are operations of the tape, which say themselves what they are here (`autodiff.Packed`). A few
stand for several of those: they are made by packing, and are declared here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from ... import ops  # noqa: F401 (it fills the table)
from ...autodiff import OPS, Op
from ...autodiff.packed import Kind, Link
from ...autodiff.table import BUILT_IN
from ...errors import ShapeError
from ...gemm import Window
from ...ops.pool import WINDOWS
from .graph import Node

Array = NDArray[Any]
Shape = tuple[int, ...]

# Products of integers with thresholds on their sums, and what they are without.
ON_SUMS = {
    "requantize": "linear",
    "requantize_conv2d": "conv2d",
    "requantize_avg_pool2d": "integer_avg_pool2d",
}

# Means of codes, as floats and as codes.
MEANS = ("integer_avg_pool2d", "requantize_avg_pool2d")

# Operations that make codes.
QUANTIZING = ("quantize", *ON_SUMS)


@dataclass(frozen=True, eq=False)
class Operation:
    """One kind of node.

    Attributes:
        arity: how many inputs it may have.
        shape: ``shape(*shapes, **attributes) -> shape`` or ShapeError.
        forward: ``forward(*arrays, **attributes) -> array``; None where codes come into it.
        attributes: the kind of each attribute.
        tables: names of its tables.
        macs: see `Op`.
        moves: whether it makes no new values: it moves those of its first input, or chooses among
            them, codes as well.
        weighted: whether its second input is the weight of a product, which is prepacked.
        links: see `Packed`.
        channel_axis: the axis of its vectors of constants, for links.
        beside_quantizer: see `Packed`.
        batch_invariant: see `Packed`.
    """

    arity: range
    shape: Callable[..., Shape]
    forward: Callable[..., Array] | None
    attributes: Mapping[str, Kind] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    macs: Callable[..., int] | None = None
    moves: bool = False
    weighted: bool = False
    links: Callable[..., Sequence[Link] | None] | None = None
    channel_axis: int = -1
    beside_quantizer: Literal["passes", "follows"] | None = None
    batch_invariant: bool = True

    @classmethod
    def of(cls, op: Op) -> "Operation":
        """Return what an operation of the tape is in a packed graph."""
        packed = op.packed
        assert packed is not None
        least, most = (packed.inputs,) * 2 if isinstance(packed.inputs, int) else packed.inputs
        return cls(
            arity=range(least, most + 1),
            shape=packed.shape or op.shape,
            forward=op.forward,
            attributes=packed.attributes,
            macs=op.macs,
            moves=op.codes == "moves",
            weighted=op.codes == "reads" and packed.of_codes is None,
            links=packed.links,
            beside_quantizer=packed.beside_quantizer,
            batch_invariant=packed.batch_invariant,
        )


def normalize(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    """Return ``(x - mean) * factor + bias`` per channel of axis 1: batch norm with its root taken.

    Example:
        >>> import numpy as np
        >>> one = np.ones(1, np.float32)
        >>> normalize(np.float32([[3.0]]), one, one, one)
        array([[3.]], dtype=float32)
    """
    channels = (-1,) + (1,) * (x.ndim - 2)
    y: Array = (x - mean.reshape(channels)) * factor.reshape(channels)
    y += bias.reshape(channels)
    return y


def normalize_channels(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    """Return `normalize` along the last axis, of images for example.

    Example:
        >>> import numpy as np
        >>> one = np.ones(1, np.float32)
        >>> normalize_channels(np.float32([[[3.0]]]), one, one, one)
        array([[[3.]]], dtype=float32)
    """
    y: Array = (x - mean) * factor
    y += bias
    return y


def _normalized_channels(x: Shape, *channels: Shape) -> Shape:
    if len(x) < 2 or any(c != x[-1:] for c in channels):
        raise ShapeError(f"normalize_channels: input {x} and channels of shapes {channels}")
    return x


def _normalized(x: Shape, *channels: Shape) -> Shape:
    if len(x) < 2 or any(c != x[1:2] for c in channels):
        raise ShapeError(f"normalize: input of shape {x} and channels of shapes {channels}")
    return x


def _normalize_links(first: bool, *constants: Array) -> list[Link] | None:
    if not first:
        return None
    mean, factor, bias = constants
    return [("subtract", mean), ("multiply", factor), ("add", bias)]


def _of_linear(rule: Any) -> Callable[..., Any]:
    """Return a rule of `linear`, for a product that has attributes of its codes besides."""
    return lambda x, w, **codes: rule(x, w)


def _of_conv2d(rule: Any) -> Callable[..., Any]:
    """Return a rule of `conv2d`, likewise."""

    def without_codes(x: Shape, w: Shape, *, bits: int, axis: int | None, **how: Any) -> Any:
        return rule(x, w, **how)

    return without_codes


def _of_mean(x: Shape, *, bits: int, axis: int | None, **how: Any) -> Shape:
    shape: Shape = OPS["avg_pool2d"].shape(x, **how)
    return shape


_CODES: dict[str, Kind] = {"bits": "whole", "axis": "channel"}
_WINDOW: dict[str, Kind] = {"stride": "strides", "padding": "paddings", "dilation": "strides"}
_QPARAMS = ("levels", "scale", "shift")

OPERATIONS: dict[str, Operation] = {
    **{name: Operation.of(OPS[name]) for name in sorted(BUILT_IN) if OPS[name].packed is not None},
    "normalize_channels": Operation(
        range(4, 5), _normalized_channels, normalize_channels, links=_normalize_links
    ),
    "normalize": Operation(
        range(4, 5), _normalized, normalize, links=_normalize_links, channel_axis=1
    ),
    "quantize": Operation(range(1, 2), lambda x, **_: x, None, _CODES, ("thresholds", *_QPARAMS)),
    "requantize": Operation(
        range(2, 3),
        _of_linear(OPS["linear"].shape),
        None,
        _CODES,
        ("thresholds", "flip", *_QPARAMS),
        macs=_of_linear(OPS["linear"].macs),
        weighted=True,
    ),
    "requantize_conv2d": Operation(
        range(2, 3),
        _of_conv2d(OPS["conv2d"].shape),
        None,
        _CODES | _WINDOW | {"groups": "whole"},
        ("thresholds", "flip", *_QPARAMS),
        macs=_of_conv2d(OPS["conv2d"].macs),
        weighted=True,
    ),
    "integer_avg_pool2d": Operation(range(1, 2), OPS["avg_pool2d"].shape, None, WINDOWS),
    "requantize_avg_pool2d": Operation(
        range(1, 2), _of_mean, None, _CODES | WINDOWS, ("thresholds", "flip", *_QPARAMS)
    ),
}


def window_of(node: Node, weight: Shape) -> Window:
    """Return the window of a convolution."""
    pairs = (node.attributes[name] for name in ("stride", "padding", "dilation"))
    return Window((weight[1], weight[2]), *pairs)


def pool_of(node: Node) -> Window:
    """Return the window of a mean of codes."""
    return Window(*(node.attributes[name] for name in ("kernel", "stride", "padding")))
