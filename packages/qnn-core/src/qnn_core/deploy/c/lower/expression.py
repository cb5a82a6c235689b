"""Float expressions of integers: what lies between sums or codes and a quantizer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....qtensor import QuantizedTensor, values_of
from ...graph import Constant, Node, Shape
from ...graph.columnwise import columnwise
from ...graph.interpret import encoded
from ...graph.operations import OPERATIONS

Array = NDArray[Any]
Integers = NDArray[np.int64]
Link = tuple[str, NDArray[np.float32] | None]

# Elementwise steps of floats that C has with the same bits; tanh and sigmoid it has not.
FORMS = (
    "add",
    "subtract",
    "subtract_from",
    "multiply",
    "divide",
    "divide_into",
    "maximum",
    "minimum",
)

# Links that are not monotone, or not proved to be so to the last bit.
UNPROVED = ("tanh", "sigmoid", "divide_into")

PAIRS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


@dataclass(frozen=True, eq=False)
class Source:
    """An integer of each element: an accumulator, or a code.

    Attributes:
        name: of the value in the graph.
        low, high: int64 ``[n]``: its ends.
        values: ``values(integers[m, n])``: the float32 numbers that the packed model makes of them.
        is_codes: whether it is a code.
    """

    name: str
    low: Integers
    high: Integers
    values: Callable[[Integers], Array]
    is_codes: bool


@dataclass(frozen=True, eq=False)
class Expression:
    """A float32 value, element by element a function of its sources in the same place.

    Attributes:
        sources: in order.
        shape: of a sample; the last axis is that of the columns.
        apply: ``apply(integers of each source[m, n])``: the float32 numbers ``[m, n]``.
        nodes: the operations, in order.
        monotone: whether the numbers rise or fall throughout with each source, to the last bit:
            rounding is monotone, and so is every operation of one value but those of `UNPROVED`.
    """

    sources: tuple[Source, ...]
    shape: Shape
    apply: Callable[[list[Integers]], Array]
    nodes: tuple[Node, ...] = ()
    monotone: bool = True

    @property
    def columns(self) -> int:
        """Length of the last axis."""
        return self.shape[-1]

    def codes(self, quantizer: Node, integers: list[Integers]) -> NDArray[np.uint8]:
        """Return the codes that a quantizer gives its numbers."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return encoded(self.apply(integers), quantizer)


def of_codes(name: str, coding: QuantizedTensor, shape: Shape) -> Expression:
    """Return the expression that a coded value is: the number of each code."""
    values = values_of(
        np.arange(coding.levels.size, dtype=np.uint8),
        coding.levels,
        coding.scale.reshape(()),
        coding.shift.reshape(()),
        None,
    )
    n = shape[-1]
    ends = np.zeros(n, np.int64), np.full(n, coding.levels.size - 1, np.int64)
    source = Source(name, *ends, lambda codes: np.asarray(values[codes], np.float32), True)
    return Expression((source,), shape, lambda integers: source.values(integers[0]))


def of_sums(source: Source, shape: Shape) -> Expression:
    """Return the expression of a product's output."""
    return Expression((source,), shape, lambda integers: source.values(integers[0]))


def extended(
    node: Node,
    shape: Shape,
    known: Mapping[str, Expression],
    constants: Mapping[str, Constant],
) -> Expression | None:
    """Return what an elementwise node, or a reshape, makes of expressions, else None.

    Args:
        node: any node.
        shape: of a sample of what it makes.
        known: expressions by the names of values.
        constants: of the graph.
    """
    variable = [name for name in node.inputs if name not in constants]
    if not variable or any(name not in known for name in variable):
        return None
    first = known[variable[0]]
    if node.op == "reshape":
        # The elements are in the same order; their columns must be so too.
        return replace(first, shape=shape) if shape[-1:] == first.shape[-1:] else None
    if len(variable) == 1:
        return _mapped(node, first, constants)
    if len(variable) == 2 and len(node.inputs) == 2 and node.op in PAIRS:
        return _paired(node, first, known[variable[1]])
    return None


def links_of(node: Node, shape: Shape, constants: Mapping[str, Constant]) -> list[Link] | None:
    """Return an elementwise node of one value as links; None if it is no such node."""
    found = columnwise(node, shape[-1], len(shape) + 1, constants) if shape else None
    if found is None:
        return None
    return [(name, None if c is None else np.asarray(c, np.float32)) for name, c in found.links]


def has_form(link: str) -> bool:
    """Whether an elementwise step of floats has a form in C with the same bits."""
    return link in FORMS


def _mapped(node: Node, x: Expression, constants: Mapping[str, Constant]) -> Expression | None:
    found = columnwise(node, x.columns, len(x.shape) + 1, constants) if x.shape else None
    forward = OPERATIONS[node.op].forward
    if found is None or forward is None:
        return None
    before, after = found.constants[: found.position], found.constants[found.position :]

    def apply(integers: list[Integers]) -> Array:
        return np.asarray(forward(*before, x.apply(integers), *after, **node.attributes))

    poles = any(name in UNPROVED for name, _ in found.links)
    return Expression(x.sources, x.shape, apply, (*x.nodes, node), x.monotone and not poles)


def _paired(node: Node, a: Expression, b: Expression) -> Expression | None:
    forward = OPERATIONS[node.op].forward
    if a.shape != b.shape or not a.shape or forward is None:
        return None
    names = [source.name for source in a.sources]
    new = [source for source in b.sources if source.name not in names]
    sources = (*a.sources, *new)
    at = [[s.name for s in sources].index(source.name) for source in b.sources]
    count = len(a.sources)

    def apply(integers: list[Integers]) -> Array:
        left = a.apply(integers[:count])
        return np.asarray(forward(left, b.apply([integers[i] for i in at])))

    # Of a value with itself, or of a product, nobody knows which way it goes.
    apart = len(sources) == len(a.sources) + len(b.sources) and node.op in ("add", "subtract")
    monotone = apart and a.monotone and b.monotone
    return Expression(sources, a.shape, apply, (*a.nodes, *b.nodes, node), monotone)
