"""The summary of a packed model: what every layer computes, and where the bytes of its file are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tabulate import tabulate

from ...display import block, html_table, sentence
from ...qtensor import QuantizedTensor
from ..file.compress import to_bytes
from ..file.write import Tensors, constant_entry, node_entry, stored_nodes
from ..graph import Graph, Node, Shape
from ..graph.fusible_chain import codings_of
from ..graph.operations import OPERATIONS, QUANTIZING
from ..graph.shapes import shapes_of

FLOAT_BITS = 32
HEADERS = ("layer", "operations", "output", "bits W x A", "MACs", "bytes")


@dataclass
class PackedRow:
    """One layer of a packed model.

    Attributes:
        path: of the layer in the model.
        ops: its operations, and the kernel of a product if it is known.
        weight_bits, input_bits: bits of a product's operands; None without a product.
        shape: of the output for one sample.
        macs: multiply-accumulates for one sample.
        nbytes: bytes of its arrays in the file.
    """

    path: str
    ops: list[str] = field(default_factory=list)
    weight_bits: int | None = None
    input_bits: int | None = None
    shape: Shape = ()
    macs: int = 0
    nbytes: int = 0


@dataclass
class PackedSummary:
    """The layers of a packed model; ``print`` shows a table.

    Attributes:
        rows: the layers in order; the last is the header of the file, with the graph.
    """

    rows: list[PackedRow]

    @property
    def nbytes(self) -> int:
        """Bytes of the file."""
        return sum(row.nbytes for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(row.macs for row in self.rows)

    def __str__(self) -> str:
        table = tabulate(
            [_cells(row) for row in self.rows],
            headers=HEADERS,
            colalign=("left", "left", "left", "right", "right", "right"),
            disable_numparse=True,
        )
        return "\n".join([table, "", *self._totals()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return the same table as notebooks show it."""
        table = html_table(HEADERS, [_cells(row) for row in self.rows], left=3)
        return block("Packed model", table, *map(sentence, self._totals()))

    def _totals(self) -> list[str]:
        return [f"MACs per sample: {self.macs:,}", f"bytes: {self.nbytes:,}"]


def packed_summary(
    graph: Graph, nbytes: int, kernels: Mapping[str, str] | None = None
) -> PackedSummary:
    """Return the summary of a graph.

    Args:
        graph: fused.
        nbytes: size of its file.
        kernels: the kernel of each product, by the name of its output.
    """
    shapes, codings = shapes_of(graph, 1), codings_of(graph)
    rows: dict[str, PackedRow] = {}
    for node in graph.nodes:
        row = rows.setdefault(_layer(node), PackedRow(_layer(node)))
        kernel = (kernels or {}).get(node.output)
        row.ops.append(f"{node.op} ({kernel})" if kernel else node.op)
        row.shape = shapes[node.output][1:]
        _count_macs(row, node, shapes, codings)
    _count_bytes(rows, graph)
    header = nbytes - sum(row.nbytes for row in rows.values())
    return PackedSummary([*rows.values(), PackedRow("file header", nbytes=header)])


def _layer(node: Node) -> str:
    """Return the layer that a node belongs to; a quantizer inside a layer belongs to that."""
    owner, _, last = node.scope.rpartition(".")
    inside = node.op in QUANTIZING and last.endswith("_quantizer")
    return owner if inside else node.scope


def _count_macs(
    row: PackedRow, node: Node, shapes: Mapping[str, Shape], codings: Mapping[str, QuantizedTensor]
) -> None:
    macs = OPERATIONS[node.op].macs
    if macs is None:
        return
    row.macs += macs(*(shapes[name] for name in node.inputs), **node.attributes)
    bits = [codings[n].bits if n in codings else FLOAT_BITS for n in node.inputs[:2]]
    row.input_bits, row.weight_bits = bits


def _count_bytes(rows: dict[str, PackedRow], graph: Graph) -> None:
    """Add each array of the file to the layer that uses it first."""
    tensors, done, counted = Tensors(), set(), 0
    layers = {part.output: _layer(node) for node in graph.nodes for part in (*node.chain, node)}
    for node in stored_nodes(graph):
        node_entry(node, tensors)
        for name in node.inputs:
            if name in graph.constants and name not in done:
                done.add(name)
                constant_entry(name, graph.constants[name], tensors)
        new = list(tensors.arrays.values())[counted:]
        counted += len(new)
        rows[layers[node.output]].nbytes += sum(len(to_bytes(array)) for array in new)


def _cells(row: PackedRow) -> list[str]:
    bits = "" if row.weight_bits is None else f"{row.weight_bits} x {row.input_bits}"
    return [
        row.path,
        ", ".join(row.ops),
        " x ".join(str(n) for n in row.shape),
        bits,
        f"{row.macs:,}" if row.macs else "",
        f"{row.nbytes:,}" if row.nbytes else "",
    ]
