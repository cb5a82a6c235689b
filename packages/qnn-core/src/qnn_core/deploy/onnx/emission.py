"""The values of a graph on their way into an ONNX model: as codes or numbers, in either layout.

Images have their channels last in our graph and first in ONNX. A value is kept in the layout in
which it was made; who needs the other one gets a transposition, once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...qtensor import QuantizedTensor, decoded
from ...qtensor.fake_quantize import aligned
from ..graph import Constant, Graph, Node
from ..graph.attributes import Batch
from ..graph.fusible_chain import codings_of
from ..graph.operations import window_of
from ..graph.shapes import shapes_of
from .document import Document

Array = NDArray[Any]
Layout = Literal["last", "first"]
Kind = Literal["codes", "values"]

# Where the axes of images come from.
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True)
class Inexact:
    """A node that may give other bits than ours, and why.

    Attributes:
        layer: path of the layer, or the name of the value outside of any.
        reason: in a sentence.
    """

    layer: str
    reason: str


class Emission:
    """What is known of each value of a graph while its nodes are written.

    Args:
        graph: plain: without fused nodes.
        document: that is written to.
        ordered: whether products of floats are written in our order where a form is exact.

    Attributes:
        constants: of the graph.
        shapes: of every value, for one sample.
        codings: what the codes of a value mean, for those that have codes.
        inexact: what may give other bits, in order.
    """

    def __init__(self, graph: Graph, document: Document, *, ordered: bool = False) -> None:
        self.ordered = ordered
        self.document = document
        self.graph = graph
        self.constants: Mapping[str, Constant] = graph.constants
        self.shapes = shapes_of(graph, 1)
        self.codings = codings_of(graph)
        self.inexact: list[Inexact] = []
        self._made: dict[tuple[str, Kind], dict[Layout, str]] = {}

    # What there is

    def rank(self, name: str) -> int:
        """Return the number of axes of a value."""
        return len(self.shapes[name])

    def has_codes(self, name: str) -> bool:
        """Whether a value was written as codes."""
        return (name, "codes") in self._made

    def native(self, name: str) -> Layout:
        """Return the layout in which a value was written."""
        for kind in ("codes", "values"):
            if (name, kind) in self._made:
                return next(iter(self._made[name, kind]))
        return "last"

    def common(self, names: tuple[str, ...], rank: int) -> Layout:
        """Return the layout for what takes several values element by element."""
        values = [name for name in names if name not in self.constants]
        images = rank == 4 and all(self.rank(name) == 4 for name in values)
        return "first" if images and any(self.native(n) == "first" for n in values) else "last"

    def array(self, name: str) -> Array:
        """Return the numbers of a constant."""
        constant = self.constants[name]
        return decoded(constant) if isinstance(constant, QuantizedTensor) else constant

    # What is made

    def put(self, name: str, made: str, layout: Layout = "last", kind: Kind = "values") -> None:
        """Say that a value was written."""
        self._made.setdefault((name, kind), {})[layout] = made

    def forget(self, name: str) -> None:
        """Say that a name stands for something else from now on."""
        for kind in ("codes", "values"):
            self._made.pop((name, kind), None)

    def codes(self, name: str, layout: Layout = "last") -> str:
        """Return the name of a value's codes, uint8."""
        return self._in_layout(name, "codes", layout)

    def values(self, name: str, layout: Layout = "last") -> str:
        """Return the name of a value's numbers, float32; codes are decoded where they are asked."""
        if (name, "values") not in self._made:
            if name in self.constants:
                return self.document.constant(_moved(self.array(name), layout), name)
            self.put(name, self._decoded(name, self.native(name)), self.native(name))
        return self._in_layout(name, "values", layout)

    def operand(self, name: str, rank: int, layout: Layout) -> str:
        """Return the name of what broadcasts against values of so many axes in a layout."""
        if name not in self.constants:
            return self.values(name, layout if self.rank(name) == 4 else "last")
        return self.document.constant(broadcasting(self.array(name), rank, layout), name)

    def channelwise(self, array: Array, rank: int, axis: int | None, layout: Layout) -> Array:
        """Return one number, or one for each channel, so that it broadcasts against values."""
        return broadcasting(aligned(array, rank, axis), rank, layout)

    def note(self, node: Node, reason: str) -> None:
        """Say that a node may give other bits than ours."""
        found = Inexact(node.scope or node.output, reason)
        if found not in self.inexact:
            self.inexact.append(found)

    def lengths(self, shape: tuple[int | Batch, ...], name: str) -> str:
        """Return the name of a shape, int64, of which some lengths may follow the batch."""
        growing = [n for n in shape if isinstance(n, Batch)]
        fixed = [n for n in shape if not isinstance(n, Batch)]
        if not growing:
            return self.document.constant(np.array(shape, np.int64), f"{name}_shape")
        if len(growing) == 1 and all(n > 0 for n in fixed):
            known = [-1 if isinstance(n, Batch) else n for n in shape]
            return self.document.constant(np.array(known, np.int64), f"{name}_shape")
        return self.exact_lengths(shape, name)

    def exact_lengths(self, shape: tuple[int | Batch, ...], name: str) -> str:
        """Return the same without -1 in it."""
        given = self.values(self.graph.inputs[0].name)
        lengths = self.document.add("Shape", [given], f"{name}_lengths")
        zero = self.document.constant(np.array([0], np.int64), "zero")
        batch = self.document.add("Gather", [lengths, zero], f"{name}_batch", axis=0)
        parts = []
        for length in shape:
            whole = length.times if isinstance(length, Batch) else length
            part = self.document.constant(np.array([whole], np.int64), f"{name}_length")
            if isinstance(length, Batch):
                part = self.document.add("Mul", [batch, part], f"{name}_length")
            parts.append(part)
        return self.document.add("Concat", parts, f"{name}_shape", axis=0)

    def _in_layout(self, name: str, kind: Kind, layout: Layout) -> str:
        made = self._made[name, kind]
        if layout not in made:
            perm = TO_FIRST if layout == "first" else TO_LAST
            (other,) = made.values()
            made[layout] = self.document.add(
                "Transpose", [other], f"{name}_{kind}_{layout}", perm=perm
            )
        return made[layout]

    def _decoded(self, name: str, layout: Layout) -> str:
        """Write ``scale * levels[code] + shift``."""
        coding, codes = self.codings[name], self.codes(name, layout)
        add, constant = self.document.add, self.document.constant
        index = self.document.cast(codes, "int32", f"{name}_index")
        if coding.per_tensor:
            table = np.multiply(coding.scale, coding.levels, dtype=np.float32) + coding.shift
            return add("Gather", [constant(table, f"{name}_values"), index], name, axis=0)
        rank = self.rank(name)
        y = add("Gather", [constant(coding.levels, f"{name}_levels"), index], name, axis=0)
        for op, part in (("Mul", coding.scale), ("Add", coding.shift)):
            array = self.channelwise(part, rank, coding.axis, layout)
            y = add(op, [y, constant(array, f"{name}_{op.lower()}")], name)
        return y


