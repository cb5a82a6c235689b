"""Nodes become a segment: each adds steps of the engine, until one does not fit."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels import engine
from ...gemm import GemmOperand, Prepacked, Window, cpu, mean_operand, operand_of, prepack
from ...gemm.depthwise import is_depthwise, prepack_depthwise
from ...gemm.gemm import nanoseconds
from ...gemm.im2col import Im2col, gather
from ...gemm.layouts import padded, per_column, row_bytes
from ...gemm.mean import prepacked_sums
from ...gemm.requantizer import cuts_of, float_requantizer, sum_requantizer
from ...qtensor import QuantizedTensor, values_of
from ..graph import Constant, Node
from ..graph.operations import MEANS, ON_SUMS, pool_of, window_of
from .epilogue import links_of
from .segment import Images, Segment
from .sum_lines import sum_lines

Array = NDArray[Any]

INPUT, OUTPUT = 0, 1


@dataclass(frozen=True)
class Instruction:
    """One step of a program before its buffers have their final numbers."""

    method: str
    source: int
    target: int
    arguments: tuple[Any, ...]


class Factors(NamedTuple):
    """The weight of a product, ``[n, ...]``, its bias, and what both sides are."""

    w: Array
    bias: Array | None
    x_operand: GemmOperand
    w_operand: GemmOperand

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight."""
        return self.w.shape

    @property
    def sides(self) -> tuple[Array, Array | None, GemmOperand, GemmOperand]:
        """The same with the weight as rows."""
        rows = self.w.reshape(len(self.w), math.prod(self.shape[1:]))
        return rows, *self[1:]

    @property
    def reach(self) -> int:
        """The greatest magnitude that a sum of integers could have."""
        x, w = self.x_operand.integer_levels, self.w_operand.integer_levels
        return 0 if x is None or w is None else math.prod(self.shape[1:]) * x.reach * w.reach


