"""The model summary: one reader of the traced graph."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from numpy.typing import ArrayLike
from tabulate import tabulate

from ..autodiff import Graph, GraphNode, Value, trace
from ..display import block, html_table, sentence
from ..nn import Module
from ..qtensor import packed_nbytes
from ..quantizer import Quantizer, codebook
from ..quantizer.base import LEARNED
from .skipped import by_reason, skipped

FLOAT_BITS = 32
HEADERS = ("layer", "", "output", "parameters", "bits W x A", "MACs", "bytes")


@dataclass
class Row:
    """One layer of a summary.

    Attributes:
        path: of the layer in the model, ``""`` for the model itself.
        layer: its class.
        shape: of its output, batch axis included.
        parameters: number of weights, biases, scales and the like.
        weight_bits, input_bits: bits of the product's operands; None without a product.
        macs: multiply-accumulates for one sample.
        nbytes: bytes that its parameters take when deployed: quantized ones as packed codes with
            their levels and qparams, the others as they are.
    """

    path: str
    layer: str
    shape: tuple[int, ...] = ()
    parameters: int = 0
    weight_bits: int | None = None
    input_bits: int | None = None
    macs: int = 0
    nbytes: int = 0


@dataclass
class Summary:
    """Layers, parameters, bits, multiply-accumulates and bytes of a model; ``print`` shows a table.

    Attributes:
        rows: the layers in the order in which they run.
        macs: ``{(weight bits, input bits): multiply-accumulates for one sample}``.
        float_nbytes: bytes of the same parameters as float32.
        skipped: of each layer that is float the reason, by its path; see `skipped`.
    """

    rows: list[Row]
    macs: Counter[tuple[int, int]] = field(default_factory=Counter)
    float_nbytes: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the parameters when deployed."""
        return sum(row.nbytes for row in self.rows)

    def __str__(self) -> str:
        table = tabulate(
            [_cells(row) for row in self.rows],
            headers=HEADERS,
            colalign=("left", "left", "left", "right", "right", "right", "right"),
        )
        return "\n".join([table, "", *(f"{name}: {value}" for name, value in self._totals())])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return the same table as notebooks show it."""
        table = html_table(HEADERS, [_cells(row) for row in self.rows], left=3)
        return block("Summary", table, *(sentence(": ".join(total)) for total in self._totals()))

    def _totals(self) -> list[tuple[str, str]]:
        macs = ", ".join(f"{w}x{a}: {n:,}" for (w, a), n in sorted(self.macs.items())) or "none"
        share = f" ({self.nbytes / self.float_nbytes:.1%} of float32)" if self.float_nbytes else ""
        return [
            ("parameters", f"{self.parameters:,}"),
            ("MACs per sample by bits W x A", macs),
            ("bytes", f"{self.nbytes:,}{share}"),
            *self._left_float(),
        ]

    def _left_float(self) -> list[tuple[str, str]]:
        """Return the layers that are float, and why; nothing if all are."""
        quantized = any(min(bits) < FLOAT_BITS for bits in self.macs)
        told = by_reason(self.skipped) if quantized else []
        return [("left float", f"{paths} ({why})") for paths, why in told]


def summary(model: Callable[..., Any], example: ArrayLike | tuple[ArrayLike, ...]) -> Summary:
    """Return the layers of `model` with their shapes, parameters, bits, MACs and bytes.

    Read from the graph that `trace` gives, so it holds for any `forward`. Layers that only move
    data or apply a function have no parameters and no MACs. Below the table stands which layers are
    left float, and why, if others are quantized.

    Args:
        model: a module.
        example: an input with its batch axis; see `trace`.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([64, 32, 10], weight="binary", input="uniform:2", seed=0)
        >>> print(qnn.summary(model, np.zeros((1, 64))))
        layer     ...
    """
    found = _Reader(trace(model, example)).summary()
    found.skipped = skipped(model) if isinstance(model, Module) else {}
    return found


class _Reader:
    """Adds up what the nodes of a graph say about the layers they happened in."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.rows: dict[str, Row] = {}
        self.packed = _packed(graph)
        self.macs: Counter[tuple[int, int]] = Counter()
        # What is used twice is stored once.
        self.counted: set[int] = set()
        self.qparams: set[tuple[object, ...]] = set()
        self.float_nbytes = 0
        self.batch = graph.inputs[0].shape[0] if graph.inputs and graph.inputs[0].shape else 1

    def summary(self) -> Summary:
        owners = _owners(self.graph.nodes)
        for node in self.graph.nodes:
            path, layer = owners[node.scope]
            row = self.rows.setdefault(path, Row(path, layer))
            row.shape = node.output.shape
            self._count_parameters(row, node)
            self._count_macs(row, node)
        return Summary(list(self.rows.values()), self.macs, self.float_nbytes)

    def _count_parameters(self, row: Row, node: GraphNode) -> None:
        quantizer = node.attributes.get("quantizer")
        qparams = (node.scope, id(quantizer), *(v.data.tobytes() for v in node.inputs[1:3]))
        if quantizer is not None and qparams not in self.qparams:
            self.qparams.add(qparams)
            _, scale, shift = node.inputs
            row.parameters += scale.data.size if quantizer.scale in LEARNED else 0
            row.parameters += shift.data.size if quantizer.shift == "learned" else 0
            row.nbytes += codebook(quantizer).levels.nbytes
            row.nbytes += scale.data.nbytes + shift.data.nbytes
        for value in node.inputs:
            if value.kind not in ("parameter", "buffer") or id(value) in self.counted:
                continue
            self.counted.add(id(value))
            quantizer = self.packed.get(id(value))
            size, nbytes = value.data.size, value.data.nbytes
            row.parameters += size if value.kind == "parameter" else 0
            row.nbytes += nbytes if quantizer is None else packed_nbytes(size, quantizer.bits)
            self.float_nbytes += 4 * size

    def _count_macs(self, row: Row, node: GraphNode) -> None:
        if node.op.macs is None:
            return
        macs = node.op.macs(*(v.shape for v in node.inputs), **node.attributes) // max(
            self.batch, 1
        )
        (left, left_stored), (right, right_stored) = map(self._source, node.inputs[:2])
        # The weight is the operand that is stored; with none or two, the second.
        if left_stored and not right_stored:
            left, right = right, left
        row.input_bits, row.weight_bits = left, right
        row.macs += macs
        self.macs[right, left] += macs

    def _source(self, value: Value) -> tuple[int, bool]:
        """Return the bits of a value, and whether it comes from a parameter."""
        bits = None
        node = self.graph.producer(value)
        while node is not None:
            quantizer = node.attributes.get("quantizer")
            if isinstance(quantizer, Quantizer) and bits is None:
                bits = quantizer.bits
            elif node.op.codes != "moves":
                break
            value = node.inputs[0]
            node = self.graph.producer(value)
        return FLOAT_BITS if bits is None else bits, value.kind == "parameter"


