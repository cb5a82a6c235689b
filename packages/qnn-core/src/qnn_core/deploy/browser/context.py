"""What is known of a net while it becomes steps of JavaScript."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...qtensor import QuantizedTensor, values_of
from ..graph import Graph, Node, Shape
from ..graph.fusible_chain import codings_of
from ..graph.shapes import shapes_of
from .blob import Blob

Array = NDArray[Any]


@dataclass(eq=False)
class Context:
    """A graph, and what was made of it so far. Shapes are those of one sample, with its batch axis.

    Attributes:
        graph: what becomes steps.
        blob: where arrays go.
        steps: as `engine.js` reads them: ``op``, ``from``, ``to`` and what the step needs.
        constants: floats that steps take as values, by name.
        shapes: of every value.
        codings: what the codes of a value mean, where it has codes.
    """

    graph: Graph
    blob: Blob
    steps: list[dict[str, Any]] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(init=False)
    codings: Mapping[str, QuantizedTensor] = field(init=False)

    def __post_init__(self) -> None:
        self.shapes, self.codings = shapes_of(self.graph, 1), codings_of(self.graph)

    def add(self, op: str, to: str, *sources: str, **needs: Any) -> None:
        """Append a step that makes the value `to` of others."""
        self.steps.append({"op": op, "from": list(sources), "to": to, **needs})

    def is_codes(self, name: str) -> bool:
        """Whether a value that steps make, or take, is codes."""
        return name in self.codings and name not in self.graph.constants

    def floats(self, name: str) -> str:
        """Return the name under which a value is there as floats; codes are decoded once."""
        constant = self.graph.constants.get(name)
        if constant is not None:
            if name not in self.constants:
                self.constants[name] = self.blob.floats(numbers(constant))
            return name
        if name not in self.codings:
            return name
        decoded = f"{name} as numbers"
        if all(step["to"] != decoded for step in self.steps):
            coding = self.codings[name]
            values = self.blob.floats(value_table(coding))
            inner = inner_of(self.shapes[name], coding.axis)
            how = {"values": values, "levels": coding.levels.size, "inner": inner}
            self.add("decode", decoded, name, **how)
        return decoded


def numbers(constant: Array | QuantizedTensor) -> Array:
    """Return a constant of a graph as float32 numbers."""
    if not isinstance(constant, QuantizedTensor):
        return np.asarray(constant, np.float32)
    codes, levels, scale, shift = (*constant[:1], *constant[2:5])
    return values_of(codes, levels, scale, shift, constant.axis)


def value_table(coding: QuantizedTensor) -> Array:
    """Return the float32 number of each code, ``[channels or 1, levels]``."""
    levels = coding.levels.size
    channels = max(coding.scale.size, coding.shift.size)
    codes = np.broadcast_to(np.arange(levels, dtype=np.uint8), (channels, levels))
    axis = None if coding.per_tensor else 0
    return values_of(np.ascontiguousarray(codes), coding.levels, coding.scale, coding.shift, axis)


def inner_of(shape: Shape, axis: int | None) -> int:
    """Return how many elements in a row belong to one channel of an axis."""
    return 1 if axis is None else int(np.prod(shape[axis % len(shape) + 1 :]))


def refused(node: Node, why: str) -> ExportError:
    """Return the error for an operation without a form in JavaScript."""
    return ExportError(f"page: {node} has no form in JavaScript with the same bits: {why}")
