"""Product, elementwise operations and quantizer fused: thresholds on the integer sum."""

import math
from dataclasses import replace
from itertools import chain as chain_of
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

# Sums that are compared at a time.
AT_ONCE = 2**17

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
    return max(NEAR * 16 // levels, 2) if levels > 16 else NEAR


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

    One beyond the greatest stands for never.
    """
    quantizer = chain.nodes[-1]
    wanted = quantizer.tables["thresholds"][:, None]
    scale, shift = (quantizer.tables[name] for name in ("scale", "shift"))
    # Turned sums ~s of a channel that falls are one lower.
    low = np.broadcast_to(-chain.reach + flip.astype(np.int64), (wanted.size, flip.size))
    high = low + 2 * chain.reach + 1
    while np.any(low < high):
        middle = (low + high) >> 1
        # What `encoded` counts.
        reached = units(chain.values(_clipped(chain, middle ^ flip)), scale, shift, None) >= wanted
        # Once both ends meet, the middle may lie beyond the last sum.
        reached |= low >= high
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    return np.asarray(high, np.int32)


def _clipped(chain: Chain, sums: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(sums, -chain.reach, chain.reach)


def _agrees(chain: Chain, node: Node) -> bool:
    """Whether both forms give the same codes at many sums, those around the thresholds included.

    The functions of floats are not proved to be monotone to the last bit.
    """
    rng = np.random.default_rng(0)
    near = node.tables["thresholds"].astype(np.int64) ^ node.tables["flip"]
    far = _near(len(near) + 1)
    around = (near + distance for distance in range(-far, far + 1))
    # A few rows at a time, where a wide layer has many columns.
    parts = min(PROBES, -(-PROBES * chain.columns // AT_ONCE))
    drawn = (
        rng.integers(-chain.reach, chain.reach + 1, (-(-PROBES // parts), chain.columns))
        for _ in range(parts)
    )
    for sums in (_clipped(chain, part) for part in chain_of(around, drawn)):
        if not np.array_equal(
            encoded(chain.values(sums), chain.nodes[-1]), requantized(sums, node)
        ):
            return False
    return True
