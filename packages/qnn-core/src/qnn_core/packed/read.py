"""A file as a graph; what it says is believed only after it was checked."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coded import Quantized, unpack_bits
from ..errors import FileError, SpecError
from ..storage import load_arrays
from .archive import extracted
from .attributes import from_json
from .fields import get, get_names, get_shape, limited
from .graph import Constant, Graph, Input, Node
from .operations import ON_SUMS
from .write import KIND, VERSION

Array = NDArray[Any]


def read_graph(path: str | Path) -> Graph:
    """Return the graph of a file, not yet checked as a whole.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of another kind or version, or is not of the form of a graph.
    """
    tensors, about = load_arrays(path)
    check_kind(path, about)
    with complaining(path):
        # A file of version 1 has each array as a tensor, and the description in its header.
        return graph_of(*((tensors, about) if about["version"] == 1 else extracted(tensors, about)))


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
    constants = {name: reader.constant(name, entry) for name, entry in given.items()}
    nodes = tuple(reader.node(entry) for entry in get(about, "nodes", list, "the file"))
    outputs = get_names(about, "outputs", "the file")
    unused = sorted(set(tensors) - reader.used)
    if unused:
        raise FileError(f"the tensor {unused[0]!r} belongs to nothing")
    return Graph(inputs, constants, nodes, outputs)


class _Reader:
    """Puts tensors where the description wants them."""

    def __init__(self, tensors: dict[str, Array]) -> None:
        self.tensors = tensors
        self.used: set[str] = set()

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
        try:
            with np.errstate(over="ignore"):
                array = np.asarray(entry, np.float64).astype(np.float32)
        except OverflowError as error:
            raise FileError(f"{where}: a number is too large") from error
        return array

    def constant(self, name: str, entry: Any) -> Constant:
        """Return a constant."""
        if not isinstance(entry, dict):
            return self.array(name, entry)
        bits, axis = (get(entry, key, int | None, name) for key in ("bits", "axis"))
        if bits is None or not 1 <= bits <= 8:
            raise FileError(f"{name}: bits must be a whole number from 1 to 8, got {bits!r}")
        shape = limited(name, get_shape(entry, name))
        stream = self.array(f"{name}: codes", get(entry, "codes", str, name))
        codes = unpack_bits(stream, bits, math.prod(shape)).reshape(shape)
        levels, scale, shift = (
            self.array(f"{name}: {part}", entry.get(part)) for part in ("levels", "scale", "shift")
        )
        return Quantized(codes, bits, levels, scale, shift, axis)

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
            attributes={name: from_json(value) for name, value in attributes.items()},
            tables=_sum_tables(output, given) if op in ON_SUMS else given,
            scope=get({"scope": ""} | entry, "scope", str, output),
            layer=get({"layer": ""} | entry, "layer", str, output),
        )


def _sum_tables(name: str, tables: dict[str, Array]) -> dict[str, Array]:
    """Return the tables of thresholds on sums in 32 bits."""
    thresholds = tables.get("thresholds")
    if thresholds is None or thresholds.ndim != 2 or thresholds.dtype not in (np.int16, np.int32):
        raise FileError(f"{name}: thresholds must be int16 or int32 of shape [levels - 1, n]")
    flips = tables.get("flip")
    n = thresholds.shape[1]
    falls = np.zeros(n, np.uint8) if flips is None else unpack_bits(flips, 1, n)
    flip = -falls.astype(np.int32)
    return {**tables, "thresholds": thresholds.astype(np.int32), "flip": flip}


def _input(entry: Any) -> Input:
    if not isinstance(entry, dict):
        raise FileError(f"an input must be a table, got {entry!r}")
    name = get(entry, "name", str, "an input")
    return Input(name, get_shape(entry, name))
