"""Products of codes: sums by MatMulInteger and ConvInteger, then scale and bias as ours."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...gemm import GemmOperand, integer_sum, joint_scale, operand_of
from ...gemm.operand import channels_of
from ...qtensor import QuantizedTensor
from ..graph import Node
from .digits import digits, spaced
from .emission import Emission, Layout, window_attributes

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Factors:
    """Both sides of a product with a constant weight.

    Attributes:
        x: what the input is.
        groups: what the weight of each group is.
        k: products that a sum has.
    """

    x: GemmOperand
    groups: list[GemmOperand]
    k: int

    @property
    def integer(self) -> bool:
        """Whether every sum is one of integers."""
        return all(integer_sum(self.x, w, self.k) for w in self.groups)

    @property
    def mixed(self) -> bool:
        """Whether the sums of some groups are of integers, and of others not."""
        return len({integer_sum(self.x, w, self.k) for w in self.groups}) > 1

    def scale(self, channels: int) -> Array:
        """Return what sums are multiplied by, of shape () or (channels,)."""
        scales = [joint_scale(self.x, w, self.k) for w in self.groups]
        if len(scales) == 1:
            return scales[0]
        each = channels // len(scales)
        return np.concatenate([np.broadcast_to(scale, (each,)) for scale in scales])


def factors(e: Emission, node: Node) -> Factors | None:
    """Return both sides of a product, or None if its weight is computed."""
    x, w = node.inputs[:2]
    if w not in e.constants:
        return None
    weight = e.constants[w]
    shape = e.shapes[w]
    side = operand_of(weight if isinstance(weight, QuantizedTensor) else None, 0)
    count = node.attributes.get("groups", 1)
    each = shape[0] // count
    parts = [channels_of(side, slice(g * each, (g + 1) * each)) for g in range(count)]
    return Factors(operand_of(e.codings.get(x), None), parts, math.prod(shape[1:]))


class Sums(NamedTuple):
    """Integer sums that were written.

    Attributes:
        name: of the sums.
        dtype: int32 or int64.
        layout: of the sums.
    """

    name: str
    dtype: str
    layout: Layout


def integer_sums(e: Emission, node: Node, sides: Factors) -> Sums:
    """Write the sums of a product of integers.

    Where 8 bits hold the numbers of both sides it is one product, else one of each two digits, that
    are added up in int64.
    """
    layout: Layout = "first" if node.op == "conv2d" else "last"
    parts = [
        (_product(e, node, x, w), x[2] * w[2])
        for x in _input(e, node, sides.x, layout)
        for w in _weight(e, node)
    ]
    add, constant, name = e.document.add, e.document.constant, node.output
    if len(parts) == 1:
        ((sums, times),) = parts
        if times != 1:
            sums = add("Mul", [sums, constant(np.int32(times), "step")], f"{name}_sums")
        return Sums(sums, "int32", layout)
    total = ""
    for product, times in parts:
        wide = e.document.cast(product, "int64", f"{name}_part")
        wide = add("Mul", [wide, constant(np.int64(times), "step")], f"{name}_part")
        total = add("Add", [total, wide], f"{name}_sums") if total else wide
    return Sums(total, "int64", layout)


def scaled(e: Emission, node: Node, sums: str, scale: Array, layout: Layout) -> None:
    """Write ``sums * scale + bias`` of float32 sums as the value of a product."""
    add, constant = e.document.add, e.document.constant
    rank = e.rank(node.output)
    factor = constant(e.channelwise(scale, rank, -1, layout), f"{node.output}_scale")
    y = add("Mul", [sums, factor], node.output)
    if len(node.inputs) > 2:
        y = add("Add", [y, e.operand(node.inputs[2], rank, layout)], node.output)
    e.put(node.output, y, layout)


Part = tuple[str, int, int]
"""The name of bytes, their zero point, and the weight of the digit that they are."""


def _input(e: Emission, node: Node, x: GemmOperand, layout: Layout) -> list[Part]:
    name = node.inputs[0]
    codes = e.codes(name, layout)
    assert x.integer_levels is not None
    numbers = x.integer_levels.centred
    even = spaced(numbers)
    if even is not None:
        step, zero = even
        return [(codes, zero, step)]
    index = e.document.cast(codes, "int32", f"{name}_index")
    parts = []
    for digit in digits(numbers):
        table = e.document.constant(digit.bytes, f"{name}_elements")
        made = e.document.add("Gather", [table, index], f"{name}_elements", axis=0)
        parts.append((made, digit.zero, digit.weight))
    return parts


def _weight(e: Emission, node: Node) -> list[Part]:
    weight = e.constants[node.inputs[1]]
    assert isinstance(weight, QuantizedTensor)
    levels = operand_of(weight, 0).integer_levels
    assert levels is not None
    zero = levels.zero
    if zero.ndim:
        zero = zero.reshape(-1, *(1,) * (weight.codes.ndim - 1))
    numbers = levels.integers[weight.codes] - zero
    turned = numbers.transpose((0, 3, 1, 2) if numbers.ndim == 4 else (1, 0))
    name = node.inputs[1]
    return [(e.document.constant(d.bytes, name), d.zero, d.weight) for d in digits(turned)]


def _product(e: Emission, node: Node, x: Part, w: Part) -> str:
    constant = e.document.constant
    zeros = [constant(np.uint8(part[1]), "zero_point") for part in (x, w)]
    names = [x[0], w[0], *zeros]
    if node.op == "linear":
        return e.document.add("MatMulInteger", names, f"{node.output}_sums")
    window = window_attributes(node, e.shapes[node.inputs[1]])
    groups = node.attributes["groups"]
    return e.document.add("ConvInteger", names, f"{node.output}_sums", group=groups, **window)
