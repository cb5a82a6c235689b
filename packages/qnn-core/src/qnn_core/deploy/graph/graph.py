"""The graph of a packed model: plain data, independent of the tape that it came from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...qtensor import QuantizedTensor

Array = NDArray[Any]
Shape = tuple[int, ...]
Constant = NDArray[np.float32] | QuantizedTensor

NO_CODES = np.zeros(0, np.uint8)


@dataclass(frozen=True, eq=False)
class Input:
    """What the model is called with.

    Attributes:
        name: ``"input0"``, ``"input1"``, ...
        shape: of one sample, without the batch axis.
    """

    name: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        op: its name in `OPERATIONS`.
        inputs: names of the values it takes.
        output: name of the value it makes.
        attributes: its keyword arguments; lengths that follow the batch are `Batch`.
        tables: arrays that belong to it alone, such as the thresholds of a quantizer.
        scope: path of the module that it came from.
        layer: class name of that module.
        chain: the nodes that it was fused from, in order.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Array] = field(default_factory=dict)
    scope: str = ""
    layer: str = ""
    chain: "tuple[Node, ...]" = ()

    def coding(self, codes: NDArray[np.uint8] = NO_CODES) -> QuantizedTensor:
        """Return codes with the meaning that this quantizing node gives them."""
        return QuantizedTensor(
            codes,
            bits=self.attributes["bits"],
            levels=self.tables["levels"],
            scale=self.tables["scale"],
            shift=self.tables["shift"],
            axis=self.attributes["axis"],
        )

    def __str__(self) -> str:
        return f"{self.output} ({self.op}{f' in {self.scope}' if self.scope else ''})"


@dataclass(frozen=True, eq=False)
class Graph:
    """What a packed model computes.

    Attributes:
        inputs: in the order of the arguments.
        constants: float32 arrays and quantized weights by name.
        nodes: the operations; every value is made before it is used, exactly once.
        outputs: names of what is returned.
    """

    inputs: tuple[Input, ...]
    constants: Mapping[str, Constant]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def uses(self) -> "Counter[str]":
        """Return how often each value is taken by a node or returned."""
        return Counter([*(name for node in self.nodes for name in node.inputs), *self.outputs])

    def pruned(self) -> "Graph":
        """Return the graph without what no output depends on."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        constants = {name: value for name, value in self.constants.items() if name in needed}
        return Graph(self.inputs, constants, tuple(reversed(kept)), self.outputs)
