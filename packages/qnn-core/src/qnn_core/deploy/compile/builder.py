"""Nodes become a segment: each adds steps of the engine, until one does not fit."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..._kernels import engine
from ...gemm import GemmOperand, Prepacked, cpu, operand_of, prepack
from ...gemm.gemm import nanoseconds
from ...gemm.im2col import gather
from ...gemm.layouts import padded, row_bytes
from ...gemm.requantizer import cuts_of, float_requantizer, sum_requantizer
from ...qtensor import QuantizedTensor, values_of
from ..graph import Constant, Node
from ..graph.operations import window_of
from .epilogue import links_of
from .segment import Images, Segment

Array = NDArray[Any]

INPUT, OUTPUT = 0, 1


@dataclass(frozen=True)
class Instruction:
    """One step of a program before its buffers have their final numbers."""

    method: str
    source: int
    target: int
    arguments: tuple[Any, ...]


class Builder:
    """Puts a segment together node by node, until one does not fit."""

    def __init__(
        self,
        source: str,
        shape: tuple[int, ...],
        codes: QuantizedTensor | None,
        constants: Mapping[str, Constant],
    ) -> None:
        columns = shape[-1]
        self.shape = shape
        self.images: Images | None = None
        self.constants = constants
        self.source, self.axes, self.k, self.n = source, len(shape), columns, columns
        self.takes_codes = codes is not None
        self.strides = [columns if codes is not None else 4 * columns, 0]
        self.instructions: list[Instruction] = []
        self.kernels: list[tuple[str, str]] = []
        self.work = 1.0
        self.buffer = INPUT
        self.nodes: list[Node] = []
        # How the codes at hand are written, once it is known for what; None while floats are.
        self.codes: QuantizedTensor | None = codes
        self.emit: Callable[[str, int, Array | None, int], None] | None = (
            None if codes is None else self._layout
        )

    def add(self, node: Node) -> bool:
        """Take a node whose first input is the value at hand, or return False."""
        # These are the engine's own steps; all that is elementwise says itself which links it is.
        how: dict[str, Callable[[Node], bool]] = {
            "conv2d": self._conv2d,
            "linear": self._linear,
            "quantize": self._quantize,
            "requantize": self._requantize,
            "requantize_conv2d": self._requantize_conv2d,
        }
        taken = how.get(node.op, self._links)(node)
        if taken:
            self.nodes.append(node)
        return taken

    def build(self) -> Segment:
        """Return the segment."""
        coding = None
        if self.codes is not None:
            assert self.emit is not None
            self.strides[OUTPUT] = padded(self.n)
            self.emit("uint8", 8, None, OUTPUT)
            coding = self.codes
        else:
            self.strides[OUTPUT] = 4 * self.n
        last = self.instructions[-1].target
        number = {buffer: buffer for buffer in range(len(self.strides))} | {last: OUTPUT}
        program = engine.Program(cpu.active_index(), self.strides, len(self.instructions))
        for step in self.instructions:
            method = getattr(program, step.method)
            method(number[step.source], number[step.target], *step.arguments)
        return Segment(
            source=self.source,
            output=self.nodes[-1].output,
            k=self.k,
            n=self.n,
            coding=coding,
            takes_codes=self.takes_codes,
            encodes=self.instructions[0].method == "encode",
            program=program,
            work=self.work,
            where=str(self.nodes[0]),
            kernels=tuple(self.kernels),
            images=self.images,
        )

    # What the value at hand becomes

    def _quantize(self, node: Node) -> bool:
        coding = node.coding()
        if self.codes is not None or coding.scale.size > 1 or coding.shift.size > 1:
            return False
        source, columns = self.buffer, self.n
        cuts = cuts_of(node.tables["thresholds"], coding.scale, coding.shift)

        def emit(form: str, bits: int, elements: Array | None, target: int) -> None:
            requantizer = float_requantizer(cuts, form, bits, elements)
            self._step("encode", source, target, columns, requantizer)

        self.codes, self.emit = coding, emit
        return True

    def _linear(self, node: Node) -> bool:
        prepacked = self._prepacked(node)
        if prepacked is None:
            return False
        self._feed(node, prepacked)
        self._floats(prepacked)
        return True

    def _requantize(self, node: Node) -> bool:
        prepacked = self._prepacked(node)
        if prepacked is None:
            return False
        self._feed(node, prepacked)
        self._codes(node, prepacked)
        return True

    def _conv2d(self, node: Node) -> bool:
        prepacked = self._gathered(node)
        if prepacked is not None:
            self._floats(prepacked)
        return prepacked is not None

    def _requantize_conv2d(self, node: Node) -> bool:
        prepacked = self._gathered(node)
        if prepacked is not None:
            self._codes(node, prepacked)
        return prepacked is not None

    def _floats(self, prepacked: Prepacked) -> None:
        """The product of the elements at hand, as floats."""
        target = self._new(4 * padded(self.n))
        self._step("product", self.buffer, target, prepacked.weights, "float")
        self.buffer = target

    def _codes(self, node: Node, prepacked: Prepacked) -> None:
        """The product of the elements at hand, as codes by thresholds on its sums."""
        source = self.buffer

        def emit(form: str, bits: int, elements: Array | None, target: int) -> None:
            requantizer = sum_requantizer(
                node.tables["thresholds"], node.tables["flip"], form, bits, elements
            )
            self._step("product", source, target, prepacked.weights, form, requantizer)

        self.codes, self.emit = node.coding(), emit

    def _links(self, node: Node) -> bool:
        if self.codes is not None:
            return False
        links = links_of(node, self.n, self.axes, self.constants)
        if links is None:
            return False
        target = self._new(4 * padded(self.n)) if self.buffer == INPUT else self.buffer
        last = self.instructions[-1] if self.instructions else None
        if last is not None and last.method == "chain" and last.target == self.buffer:
            last.arguments[1].extend(links)
        else:
            self._step("chain", self.buffer, target, self.n, links)
        self.buffer = target
        return True

    # Helpers

    def _gathered(self, node: Node) -> Prepacked | None:
        """Begin with a convolution: let windows on the source become rows of elements."""
        groups = node.attributes.get("groups", 1)
        given = weight_of(node, self.constants) if not self.nodes and groups == 1 else None
        if given is None or len(self.shape) != 4:
            return None
        (w, w_operand), bias = given
        x_operand, window = operand_of(self.codes, None), window_of(node, w.shape)
        if self.codes is not None and x_operand.levels is None:
            return None  # codes that enter with their values
        rows = w.reshape(len(w), math.prod(w.shape[1:]))
        padding = any(window.padding)
        prepacked = prepack(rows, bias, x_operand, w_operand, padded=padding)
        height, width, channels = self.shape[1:]
        how = gather(prepacked, x_operand, window, (height, width, channels))
        self.images = Images(self.shape[1:], window.output(height, width), how)
        self.strides[INPUT] = 0
        self.buffer = self._new(how.row_bytes)
        self._step("gather", INPUT, self.buffer, how.windows)
        if how.layout is not None:
            target = self._new(row_bytes(prepacked.form, prepacked.k, prepacked.bits))
            self._step("layout", self.buffer, target, prepacked.k, how.layout)
            self.buffer = target
        self.emit, self.codes = None, None
        self._count(node, prepacked, how.work)
        return prepacked

    def _count(self, node: Node, prepacked: Prepacked, besides: float = 0.0) -> None:
        self.work += besides + nanoseconds(prepacked, 1, prepacked.k)
        self.kernels.append((node.output, prepacked.kind))
        self.n = prepacked.n

    def _prepacked(self, node: Node) -> Prepacked | None:
        """Return the weights of a product ready for the elements at hand, None if they differ."""
        given = weight_of(node, self.constants)
        if given is None:
            return None
        (w, w_operand), bias = given
        x_operand = operand_of(self.codes, None)
        prepacked = prepack(w, bias, x_operand, w_operand)
        # Codes become integers; floats and elements that are no integers stay as they are.
        if (prepacked.form == "float") != (self.codes is None):
            return None
        return prepacked

    def _feed(self, node: Node, prepacked: Prepacked) -> None:
        """Write the elements that a product wants, and count its work."""
        if self.emit is not None:
            target = self._new(row_bytes(prepacked.form, self.n, prepacked.bits))
            self.emit(prepacked.form, prepacked.bits, prepacked.elements, target)
            self.buffer, self.emit, self.codes = target, None, None
        self._count(node, prepacked)

    def _layout(self, form: str, bits: int, elements: Array | None, target: int) -> None:
        requantizer = engine.Requantizer(format=form, bits=bits, count=0, elements=elements)
        self._step("layout", INPUT, target, self.k, requantizer)

    def _new(self, stride: int) -> int:
        self.strides.append(stride)
        return len(self.strides) - 1

    def _step(self, method: str, source: int, target: int, *arguments: Any) -> None:
        self.instructions.append(Instruction(method, source, target, arguments))


def weight_of(
    node: Node, constants: Mapping[str, Constant]
) -> tuple[tuple[Array, GemmOperand], Array | None] | None:
    """Return the weight of a product, what it is, and the bias; None if they are no constants."""
    weight = constants.get(node.inputs[1])
    bias = constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
    given = len(node.inputs) < 3 or bias is not None
    if weight is None or not given or isinstance(bias, QuantizedTensor):
        return None
    operand = operand_of(weight if isinstance(weight, QuantizedTensor) else None, 0)
    return (weight_data(weight, operand), operand), bias


def weight_data(weight: Constant, operand: GemmOperand) -> Array:
    """Return what a product is computed on: codes where they have levels, else values."""
    if not isinstance(weight, QuantizedTensor):
        return weight
    if operand.levels is not None:
        return weight.codes
    return values_of(weight.codes, weight.levels, weight.scale, weight.shift, weight.axis)
