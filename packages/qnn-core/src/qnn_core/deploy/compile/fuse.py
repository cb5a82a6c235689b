"""Product, elementwise operations and quantizer fused: thresholds on the integer sum."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...qtensor import units
from ..graph import Graph, Node
from ..graph.fusible_chain import Chain, chain_at, codings_of
from ..graph.interpret import encoded, requantized
from ..graph.operations import ON_SUMS
from ..graph.shapes import shapes_of
from .reorder import quantize_first

Array = NDArray[Any]

# Sums at which a fused node is compared with its chain, beside those next to the thresholds.
PROBES = 512
NEAR = 16

# Of so many thresholds one is searched among all sums.
STRIDE = 16

# Sums that are compared at a time.
AT_ONCE = 2**19

# What a step of a chain takes for a sum, about.
SUM_SECONDS = 1e-8

# Thresholds for more would take long to find; no layer is that wide.
MOST_COLUMNS = 2**16


def fuse(graph: Graph, seconds: float = math.inf) -> Graph:
    """Return the graph with every chain that ends in few codes as one node with thresholds.

    The codes are the same for every sum that the product can have. What a fused node replaces stays
    in its `chain`.

    Args:
        graph: sound.
        seconds: that finding thresholds may take, about; beyond, chains stay what they are.
    """
    graph = quantize_first(graph)
    shapes, codings, uses = shapes_of(graph, 1), codings_of(graph), graph.uses()
    following = {name: n for n in graph.nodes for name in n.inputs if uses[name] == 1}
    fused: dict[str, Node] = {}
    gone: set[str] = set()
    for node in graph.nodes:
        chain = chain_at(node, following, graph.constants, codings, shapes)
        if chain is None or (seconds := seconds - _seconds(chain)) < 0:
            continue
        made = requantize(chain)
        if made is not None:
            fused[made.output] = made
            gone.update(part.output for part in made.chain)
    nodes = (fused.get(n.output, n) for n in graph.nodes if n.output not in gone - fused.keys())
    return replace(graph, nodes=tuple(nodes))


def _seconds(chain: Chain) -> float:
    """Return about what finding the thresholds of a chain takes."""
    halvings = chain.reach.bit_length() + 1
    levels = chain.nodes[-1].tables["levels"].size
    columns = 1 if chain.alike else chain.columns
    sums = columns * (levels * (halvings + 2 * _near(levels)) + PROBES)
    return SUM_SECONDS * sums * (3 + len(chain.steps))


def _near(levels: int) -> int:
    """Return how far around each threshold forms are compared: with many, those are close."""
    return max(NEAR * 16 // levels, 1) if levels > 16 else NEAR


def unfused(graph: Graph) -> Graph:
    """Return the graph with the chains that its fused nodes stand for."""
    return replace(graph, nodes=tuple(part for n in graph.nodes for part in n.chain or (n,)))


def requantize(chain: Chain) -> Node | None:
    """Return a chain as thresholds on its sum, or None if it cannot be said so."""
    if chain.reach + 1 >= 2**31 or chain.columns > MOST_COLUMNS:
        return None
    if chain.alike and chain.columns > 1:
        one = requantize(replace(chain, columns=1))
        return None if one is None else _repeated(one, chain.columns)
    ends = np.array([[-chain.reach], [chain.reach]]) + np.zeros(chain.columns, np.int64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values = chain.values(ends)
        if not np.all(np.isfinite(values)):
            return None
        first, last = encoded(values, chain.nodes[-1]).astype(int)
        flip = np.where(last < first, -1, 0).astype(np.int32)
        node = _node(chain, flip, _thresholds(chain, flip))
        return node if _agrees(chain, node) else None


def _node(chain: Chain, flip: NDArray[np.int32], thresholds: NDArray[np.int32]) -> Node:
    product, quantizer = chain.nodes[0], chain.nodes[-1]
    tables = {name: quantizer.tables[name] for name in ("levels", "scale", "shift")}
    return Node(
        op=next(name for name, plain in ON_SUMS.items() if plain == product.op),
        inputs=product.inputs[:2],
        output=quantizer.output,
        attributes={**quantizer.attributes, **product.attributes},
        tables={"thresholds": thresholds, "flip": flip, **tables},
        scope=product.scope,
        layer=product.layer,
        chain=chain.nodes,
    )


def _repeated(node: Node, columns: int) -> Node:
    """Return a node of one channel for so many that are alike."""
    tables = {name: np.repeat(node.tables[name], columns, -1) for name in ("thresholds", "flip")}
    return replace(node, tables={**node.tables, **tables})


def _thresholds(chain: Chain, flip: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return for each code but the first the least turned sum that reaches it, by bisection.

    One beyond the greatest stands for never. Of many codes every sixteenth is found first: the
    others lie between them.
    """
    count = chain.nodes[-1].tables["levels"].size - 1
    # Turned sums ~s of a channel that falls are one lower.
    lowest = -chain.reach + flip.astype(np.int64)
    found = np.empty((count, flip.size), np.int64)
    known = np.unique(np.append(np.arange(0, count, STRIDE), count - 1))
    ends = np.broadcast_to(lowest, (known.size, flip.size))
    found[known] = _bisected(chain, flip, known, ends, ends + 2 * chain.reach + 1)
    rest = np.setdiff1d(np.arange(count), known)
    after = np.searchsorted(known, rest)
    found[rest] = _bisected(chain, flip, rest, found[known[after - 1]], found[known[after]])
    return found.astype(np.int32)


def _bisected(
    chain: Chain, flip: NDArray[np.int32], codes: Array, low: Array, high: Array
) -> NDArray[np.int64]:
    """Return the least turned sums, from `low` to `high`, that reach the codes after some."""
    quantizer = chain.nodes[-1]
    wanted = quantizer.tables["thresholds"][codes, None]
    scale, shift = (quantizer.tables[name] for name in ("scale", "shift"))
    while np.any(low < high):
        middle = (low + high) >> 1
        # What `encoded` counts.
        reached = units(chain.values(_clipped(chain, middle ^ flip)), scale, shift, None) >= wanted
        # Once both ends meet, the middle may lie beyond the last sum.
        reached |= low >= high
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    return high


def _clipped(chain: Chain, sums: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(sums, -chain.reach, chain.reach)


def _agrees(chain: Chain, node: Node) -> bool:
    """Whether both forms give the same codes at many sums, those around the thresholds included.

    The functions of floats are not proved to be monotone to the last bit.
    """
    return all(
        np.array_equal(encoded(chain.values(sums), chain.nodes[-1]), requantized(sums, node))
        for sums in (_clipped(chain, part) for part in _probes(chain, node))
    )


def _probes(chain: Chain, node: Node) -> Iterator[NDArray[np.int64]]:
    """Yield sums around the thresholds, and drawn ones; a few rows at a time in a wide layer."""
    rng = np.random.default_rng(0)
    near = node.tables["thresholds"].astype(np.int64) ^ node.tables["flip"]
    far, each = _near(len(near) + 1), max(AT_ONCE // chain.columns, 1)
    rows = np.arange(len(near) * (2 * far + 1))
    for first in range(0, len(rows), each):
        distance, number = np.divmod(rows[first : first + each], len(near))
        yield near[number] + (distance - far)[:, None]
    for first in range(0, PROBES, each):
        few = min(each, PROBES - first)
        yield rng.integers(-chain.reach, chain.reach + 1, (few, chain.columns))
