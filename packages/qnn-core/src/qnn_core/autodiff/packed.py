"""What is known of an operation in a packed graph: data, declared with it, that `deploy` reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from .rules import Shape

Array = NDArray[Any]

# What an attribute may be in a file: `deploy.graph.attributes` says what each kind stands for.
Kind = Literal[
    "axes", "channel", "flag", "index", "lengths", "number", "order", "paddings", "strides", "whole"
]

# An elementwise step of the engine, by its name there, and the constants of the columns, if any.
Link = tuple[str, Array | None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Packed:
    """An operation that a packed graph may hold.

    Attributes:
        inputs: how many there are; or the least and the most.
        attributes: the kind of each attribute of `forward`.
        shape: a shape rule for what only a file could say, such as bounds that cross; by default
            the operation's own.
        links: of an operation that the engine does element by element, with constants of which each
            column has one: ``links(first, *constants, **attributes)`` are its steps for all inputs
            but one, which is the first of them or not; or None if it must be. Every step but
            ``"divide_into"`` is monotone in it, so that codes which come after them are thresholds
            on it.
        beside_quantizer: ``"passes"`` if a quantizer behind it gives the same codes in front of it,
            since it only moves elements or chooses among them by their order, and all of them
            count; ``"follows"`` if it commutes with all that passes, so that it can move together
            with a quantizer behind it. None for neither.
        folded: of an operation that is another one once all inputs but the first are constants:
            ``folded(shape, *constants, **attributes)`` is that one's name, and its constants by
            what they are, for messages, for a first input of that shape. Constants that stay the
            same are the very same arrays.
        of_codes: of an operation that computes on codes, and has no weight: ``of_codes(quantized,
            **attributes)`` is the name of what it is for a first input with these codes, or None if
            it takes their values.
        batch_invariant: whether a sample has the same bits wherever it lies in a batch, and however
            large that is. NumPy's functions and sums are not.

    Example:
        >>> from qnn_core import ops
        >>> ops.relu.packed.beside_quantizer
        'follows'
        >>> [name for name, _ in ops.relu.packed.links(True)]
        ['maximum']
    """

    inputs: int | tuple[int, int] = 1
    attributes: Mapping[str, Kind] = field(default_factory=dict)
    shape: Callable[..., Shape] | None = None
    links: Callable[..., Sequence[Link] | None] | None = None
    beside_quantizer: Literal["passes", "follows"] | None = None
    folded: Callable[..., tuple[str, Mapping[str, Array]]] | None = None
    of_codes: Callable[..., str | None] | None = None
    batch_invariant: bool = True
