"""A file as a graph; what it says is believed only after it was checked."""

import math
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, SpecError
from ...qtensor import QuantizedTensor, unpack_bits
from ..graph import Constant, Graph, Input, Node
from ..graph.attributes import from_json
from ..graph.operations import ON_SUMS
from .archive import extracted
from .budget import Budget
from .fields import get, get_names, get_shape, limited
from .write import DEFAULTS, KIND, VERSION

Array = NDArray[Any]

# Of elements made of tensors, so many are always allowed.
MOST_OF_LITTLE = 2**20

GREATEST = float(np.finfo(np.float32).max)


def read_graph(
    path: str | Path, tensors: dict[str, Array], about: dict[str, Any], budget: Budget
) -> Graph:
    """Return the graph of a file, not yet checked as a whole.

    Args:
        path: of the file, for messages.
        tensors: that it holds.
        about: its description.
        budget: what it may cost.

    Raises:
        FileError: if it is of another kind or version, is not of the form of a graph, or has more
            nodes than its bytes are worth.
    """
    check_kind(path, about)
    with complaining(path):
        # A file of version 1 has each array as a tensor, and the description in its header.
        found = (tensors, about) if about["version"] == 1 else extracted(tensors, about)
        budget.check_nodes(len(get(found[1], "nodes", list, "the file")))
        return graph_of(*found)


def check_kind(path: str | Path, about: dict[str, Any]) -> None:
    """Raise a FileError unless a description is that of a packed model of a known version."""
    kind, version = about.get("kind"), about.get("version")
    if kind != KIND or type(version) is not int or not 1 <= version <= VERSION:
        newer = type(version) is int and kind == KIND and version > VERSION
        raise FileError(
            f"{path} holds {kind!r} version {version!r}; needed is {KIND!r} version 1 to {VERSION}"
            + ("; a newer qnn-core reads it" if newer else "")
        )


@contextmanager
def complaining(path: str | Path) -> Iterator[None]:
    """Name the file in what goes wrong in reading it."""
    try:
        yield
    except (FileError, SpecError) as error:
        raise FileError(f"{path}: {error}") from error
    except RecursionError as error:
        raise FileError(f"{path}: its description is nested too deep") from error


def graph_of(tensors: dict[str, Array], about: dict[str, Any]) -> Graph:
    """Return the graph that a description and its tensors stand for."""
    reader = _Reader(tensors)
    inputs = tuple(_input(entry) for entry in get(about, "inputs", list, "the file"))
    given = get(about, "constants", dict, "the file")
    nodes = tuple(reader.node(entry) for entry in get(about, "nodes", list, "the file"))
    outputs = get_names(about, "outputs", "the file")
    # Before constants are made: a file with some that nothing needs was not written by `save`.
    needed = Graph(inputs, given, nodes, outputs).pruned()
    _all_used("node", (node.output for node in nodes), {node.output for node in needed.nodes})
    _all_used("constant", given, needed.constants)
    constants = {name: reader.constant(name, entry) for name, entry in given.items()}
    _all_used("tensor", tensors, reader.used)
    return Graph(inputs, constants, nodes, outputs)


def _all_used(kind: str, names: Iterable[str], used: Container[str]) -> None:
    for name in names:
        if name not in used:
            raise FileError(f"the {kind} {name!r} belongs to nothing")


