"""Whether a graph is sound: whoever made it, running it can neither crash nor hang."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from ...gemm import integer_sum, mean_operand, operand_of
from ...qtensor import QuantizedTensor
from .attributes import VALID
from .fusible_chain import codings_of
from .graph import Constant, Graph, Node, Shape
from .operations import MEANS, ON_SUMS, OPERATIONS, QUANTIZING
from .shapes import shape_of, shapes_of

# A node keeps its weights and thresholds in a form of its own: so many elements may be such copies
# of what another node has too.
MOST_COPIED = 2**26


def check(graph: Graph) -> None:
    """Raise a FileError that names the node or tensor at fault, unless a graph is sound.

    Every value is made before it is used, exactly once, so that there are no cycles; operations,
    attributes and tables are what they must be; shapes fit for batches of one and of two.
    """
    made: set[str] = set()
    for given in graph.inputs:
        _make(made, given.name, "input")
    for name, constant in graph.constants.items():
        _make(made, name, "constant")
        _check_constant(name, constant)
    for node in graph.nodes:
        _check_node(node, made)
        _make(made, node.output, "output of a node")
    if not graph.inputs or not graph.outputs:
        raise FileError("a graph needs an input and an output")
    for name in graph.outputs:
        if name not in made:
            raise FileError(f"the output {name!r} is made by no node")
    _check_copies(graph)
    codings = codings_of(graph)
    for batch in (1, 2):
        shapes = shapes_of(graph, batch)
        for name in graph.outputs:
            if shapes[name][:1] != (batch,):
                raise FileError(f"axis 0 of the output {name!r} is not the batch")
        for node in graph.nodes:
            _check_sums(node, codings, shapes)


def _check_copies(graph: Graph) -> None:
    """A few bytes could say that thousands of nodes take the same great array."""
    sizes = {
        # A row without elements still has a scale.
        name: math.prod(n or 1 for n in shape_of(constant))
        for name, constant in graph.constants.items()
    }
    tables = [table for node in graph.nodes for table in node.tables.values()]
    taken = sum(sizes.get(name, 0) for node in graph.nodes for name in node.inputs)
    taken += sum(table.size for table in tables)
    apart = sum(sizes.values()) + sum({id(table): table.size for table in tables}.values())
    if taken - apart > MOST_COPIED:
        raise FileError(
            f"its nodes take {taken:,} elements of {apart:,}; they can share {MOST_COPIED:,}"
        )


def _check_sums(
    node: Node, codings: Mapping[str, QuantizedTensor], shapes: Mapping[str, Shape]
) -> None:
    """Thresholds on sums of anything but integers would have no meaning for the engine."""
    if node.op in ON_SUMS:
        _check_columns(node, shapes[node.output][-1])
    if node.op in MEANS:
        pixels = math.prod(node.attributes["kernel"])
        if mean_operand(codings.get(node.inputs[0]), pixels) is None:
            raise FileError(f"{node}: a mean of codes needs a sum of integers")
    elif node.op in ON_SUMS:
        x, w = node.inputs
        factors = operand_of(codings.get(x), None), operand_of(codings.get(w), 0)
        if not integer_sum(*factors, math.prod(shapes[w][1:])):
            raise FileError(f"{node}: thresholds need a sum of integers")


def check_coding(name: str, coding: QuantizedTensor) -> None:
    """Raise a FileError unless levels and qparams can be what codes mean."""
    bits, levels = coding.bits, coding.levels
    if type(bits) is not int or not 1 <= bits <= 8:
        raise FileError(f"{name}: bits must be a whole number from 1 to 8, got {bits!r}")
    if coding.axis is not None and type(coding.axis) is not int:
        raise FileError(f"{name}: an axis must be a whole number, got {coding.axis!r}")
    _check_table(name, "levels", levels, np.float32, 1)
    if not 2 ** (bits - 1) < levels.size <= 2**bits:
        raise FileError(f"{name}: {levels.size} levels are not what {bits} bits have")
    if not np.all(np.diff(levels) > 0):
        raise FileError(f"{name}: levels must ascend")
    for part, qparams in (("scale", coding.scale), ("shift", coding.shift)):
        _check_table(name, part, qparams, np.float32, min(qparams.ndim, 1))
        if coding.axis is None and qparams.ndim:
            raise FileError(f"{name}: a {part} for each channel needs an axis")
    if not np.all(coding.scale > 0):
        raise FileError(f"{name}: a scale must be > 0")
    _check_reach(name, coding)


def _check_reach(name: str, coding: QuantizedTensor) -> None:
    if coding.scale.ndim and coding.shift.ndim and coding.scale.shape != coding.shift.shape:
        raise FileError(f"{name}: scale and shift have different numbers of channels")
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [coding.scale * coding.levels[end] + coding.shift for end in (0, -1)]
    if not all(np.all(np.isfinite(end)) for end in ends):
        raise FileError(f"{name}: values are not finite")


def _make(made: set[str], name: str, what: str) -> None:
    if name in made:
        raise FileError(f"{name!r} is made twice: the second time as {what}")
    made.add(name)


def _check_constant(name: str, constant: Constant) -> None:
    if not isinstance(constant, QuantizedTensor):
        if constant.dtype != np.float32:
            raise FileError(f"{name}: a constant must be float32, got {constant.dtype}")
        if not np.all(np.isfinite(constant)):
            raise FileError(f"{name}: a constant must be finite")
        return
    check_coding(name, constant)
    if constant.codes.dtype != np.uint8:
        raise FileError(f"{name}: codes must be uint8, got {constant.codes.dtype}")
    if constant.codes.size and (top := int(constant.codes.max())) >= constant.levels.size:
        raise FileError(f"{name}: code {top} has no level: there are {constant.levels.size}")
    axes, axis = constant.codes.ndim, constant.axis
    if axis is not None and not -axes <= axis < axes:
        raise FileError(f"{name}: axis {axis} is not in shape {constant.codes.shape}")
    expected = () if axis is None else (constant.codes.shape[axis],)
    for qparams in (constant.scale, constant.shift):
        if qparams.shape not in {(), expected}:
            raise FileError(
                f"{name}: a scale or shift of shape {qparams.shape} does not fit "
                f"shape {constant.codes.shape} with axis {axis}"
            )


def _check_node(node: Node, made: set[str]) -> None:
    operation = OPERATIONS.get(node.op)
    if operation is None:
        raise FileError(f"{node.output}: there is no operation {node.op!r}")
    if len(node.inputs) not in operation.arity:
        raise FileError(f"{node}: {len(node.inputs)} inputs are not what it takes")
    for name in node.inputs:
        if name not in made:
            raise FileError(f"{node}: it takes {name!r}, which is not made before it")
    if set(node.attributes) != set(operation.attributes):
        raise FileError(
            f"{node}: attributes {sorted(operation.attributes)} are needed, "
            f"got {sorted(map(str, node.attributes))}"
        )
    for name, kind in operation.attributes.items():
        if not VALID[kind](node.attributes[name]):
            raise FileError(f"{node}: {name}={node.attributes[name]!r} has no meaning")
    if set(node.tables) != set(operation.tables):
        raise FileError(f"{node}: tables {sorted(operation.tables)} are needed")
    if node.op in QUANTIZING:
        _check_thresholds(node)


def _check_thresholds(node: Node) -> None:
    name, coding = str(node), node.coding()
    check_coding(name, coding)
    on_sums = node.op in ON_SUMS
    thresholds = node.tables["thresholds"]
    dtype, axes = (np.int32, 2) if on_sums else (np.float32, 1)
    _check_table(name, "thresholds", thresholds, dtype, axes)
    if len(thresholds) != coding.levels.size - 1:
        raise FileError(f"{name}: {coding.levels.size} levels need one threshold fewer")
    gaps = np.diff(thresholds.astype(np.float64), axis=0)
    if not np.all(gaps >= 0 if on_sums else gaps > 0):
        raise FileError(f"{name}: thresholds must ascend")
    if on_sums:
        _check_table(name, "flip", node.tables["flip"], np.int32, 1)
        if not np.all(np.isin(node.tables["flip"], (0, -1))):
            raise FileError(f"{name}: a flip must be 0 or -1")


def _check_columns(node: Node, columns: int) -> None:
    for name in ("thresholds", "flip"):
        if node.tables[name].shape[-1] != columns:
            raise FileError(f"{node}: {name} for {columns} channels are needed")


def _check_table(
    name: str, table: str, array: NDArray[np.generic], dtype: type[np.generic], axes: int
) -> None:
    if array.dtype != dtype or array.ndim != axes or not np.all(np.isfinite(array)):
        raise FileError(
            f"{name}: {table} must be finite {np.dtype(dtype)} with {axes} axes, "
            f"got {array.dtype} of shape {array.shape}"
        )
