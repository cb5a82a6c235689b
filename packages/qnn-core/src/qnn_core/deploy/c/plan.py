"""What a net is in C: steps on integers, in order, each from buffers to a buffer.

A plan is made by `lower` from a packed graph and says nothing of how a step is computed: that is
chosen by `kernels`, and written by `text`. Shapes are those of one sample, channels last.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...gemm import Window
from ...qtensor import QuantizedTensor
from ..compile.exact_line import Lines
from ..graph import Shape

Integers = NDArray[np.int64]

Kind = Literal["pixels", "floats", "codes", "sums"]

BYTES: dict[Kind, int] = {"pixels": 1, "floats": 4, "codes": 1, "sums": 4}


@dataclass(frozen=True, eq=False)
class Value:
    """An array of one sample.

    Attributes:
        name: in C.
        kind: ``pixels`` are uint8 as they come; ``codes`` uint8; ``sums`` integers; ``floats``.
        shape: of a sample.
        coding: what codes mean, or what a table makes of pixels.
        table: of pixels that stand for codes: the code of each of the 256; None for the codes
            themselves.
        nbytes: of an element.
        storage: the name of the value in whose memory it lies: a reshaped array is the same.
    """

    name: str
    kind: Kind
    shape: Shape
    coding: QuantizedTensor | None = None
    table: NDArray[np.uint8] | None = None
    nbytes: int = 1
    storage: str = ""

    @property
    def size(self) -> int:
        """Elements."""
        return int(np.prod(self.shape))

    @property
    def place(self) -> str:
        """The name of the memory that it lies in."""
        return self.storage or self.name


@dataclass(frozen=True, eq=False)
class Decision:
    """How the sum of a channel becomes a code: how many thresholds the turned sum reaches.

    Attributes:
        thresholds: int64 ``[T, n]``, ascending along the first axis.
        turned: bool ``[n]``: where minus the sum is compared.
        low, high: int64 ``[n]``: ends of the turned sums that can occur.
        lines: the same as lines, of turned sums; see `exact_line`.
        checked: sums that can occur: for all of them it gives the packed model's code.
        shared: whether all channels have the same thresholds, and the same line.
    """

    thresholds: Integers
    turned: NDArray[np.bool_]
    low: Integers
    high: Integers
    lines: Lines
    checked: int
    shared: bool = False

    @property
    def top(self) -> int:
        """The greatest code."""
        return len(self.thresholds)


@dataclass(frozen=True, eq=False)
class Step:
    """One step.

    Attributes:
        path: of the layer in the model.
        layer: class name of that layer.
        sources: the values that it reads.
        target: the value that it makes.
        identifier: its name in C.
    """

    path: str
    layer: str
    sources: tuple[Value, ...]
    target: Value
    identifier: str


@dataclass(frozen=True, eq=False)
class Product(Step):
    """A linear layer or a convolution of integers, with what becomes of its sums.

    The accumulator of output n is the sum of ``x * w`` over the window, where x is an input's code,
    minus `offset`, or what `table` has for it; what lies outside of the image adds nothing.

    Attributes:
        image: height, width and channels of the input; (1, rows, columns) of a linear layer.
        window: of the kernel.
        groups: of channels.
        weights: int64 ``[n, kh, kw, channels / groups]``.
        weight_bits: of a weight's code.
        offset: taken off a code, where there is no table.
        table: int64, what each code, or each pixel, enters with; None for the code itself.
        input_low, input_high: ends of x.
        low, high: int64 ``[n]``: ends of the accumulators that can occur.
        pool: window of a maximum that is taken of the sums, or None.
        decision: None if the accumulators themselves are the result.
        is_linear: whether it is a linear layer.
    """

    image: tuple[int, int, int]
    window: Window
    groups: int
    weights: Integers
    weight_bits: int
    offset: int
    table: Integers | None
    input_bits: int
    input_low: int
    input_high: int
    low: Integers
    high: Integers
    pool: Window | None
    decision: Decision | None
    is_linear: bool

    @property
    def n(self) -> int:
        """Output channels."""
        return len(self.weights)

    @property
    def k(self) -> int:
        """Length of a sum."""
        return int(np.prod(self.weights.shape[1:]))

    @property
    def output(self) -> tuple[int, int]:
        """Rows and columns of the convolution, before pooling."""
        return self.window.output(*self.image[:2])

    @property
    def pooled(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.output if self.pool is None else self.pool.output(*self.output)

    @property
    def macs(self) -> int:
        """Multiply-accumulates, padding included."""
        rows, columns = self.output
        return rows * columns * self.n * self.k


@dataclass(frozen=True, eq=False)
class Decide(Step):
    """Codes of integer sums that were kept."""

    decision: Decision


@dataclass(frozen=True, eq=False)
class Recode(Step):
    """Codes by a table: of other codes or of pixels.

    Attributes:
        tables: uint8 ``[channels or 1, levels]``.
    """

    tables: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Join(Step):
    """Codes of two integers of each element, such as a residual sum.

    The code of a and b is ``clip((a * multiplier + b * factor + offset) >> shift, 0, top)``.

    Attributes:
        multiplier, factor, offset: int64 ``[n]``.
        shift: to the right.
        top: the greatest code.
        wide: whether 64 bits are needed.
        exceptions: int64 ``[count, 4]``, pairs with another code: ``(channel, a, b, code)``.
        near: how far their numbers are from an edge of a code at most, before the shift.
        checked: pairs that can occur: all were compared with the packed model's expression.
    """

    multiplier: Integers
    factor: Integers
    offset: Integers
    shift: int
    top: int
    wide: bool
    exceptions: Integers
    near: int
    checked: int


@dataclass(frozen=True, eq=False)
class MaxPool(Step):
    """The maximum of windows of codes (or of pixels that stand for codes), or of floats."""

    window: Window


@dataclass(frozen=True, eq=False)
class SumPool(Step):
    """Sums of windows of codes, less the zero point; padding adds nothing.

    Attributes:
        offset, table: see `Product`.
        decision: None if the sums themselves are the result.
    """

    window: Window
    offset: int
    table: Integers | None
    low: int
    high: int
    decision: Decision | None


@dataclass(frozen=True, eq=False)
class Gather(Step):
    """Elements moved: ``target[i] = source[start + sum of i_axis * strides_axis]``, or by a table.

    Attributes:
        lengths: of the target's axes, neighbours that go together as one.
        strides: of the source along them, in elements.
        start: the first element.
        indices: of the source, one for each element, where strides cannot say it; else None.
    """

    lengths: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    indices: Integers | None


@dataclass(frozen=True, eq=False)
class Concatenate(Step):
    """Several arrays side by side: of each part, runs of so many elements in turn.

    Attributes:
        outer: runs of each part.
        inner: elements of a run, for each part.
    """

    outer: int
    inner: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Encode(Step):
    """Codes of float32 numbers: how many cuts are not above each.

    Attributes:
        cuts: float32 ``[T]``, the least number of each code but the first.
    """

    cuts: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Dequantize(Step):
    """float32 numbers of codes or pixels.

    Attributes:
        values: float32 ``[channels or 1, levels]``.
    """

    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scale(Step):
    """float32 numbers of sums: ``(float)(sum * unit + base) * scale + bias``.

    Attributes:
        unit: integer.
        base: int64 ``[n]``.
        scale: float32, of one element or n.
        bias: float32 ``[n]``, or None.
        divisor: float32 number that it is divided by at last, or None.
    """

    unit: int
    base: Integers
    scale: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    divisor: float | None = None


@dataclass(frozen=True, eq=False)
class FloatMap(Step):
    """Elementwise steps on floats with constants of each column: see `autodiff.packed.Link`.

    Attributes:
        links: ``(name, constants or None)``.
    """

    links: tuple[tuple[str, NDArray[np.float32] | None], ...]


@dataclass(frozen=True, eq=False)
class FloatPair(Step):
    """``a + b``, ``a - b``, ``a * b`` or ``a / b`` of two arrays of floats.

    Attributes:
        operator: ``+``, ``-``, ``*`` or ``/``.
    """

    operator: str


@dataclass(frozen=True, eq=False)
class FloatProduct(Step):
    """A product of floats: fused multiply-adds in order, then scale and bias.

    Attributes:
        image, window, groups: see `Product`.
        weights: float32 ``[n, kh, kw, channels / groups]``.
        scale, bias: see `Scale`.
    """

    image: tuple[int, int, int]
    window: Window
    groups: int
    weights: NDArray[np.float32]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class FloatMean(Step):
    """The mean of windows of floats, in the order of `gemm.pooling.window_mean`."""

    window: Window


def decision_of(step: Step) -> Decision | None:
    """Return how the sums of a step become codes, None if they do not."""
    return step.decision if isinstance(step, Product | Decide | SumPool) else None


@dataclass(frozen=True, eq=False)
class Output:
    """What the net returns.

    Attributes:
        value: sums, codes or floats.
        scale: how its integers become the packed model's numbers; None of floats and codes.
        links: elementwise steps after that.
        cut: what stands behind it in the model and was left out, since it keeps the order.
        reach: the greatest magnitude that a sum can have; 0 of codes and floats.
        name: of the value in the graph, before what was cut.
        origin: of the sums in the graph; empty of codes and floats.
    """

    value: Value
    scale: Scale | None
    links: tuple[tuple[str, NDArray[np.float32] | None], ...]
    cut: str
    reach: int = 0
    name: str = ""
    origin: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """A net as steps.

    Attributes:
        input: the value that it takes.
        steps: in order.
        outputs: what it returns.
        floats: what stays float, ``(layer, reason)`` each.
    """

    input: Value
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    floats: tuple[tuple[str, str], ...] = ()
