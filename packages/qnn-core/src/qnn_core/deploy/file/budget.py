"""What a file may cost: time and memory in proportion to its own bytes and those of its input.

A few bytes can describe a graph that takes hours to prepack or to run. What it would take is
estimated from the shapes alone, before anything is made, and refused where it is out of all
proportion; the nets that `save` writes stay far below.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import FileError
from ...gemm import integer_sum, operand_of
from ...gemm.depthwise import is_depthwise
from ...gemm.requantizer import MOST_COUNTED
from ...qtensor import QuantizedTensor
from ..graph import Graph, Node, Shape
from ..graph.fusible_chain import codings_of
from ..graph.operations import MEANS, ON_SUMS, OPERATIONS
from ..graph.shapes import shapes_of

# Allowed whatever the size of the file; for each byte of it; for each element of an input.
SECONDS, BYTES = 1.0, 2.0**26
SECONDS_PER_BYTE, BYTES_PER_BYTE = 2e-6, 512.0
SECONDS_PER_INPUT, BYTES_PER_INPUT = 1e-5, 1024.0

# About what things take on one core: preparing a node, and a group of a convolution; ...
NODE_SECONDS, NODE_BYTES = 8e-5, 2.0**12
GROUP_SECONDS, GROUP_BYTES = 1e-4, 2.0**14
WEIGHT_SECONDS, WEIGHT_BYTES = 5e-9, 4.0
# Of two thresholds of a channel, in the search for a line.
PAIR_SECONDS = 2e-9
# ... running a node, each element that it takes or makes, and each product or sum of two.
CALL_SECONDS = 2e-5
ELEMENT_SECONDS, ELEMENT_BYTES = 4e-9, 4.0
TERM_SECONDS = 5e-10

# A batch of so many shows what grows faster than the number of its samples.
MANY = 64


@dataclass(frozen=True)
class Cost:
    """What something takes, or may take.

    Attributes:
        seconds: on one core, about.
        nbytes: of memory, about.
    """

    seconds: float
    nbytes: float

    def __str__(self) -> str:
        return f"{self.seconds:,.3g} s and {self.nbytes / 2**20:,.0f} MiB"


@dataclass(frozen=True)
class Budget:
    """What a file may cost.

    Attributes:
        file_bytes: of the content of the file.
        limit: so many times the usual budget.
    """

    file_bytes: int
    limit: float = 1.0

    @property
    def loading(self) -> Cost:
        """What loading may take."""
        return self._allowed(0)

    def check_nodes(self, count: int) -> None:
        """Raise a FileError if so many nodes are too many."""
        self._check("loading", Cost(NODE_SECONDS * count, NODE_BYTES * count), self.loading)

    def check(self, graph: Graph) -> None:
        """Raise a FileError if loading a sound graph, or running it for a sample, costs more."""
        shapes = shapes_of(graph, 1)
        self._check("loading", loading(graph, shapes), self.loading)
        given = sum(math.prod(given.shape) for given in graph.inputs)
        for batch in (1, MANY):
            found = running(graph, shapes if batch == 1 else shapes_of(graph, batch))
            each = Cost(found.seconds / batch, found.nbytes / batch)
            self._check("running", each, self._allowed(given))

    def _allowed(self, elements: int) -> Cost:
        seconds = SECONDS + SECONDS_PER_BYTE * self.file_bytes + SECONDS_PER_INPUT * elements
        nbytes = BYTES + BYTES_PER_BYTE * self.file_bytes + BYTES_PER_INPUT * elements
        return Cost(self.limit * seconds, self.limit * nbytes)

    def _check(self, what: str, found: Cost, allowed: Cost) -> None:
        times = max(found.seconds / allowed.seconds, found.nbytes / allowed.nbytes)
        if times > 1:
            needed = times * self.limit
            told = f"{math.ceil(needed):,}" if math.isfinite(needed) else "inf"
            each = " it for a sample" if what == "running" else " it"
            raise FileError(
                f"{what}{each} would take about {found}, where {self.file_bytes:,} bytes of "
                f"content may take {allowed}; if you trust it: qnn.load(path, limit=...) or "
                f"qnn info --limit of {told} or more"
            )


def loading(graph: Graph, shapes: Mapping[str, Shape]) -> Cost:
    """Return about what preparing a graph takes, without the search for thresholds."""
    codings = codings_of(graph)
    groups = sum(_groups(node, codings, shapes) for node in graph.nodes)
    products = (node for node in graph.nodes if OPERATIONS[node.op].weighted)
    taken = (name for node in products for name in node.inputs[1:2])
    weights = sum(math.prod(shapes[name]) for name in taken if name in graph.constants)
    tables = sum(table.size for node in graph.nodes for table in node.tables.values())
    # Means are products with ones.
    means = (node for node in graph.nodes if node.op in MEANS)
    ones = sum(math.prod(n.attributes["kernel"]) * shapes[n.output][-1] for n in means)
    elements, nodes = weights + tables + ones, len(graph.nodes)
    on_sums = (node.tables["thresholds"] for node in graph.nodes if node.op in ON_SUMS)
    pairs = sum(len(t) * t.size for t in on_sums if len(t) > MOST_COUNTED)
    return Cost(
        NODE_SECONDS * nodes
        + GROUP_SECONDS * groups
        + WEIGHT_SECONDS * elements
        + PAIR_SECONDS * pairs,
        NODE_BYTES * nodes + GROUP_BYTES * groups + WEIGHT_BYTES * elements,
    )


def running(graph: Graph, shapes: Mapping[str, Shape]) -> Cost:
    """Return about what running a graph takes, for values of those shapes."""
    seconds = nbytes = 0.0
    codings = codings_of(graph)
    for node in graph.nodes:
        made = math.prod(shapes[node.output])
        elements = made + sum(math.prod(shapes[name]) for name in node.inputs)
        seconds += CALL_SECONDS * max(_groups(node, codings, shapes), 1)
        seconds += ELEMENT_SECONDS * elements + TERM_SECONDS * _terms(node, shapes)
        nbytes += ELEMENT_BYTES * made
    return Cost(seconds, nbytes)


def _groups(node: Node, codings: Mapping[str, QuantizedTensor], shapes: Mapping[str, Shape]) -> int:
    """Return how many convolutions are done one by one: a depthwise one of codes is one."""
    groups: int = node.attributes.get("groups", 0)
    if groups > 1:
        x, w = node.inputs[:2]
        factors = operand_of(codings.get(x), None), operand_of(codings.get(w), 0)
        taps = math.prod(shapes[w][1:])
        return 1 if is_depthwise(shapes[w], groups) and integer_sum(*factors, taps) else groups
    return groups


def _terms(node: Node, shapes: Mapping[str, Shape]) -> int:
    """Return how many products or values are added up, or compared, for all that a node makes."""
    macs = OPERATIONS[node.op].macs
    if macs is not None:
        found: int = macs(*(shapes[name] for name in node.inputs), **node.attributes)
        return found
    # Pooling: as many for each element as the kernel has.
    kernel: tuple[int, ...] = node.attributes.get("kernel", (0,))
    return math.prod(shapes[node.output]) * math.prod(kernel)
