"""A graph as a file: arrays, and a description that names them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...files import save_arrays
from ...files import serialize_arrays as file_content
from ...qtensor import QuantizedTensor, pack_bits
from ..graph import Constant, Graph, Node
from ..graph.attributes import to_json
from ..graph.constants import content
from .archive import archived

Array = NDArray[Any]

KIND = "qnn packed model"
VERSION = 3

# Attributes that are not written: files had none of that name before version 3.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {"requantize_conv2d": {"groups": 1}}

# Floats of up to this many stand in the description: an array's entry there takes more.
INLINE = 16


def write_graph(path: str | Path, graph: Graph) -> None:
    """Write a graph to a file, atomically."""
    save_arrays(path, *archived(*written(graph)))


def serialize_arrays(graph: Graph) -> bytes:
    """Return the bytes that `write_graph` writes: the same for the same graph and the same zlib.

    Another implementation of deflate may find other streams, and the form of a fused node goes by
    how short they are; every reader reads them all.
    """
    return file_content(*archived(*written(graph)))


def written(graph: Graph) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays of a graph by name, and the description that names them."""
    nodes = stored_nodes(graph)
    kept = Graph(graph.inputs, graph.constants, nodes, graph.outputs).pruned()
    tensors = Tensors()
    # In an order that does not depend on where the graph came from.
    constants = sorted(kept.constants.items())
    about = {
        "kind": KIND,
        "version": VERSION,
        "inputs": [{"name": given.name, "shape": list(given.shape)} for given in kept.inputs],
        "constants": {n: constant_entry(n, c, tensors) for n, c in constants},
        "nodes": [node_entry(node, tensors) for node in kept.nodes],
        "outputs": list(kept.outputs),
    }
    return tensors.arrays, about


def stored_nodes(graph: Graph) -> tuple[Node, ...]:
    """Return the nodes as they are written: fused, or as the chain where that takes fewer bytes.

    How many bytes it takes is zlib's word: another implementation may choose the other form.
    """
    return tuple(part for node in graph.nodes for part in _smaller(node, graph.constants))


def _smaller(node: Node, constants: Mapping[str, Constant]) -> tuple[Node, ...]:
    if not node.chain:
        return (node,)
    chain = _cost(node.chain, constants)
    # The most effort takes 0.2 s for some thresholds: not where it had to halve what little leaves.
    if _cost((node,), constants, level=1) > 2 * chain:
        return node.chain
    return (node,) if _cost((node,), constants) < chain else node.chain


def _cost(nodes: Iterable[Node], constants: Mapping[str, Constant], level: int = 9) -> int:
    """Return about the bytes that nodes take, shared constants in full.

    It depends on the nodes alone: a file that is read and written again stays the same.
    """
    tensors = Tensors()
    entries: list[Any] = [node_entry(node, tensors) for node in nodes]
    for name in {name for node in nodes for name in node.inputs if name in constants}:
        if isinstance(constants[name], np.ndarray):
            entries.append(constant_entry(name, constants[name], tensors))
    stored, _ = archived(tensors.arrays, {"nodes": entries}, level)
    return sum(tensor.size for tensor in stored.values())


class Tensors:
    """Gathers the tensors of a file; what is equal is written once.

    Attributes:
        arrays: by name.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._known: dict[Any, str] = {}

    def put(self, name: str, array: Array, kind: Any = None) -> Any:
        """Return what stands for an array in the description: its numbers, or its tensor's name.

        Of another kind it is another array: what is read of a tensor is read in one way.
        """
        floats = array.dtype == np.float32 and array.ndim < 2 and array.size <= INLINE
        if floats and np.all(np.isfinite(array)):
            return _decimals(array)
        key = kind, content(array)
        if key not in self._known:
            self._known[key] = name
            self.arrays[name] = array
        return self._known[key]


def _decimals(array: Array) -> Any:
    """Return float32 numbers as floats of few digits that give the same again."""
    if array.ndim:
        return [_decimals(number) for number in array]
    short = float(str(array))
    return short if np.float32(short) == array else float(array)


def constant_entry(name: str, constant: Constant, tensors: Tensors) -> Any:
    """Return the description of a constant, with its tensors put away."""
    if not isinstance(constant, QuantizedTensor):
        return tensors.put(name, constant)
    codes, bits = constant.codes, constant.bits
    return {
        "codes": tensors.put(f"{name}.codes", pack_bits(codes, bits), (bits, codes.size)),
        "shape": list(constant.codes.shape),
        "bits": constant.bits,
        "axis": constant.axis,
        **{
            part: tensors.put(f"{name}.{part}", getattr(constant, part))
            for part in ("levels", "scale", "shift")
        },
    }


def node_entry(node: Node, tensors: Tensors) -> dict[str, Any]:
    """Return the description of a node, with its tables put away."""
    tables = {
        name: tensors.put(f"{node.output}.{name}", table)
        for name, table in sorted(_compact(node.tables).items())
    }
    usual = DEFAULTS.get(node.op, {}).items()
    told = (item for item in node.attributes.items() if item not in usual)
    entry = {
        "op": node.op,
        "inputs": list(node.inputs),
        "output": node.output,
        "attributes": {name: to_json(value) for name, value in told},
        "tables": tables,
        "scope": node.scope,
        "layer": node.layer,
    }
    return {key: value for key, value in entry.items() if value not in ("", {})}


def _compact(tables: Mapping[str, Array]) -> dict[str, Array]:
    """Return tables with thresholds in 16 bits if they fit, and flips as bits, if there are any."""
    found = dict(tables)
    if "flip" in found:
        flip = found.pop("flip")
        if np.any(flip):
            found["flip"] = pack_bits((flip != 0).astype(np.uint8), 1)
        thresholds = found["thresholds"]
        if np.array_equal(thresholds.astype(np.int16), thresholds):
            found["thresholds"] = thresholds.astype(np.int16)
    return found