class Product(NamedTuple):
    """A product that is ready, and the step that it is.

    Attributes:
        prepacked: its weights.
        method: of `engine.Program`.
        arguments: of that, up to the weights.
        reach: the greatest magnitude that a sum of integers could have.
    """

    prepacked: Prepacked
    method: str
    arguments: tuple[Any, ...]
    reach: int


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
            "conv2d": self._product,
            "linear": self._product,
            "quantize": self._quantize,
            **dict.fromkeys(ON_SUMS, self._product),
            **dict.fromkeys(MEANS, self._mean),
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
        flat = [node.op for node in self.nodes] == ["quantize"]
        if flat:
            self._flatten()
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
            flat=flat,
        )

    def _flatten(self) -> None:
        """Let a sample be one row: rows of few columns would be panels with little in them."""
        self.k = self.n = math.prod(self.shape[1:])
        (encode,) = self.instructions
        source, target, (_, requantizer) = encode.source, encode.target, encode.arguments
        self.instructions = [Instruction("encode", source, target, (self.n, requantizer))]
        self.strides = [4 * self.k, padded(self.n)]

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

    def _product(self, node: Node) -> bool:
        """Multiply, and make floats of the sums or, if the node has thresholds, codes."""
        factors = self._factors(node)
        if factors is None:
            return False
        groups = node.attributes.get("groups", 1)
        window = window_of(node, factors.shape) if "groups" in node.attributes else None
        if window is None or is_pointwise(window, groups):
            product = self._of_rows(factors)
        elif groups == 1:
            product = self._of_patches(factors, window)
        else:
            product = self._of_channels(factors, window, groups)
        if product is None:
            return False
        self._count(node, product.prepacked)
        (self._codes if node.op in ON_SUMS else self._floats)(node, product)
        return True

    def _mean(self, node: Node) -> bool:
        """Begin with a mean of codes: a convolution of each channel alone, and a division."""
        window = pool_of(node)
        pixels = math.prod(window.kernel)
        operand = mean_operand(self.codes, pixels)
        if operand is None or operand.integer_levels is None or not self._begins_with_images():
            return False
        prepacked = prepacked_sums(operand, self.n, pixels)
        how = self._look_at(window, prepacked, operand)
        self.work += nanoseconds(prepacked, 1, pixels)
        reach = pixels * operand.integer_levels.reach
        product = Product(prepacked, "depthwise", (how.windows, prepacked.weights), reach)
        if node.op in ON_SUMS:
            self._codes(node, product)
        else:
            self._floats(node, product)
            divide = ("divide", per_column(np.float32(pixels), self.n, np.float32, fill=1))
            self._step("chain", self.buffer, self.buffer, self.n, [divide])
        return True

    def _floats(self, node: Node, product: Product) -> None:
        """The product of the elements at hand, as floats."""
        target = self._new(4 * padded(self.n))
        self._step(product.method, self.buffer, target, *product.arguments, "float")
        self.buffer = target

    def _codes(self, node: Node, product: Product) -> None:
        """The product of the elements at hand, as codes by thresholds on its sums."""
        source = self.buffer
        thresholds, flip = node.tables["thresholds"], node.tables["flip"]
        lines = sum_lines(node, product.reach)

        def emit(form: str, bits: int, elements: Array | None, target: int) -> None:
            requantizer = sum_requantizer(thresholds, flip, form, bits, elements, lines=lines)
            self._step(product.method, source, target, *product.arguments, form, requantizer)

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

    def _of_rows(self, factors: Factors) -> Product | None:
        """Write the elements at hand as a product of rows wants them."""
        prepacked = prepack(*factors.sides)
        # Codes become integers; floats and elements that are no integers stay as they are.
        if (prepacked.form == "float") != (self.codes is None):
            return None
        if self.emit is not None:
            target = self._new(row_bytes(prepacked.form, self.n, prepacked.bits))
            self.emit(prepacked.form, prepacked.bits, prepacked.elements, target)
            self.buffer, self.emit, self.codes = target, None, None
        return Product(prepacked, "product", (prepacked.weights,), factors.reach)

    def _of_patches(self, factors: Factors, window: Window) -> Product | None:
        """Begin with a convolution: let windows on the source become rows of elements."""
        values = self.codes is not None and factors.x_operand.levels is None
        if values or not self._begins_with_images():
            return None
        prepacked = prepack(*factors.sides, padded=any(window.padding), windows=True)
        how = self._look_at(window, prepacked, factors.x_operand)
        self.buffer = self._new(how.row_bytes)
        self._step("gather", INPUT, self.buffer, how.windows)
        if how.layout is not None:
            target = self._new(row_bytes(prepacked.form, prepacked.k, prepacked.bits))
            self._step("layout", self.buffer, target, prepacked.k, how.layout)
            self.buffer = target
        return Product(prepacked, "product", (prepacked.weights,), factors.reach)

    def _of_channels(self, factors: Factors, window: Window, groups: int) -> Product | None:
        """Begin with a convolution of each channel alone, which reads the images itself."""
        if not self._begins_with_images() or not is_depthwise(factors.shape, groups):
            return None
        prepacked = prepack_depthwise(*factors.sides)
        if prepacked is None:
            return None
        how = self._look_at(window, prepacked, factors.x_operand)
        arguments = (how.windows, prepacked.weights)
        return Product(prepacked, "depthwise", arguments, factors.reach)

    def _begins_with_images(self) -> bool:
        return not self.nodes and len(self.shape) == 4

    def _look_at(self, window: Window, prepacked: Prepacked, x_operand: GemmOperand) -> Im2col:
        """Take the source as images on which windows lie."""
        height, width, channels = self.shape[1:]
        how = gather(prepacked, x_operand, window, (height, width, channels))
        self.images = Images(self.shape[1:], window.output(height, width), how)
        self.strides[INPUT] = 0
        self.work += how.work
        self.emit, self.codes = None, None
        return how

    def _count(self, node: Node, prepacked: Prepacked) -> None:
        self.work += nanoseconds(prepacked, 1, prepacked.k)
        self.kernels.append((node.output, prepacked.kind))
        self.n = prepacked.n

    def _factors(self, node: Node) -> Factors | None:
        """Return the weight of a product as rows, and what both sides are, if it is constant."""
        given = weight_of(node, self.constants)
        if given is None:
            return None
        (w, w_operand), bias = given
        return Factors(w, bias, operand_of(self.codes, None), w_operand)

    def _layout(self, form: str, bits: int, elements: Array | None, target: int) -> None:
        requantizer = engine.Requantizer(format=form, bits=bits, count=0, elements=elements)
        self._step("layout", INPUT, target, self.k, requantizer)

    def _new(self, stride: int) -> int:
        self.strides.append(stride)
        return len(self.strides) - 1

    def _step(self, method: str, source: int, target: int, *arguments: Any) -> None:
        self.instructions.append(Instruction(method, source, target, arguments))


def is_pointwise(window: Window, groups: int) -> bool:
    """Whether a convolution is a product of the channels of each pixel, for all pixels."""
    plain = window.kernel == window.stride == (1, 1) and not any(window.padding)
    return plain and groups == 1


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