def _packed(graph: Graph) -> dict[int, Quantizer]:
    """Map parameters to the quantizer that they are deployed through, by their values' ids.

    Between the two there may be operations on nothing but the parameter: what is deployed is the
    codes of what they give.
    """
    # Of each value that no input of the model went into: the shapes of the parameters behind it.
    behind: dict[int, dict[int, tuple[int, ...]]] = {}
    found: dict[int, Quantizer] = {}
    for node in graph.nodes:
        quantizer = node.attributes.get("quantizer")
        for value in node.inputs:
            if value.kind not in ("input", "result"):
                own = {id(value): value.shape} if value.kind == "parameter" else {}
                behind.setdefault(id(value), own)
        if quantizer is not None:
            sources = behind.get(id(node.inputs[0]), {})
            found |= {key: quantizer for key, s in sources.items() if s == node.output.shape}
        elif all(id(value) in behind for value in node.inputs):
            behind[id(node.output)] = dict(chain(*(behind[id(v)].items() for v in node.inputs)))
    return found


def _owners(nodes: Iterable[GraphNode]) -> dict[str, tuple[str, str]]:
    """Map each scope to the path and class of the layer that its row belongs to.

    A quantizer inside a layer that computes something itself belongs to that layer.
    """
    layers = {node.scope: node.layer for node in nodes}
    others = {node.scope for node in nodes if "quantizer" not in node.attributes}
    owners = {}
    for scope in layers:
        parent = scope.rpartition(".")[0]
        owner = parent if scope not in others and parent in others else scope
        owners[scope] = (owner, layers[owner])
    return owners


def _cells(row: Row) -> list[str]:
    bits = "" if row.weight_bits is None else f"{row.weight_bits} x {row.input_bits}"
    return [
        row.path,
        row.layer,
        " x ".join(str(n) for n in row.shape),
        f"{row.parameters:,}" if row.parameters else "",
        bits,
        f"{row.macs:,}" if row.macs else "",
        f"{row.nbytes:,}" if row.nbytes else "",
    ]