class _Reader:
    """Puts tensors where the description wants them.

    What is made of a tensor is made once, for all that need the same, and all of it together has
    no more elements than the tensors have bits: what `save` writes has not.
    """

    def __init__(self, tensors: dict[str, Array]) -> None:
        self.tensors = tensors
        self.used: set[str] = set()
        self._made: dict[Any, Array] = {}
        self._left = max(MOST_OF_LITTLE, 8 * sum(tensor.nbytes for tensor in tensors.values()))

    def array(self, where: str, entry: Any) -> Array:
        """Return the array that stands for an entry: numbers, or the name of a tensor."""
        if isinstance(entry, str):
            if entry not in self.tensors:
                raise FileError(f"{where}: there is no tensor {entry!r}")
            self.used.add(entry)
            limited(where, self.tensors[entry].shape)
            return self.tensors[entry]
        numbers = entry if isinstance(entry, list) else [entry]
        if not all(type(number) in (int, float) for number in numbers):
            raise FileError(f"{where}: numbers or the name of a tensor are needed")
        # Python's whole numbers have no end, and its JSON has NaN and infinity.
        if not all(abs(number) <= GREATEST for number in numbers):
            raise FileError(f"{where}: a number is not finite in float32")
        return np.asarray(entry, np.float32)

    def constant(self, name: str, entry: Any) -> Constant:
        """Return a constant."""
        if not isinstance(entry, dict):
            return self.array(name, entry)
        bits, axis = (get(entry, key, int | None, name) for key in ("bits", "axis"))
        if bits is None or not 1 <= bits <= 8:
            raise FileError(f"{name}: bits must be a whole number from 1 to 8, got {bits!r}")
        shape = limited(name, get_shape(entry, name))
        stream = self.array(f"{name}: codes", get(entry, "codes", str, name))
        codes = self._codes(stream, bits, math.prod(shape)).reshape(shape)
        levels, scale, shift = (
            self.array(f"{name}: {part}", entry.get(part)) for part in ("levels", "scale", "shift")
        )
        return QuantizedTensor(codes, bits, levels, scale, shift, axis)

    def node(self, entry: Any) -> Node:
        """Return a node."""
        if not isinstance(entry, dict):
            raise FileError(f"a node must be a table, got {entry!r}")
        op, output = (get(entry, key, str, "a node") for key in ("op", "output"))
        attributes = get({"attributes": {}} | entry, "attributes", dict, output)
        tables = get({"tables": {}} | entry, "tables", dict, output)
        given = {n: self.array(f"{output}: {n}", table) for n, table in tables.items()}
        return Node(
            op=op,
            inputs=get_names(entry, "inputs", output),
            output=output,
            attributes=_without_gaps(op, attributes),
            tables=self._sum_tables(output, given) if op in ON_SUMS else given,
            scope=get({"scope": ""} | entry, "scope", str, output),
            layer=get({"layer": ""} | entry, "layer", str, output),
        )

    def _sum_tables(self, name: str, tables: dict[str, Array]) -> dict[str, Array]:
        """Return the tables of thresholds on sums in 32 bits."""
        rows, flips = tables.get("thresholds"), tables.get("flip")
        if rows is None or rows.ndim != 2 or rows.dtype not in (np.int16, np.int32):
            raise FileError(f"{name}: thresholds must be int16 or int32 of shape [levels - 1, n]")
        n = rows.shape[1]
        if flips is None:
            flip = self._once((-1, n), n, lambda: np.zeros(n, np.int32))
        else:
            flip = self._once((id(flips), n), n, lambda: -unpack_bits(flips, 1, n).astype(np.int32))
        thresholds = self._once((id(rows),), rows.size, lambda: rows.astype(np.int32))
        return {**tables, "thresholds": thresholds, "flip": flip}

    def _codes(self, stream: Array, bits: int, count: int) -> Array:
        return self._once(
            (id(stream), bits, count), count, lambda: unpack_bits(stream, bits, count)
        )

    def _once(self, key: tuple[int, ...], size: int, make: Callable[[], Array]) -> Array:
        """Return what `make` returns, so many elements, as it was when the key was first seen."""
        if key not in self._made:
            self._left -= size
            if self._left < 0:
                raise FileError("its codes and thresholds are more than so few bytes can hold")
            self._made[key] = make()
        return self._made[key]


def _without_gaps(op: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a node, with those that a file leaves out."""
    found = {name: from_json(value) for name, value in attributes.items()}
    return {**DEFAULTS.get(op, {}), **found}


def _input(entry: Any) -> Input:
    if not isinstance(entry, dict):
        raise FileError(f"an input must be a table, got {entry!r}")
    name = get(entry, "name", str, "an input")
    return Input(name, get_shape(entry, name))
