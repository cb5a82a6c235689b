"""A file of ONNX as data: what `library` reads and the rest of this room works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Stands for the length of the batch wherever lengths are computed: a prime that no net has as a
# length, so that products and quotients with it are still seen to hold the batch.
BATCH = 1_000_003
# Another one: a number that differs with it, and is no multiple of the batch, is no length.
OTHER = 1_000_033


@dataclass(frozen=True)
class Node:
    """One operator of the graph.

    Attributes:
        type: of the operator, such as ``"Conv"``.
        domain: ``""`` for ONNX's own.
        name: as the file has it, or ``""``.
        inputs: names of values, ``""`` for one that is left out.
        outputs: likewise.
        attributes: numbers, texts, tuples of these, and arrays.
    """

    type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operator(self) -> str:
        """The type, with its domain where that is not ONNX's own."""
        return f"{self.domain}:{self.type}" if self.domain else self.type

    def __str__(self) -> str:
        return f"{self.operator} {self.name or self.outputs[0]!r}"


@dataclass(frozen=True)
class Document:
    """A graph, its operators in an order in which each value is made before it is taken.

    Attributes:
        nodes: the operators.
        constants: arrays by name; floats are float32.
        inputs: shapes by name, with `BATCH` in front and None for what the file leaves open.
        outputs: names and dtypes.
        opset: version of ONNX's own operators.
        batch: its length where the file has a fixed one, else None.
        whole: names of the inputs that are whole numbers, such as pixels.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: Mapping[str, np.dtype[Any]]
    opset: int
    batch: int | None = None
    whole: frozenset[str] = frozenset()


def needed(document: Document, outputs: list[str]) -> tuple[Node, ...]:
    """Return the operators that the outputs need."""
    wanted = set(outputs)
    kept = []
    for node in reversed(document.nodes):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(node.inputs)
    return tuple(reversed(kept))