def listed(inexact: Sequence[Inexact]) -> str:
    """Return in a sentence what may give other bits: layers, and the reason that they share.

    Example:
        >>> listed([Inexact("a", "it is float"), Inexact("b", "it is float")])
        'a, b: it is float'
    """
    reasons = dict.fromkeys(one.reason for one in inexact)
    return "; ".join(
        f"{', '.join(one.layer for one in inexact if one.reason == reason)}: {reason}"
        for reason in reasons
    )


Emit = Callable[[Emission, Node], None]


def broadcasting(array: Array, rank: int, layout: Layout) -> Array:
    """Return a constant that broadcasts in our layout as one that does so in another.

    Example:
        >>> broadcasting(np.arange(3), 4, "first").shape
        (3, 1, 1)
    """
    if layout == "last" or not array.ndim:
        return array
    images = array.reshape((1,) * (rank - array.ndim) + array.shape)
    turned = images.transpose(TO_FIRST)
    return turned.reshape(turned.shape[1:]) if turned.shape[0] == 1 else turned


def window_attributes(node: Node, weight: tuple[int, ...]) -> dict[str, Any]:
    """Return the attributes of a convolution."""
    window = window_of(node, weight)
    return {
        "kernel_shape": window.kernel,
        "strides": window.stride,
        "pads": (*window.padding, *window.padding),
        "dilations": window.dilation,
    }


def _moved(array: Array, layout: Layout) -> Array:
    return array.transpose(TO_FIRST) if layout == "first" and array.ndim == 4 else array
