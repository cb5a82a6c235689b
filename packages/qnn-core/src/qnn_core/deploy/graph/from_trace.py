"""From a traced model to a plain graph: parameters folded, quantizers turned into tables."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import autodiff, data
from ...autodiff import GraphNode, Tensor, Value, trace
from ...data import EXAMPLES, as_array, example_of
from ...errors import GraphError, NonFiniteError, ShapeError
from ...quantizer import Quantizer, codebook
from .attributes import Batch
from .batch_axis import attributes_of, where
from .constants import Constants
from .graph import Graph, Input, Node
from .operations import OPERATIONS

Array = NDArray[Any]
Arrays = tuple[NDArray[np.float32], ...]


def build(model: Callable[..., Any], example: Arrays) -> tuple[Graph, autodiff.Graph]:
    """Return the graph of `model`, and the trace of `example` that it was read from.

    The model is traced with the example, and with its first sample once more: what grows with the
    batch is told from what is fixed.

    Args:
        model: a module, or a function of tensors.
        example: float32 arrays with the batch on axis 0, at least one sample.

    Raises:
        DtypeError: if the model is not float32.
        GraphError: if it depends on the size of the batch or on chance, or holds an operation that
            cannot be packed.
        NonFiniteError: if a parameter, a buffer or a constant of it is not finite.
    """
    # Before it runs: a layer that quantizes would refuse them too, but not by name.
    for source in ("named_parameters", "named_buffers"):
        for name, tensor in getattr(model, source, tuple)():
            _check_finite(name, tensor.data)
    batch = len(example[0])
    traced = trace(model, example, fitted=True)
    longer = trace(model, tuple(np.concatenate([x, x[:1]]) for x in example))
    attributes = attributes_of(traced, longer, batch)
    _check_outputs(traced, longer, batch)
    builder = _Builder(traced)
    for node, given in zip(traced.nodes, attributes, strict=True):
        builder.add(node, given)
    return builder.graph(), traced


def samples(model: Callable[..., Any], example: Any) -> Arrays:
    """Return an example as float32 arrays, one for each argument of the model.

    A tuple is the arguments; for a model of one argument it is inputs and targets, ``(x, y)``. Of
    these, and of a data set or batches, the first few samples are taken.

    Raises:
        DtypeError: if it does not hold real numbers.
        ShapeError: if there is no sample in it, or the arguments have batches of several sizes.
    """
    if isinstance(example, tuple) and len(example) > 1 and _takes_one(model):
        given = next(data.batches_of(example, "pack", EXAMPLES)).take(slice(0, EXAMPLES)).inputs
    else:
        given = example_of(example, "pack") or example
    given = given if isinstance(given, tuple) else (given,)
    arrays = tuple(Tensor(as_array(x, "pack: the example")).data for x in given)
    arrays = tuple(x.astype(np.float32, copy=False) for x in arrays)
    sizes = {x.shape[0] if x.ndim else 0 for x in arrays}
    if len(sizes) != 1 or 0 in sizes:
        raise ShapeError(
            "pack: the example must be one or more arrays with the same number of samples on axis "
            f"0, at least one; got shapes {', '.join(str(x.shape) for x in arrays)}"
        )
    return arrays


def _takes_one(model: Any) -> bool:
    """Return whether a model, or a function, takes one argument by its position and no more."""
    try:
        parameters = inspect.signature(getattr(model, "forward", model)).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kinds = [parameter.kind for parameter in parameters]
    return (
        inspect.Parameter.VAR_POSITIONAL not in kinds and sum(k in positional for k in kinds) == 1
    )


class _Builder:
    """Turns traced nodes into nodes and constants."""

    def __init__(self, traced: autodiff.Graph) -> None:
        self.traced = traced
        self.nodes: list[Node] = []
        self.constants = Constants()
        self.names: dict[int, str] = {}
        # Values that do not depend on the input, with what they are called.
        self.folded: dict[int, str] = {}
        for value in traced.inputs:
            self.names[id(value)] = value.name

    def add(self, node: GraphNode, attributes: dict[str, Any]) -> None:
        """Add a node, or take what it makes as a constant if it depends on constants only."""
        for value in node.inputs:
            if value.kind not in ("input", "result"):
                _check_finite(f"{value.name}, which {where(node)} takes,", value.data)
        if not _grows(attributes) and all(self._is_constant(v) for v in node.inputs):
            self.folded[id(node.output)] = self._constant_name(node)
            return
        coded = node.op.codes == "makes" and isinstance(attributes.get("quantizer"), Quantizer)
        make = self._quantize if coded else self._of_constants
        made = make(node, attributes)
        self.nodes.append(made)
        self.names[id(node.output)] = made.output

    def graph(self) -> Graph:
        """Return the graph of all that was added."""
        inputs = tuple(Input(v.name, v.shape[1:]) for v in self.traced.inputs)
        outputs = tuple(self._name(v) for v in self.traced.outputs)
        return Graph(inputs, self.constants.values, tuple(self.nodes), outputs).pruned()

    def _is_constant(self, value: Value) -> bool:
        return value.kind not in ("input", "result") or id(value) in self.folded

    def _constant_name(self, node: GraphNode) -> str:
        first = node.inputs[0] if node.inputs else node.output
        known = self.folded.get(id(first), first.name if first.kind == "parameter" else "")
        return known or node.output.name

    def _name(self, value: Value) -> str:
        """Return the name of a value, keeping it if it is a constant that is used for once."""
        if id(value) not in self.names:
            name = self.folded.get(id(value), value.name)
            _check_finite(name, value.data)
            data = value.data if value.quantized is None else value.quantized
            self.names[id(value)] = self.constants.add(name, data)
        return self.names[id(value)]

    def _plain(self, node: GraphNode, attributes: dict[str, Any]) -> Node:
        if node.op.name not in OPERATIONS:
            raise GraphError(
                f"pack: {where(node)} cannot be packed: {node.op.name} is not an operation of "
                "evaluation"
            )
        inputs = tuple(self._name(v) for v in node.inputs)
        of_codes = node.op.packed.of_codes if node.op.packed is not None else None
        coded = node.inputs[0].quantized if of_codes is not None else None
        name = of_codes(coded, **attributes) if of_codes and coded is not None else None
        return self._node(node, name or node.op.name, inputs, attributes)

    def _quantize(self, node: GraphNode, attributes: dict[str, Any]) -> Node:
        x, scale, shift = node.inputs
        if not (self._is_constant(scale) and self._is_constant(shift)):
            raise GraphError(f"pack: {where(node)}: the scale or shift depends on the input")
        quantizer = attributes["quantizer"]
        book = codebook(quantizer)
        tables = {
            "thresholds": book.thresholds,
            "levels": book.levels,
            "scale": np.array(scale.data),
            "shift": np.array(shift.data),
        }
        plain = {"bits": quantizer.bits, "axis": quantizer.axis}
        return self._node(node, "quantize", (self._name(x),), plain, tables)

    def _of_constants(self, node: GraphNode, attributes: dict[str, Any]) -> Node:
        """Return a node as what it is with constants; as it is if it is nothing else."""
        x, *others = node.inputs
        folded = node.op.packed.folded if node.op.packed is not None else None
        if folded is None or not all(self._is_constant(v) for v in others):
            return self._plain(node, attributes)
        with np.errstate(invalid="ignore", divide="ignore"):
            op, constants = folded(x.shape, *(v.data for v in others), **attributes)
        known = {id(value.data): value for value in others}
        name = self.folded.get(id(others[0]), others[0].name)
        inputs = [self._name(x)]
        for what, array in constants.items():
            if id(array) in known:
                inputs.append(self._name(known[id(array)]))
            else:
                _check_finite(f"{where(node)}: {what}", array)
                inputs.append(self.constants.add(name, array))
        return self._node(node, op, tuple(inputs), {})

    def _node(
        self,
        node: GraphNode,
        op: str,
        inputs: tuple[str, ...],
        attributes: dict[str, Any],
        tables: dict[str, Array] | None = None,
    ) -> Node:
        return Node(op, inputs, node.output.name, attributes, tables or {}, node.scope, node.layer)


def _check_finite(what: str, data: Array) -> None:
    if not np.all(np.isfinite(data)):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(data))[0])
        raise NonFiniteError(f"pack: {what} holds {data[at]} at {at}: finite numbers are needed")


def _grows(attributes: Any) -> bool:
    """Whether attributes hold a length that follows the batch."""
    if isinstance(attributes, dict):
        return any(_grows(value) for value in attributes.values())
    if isinstance(attributes, slice):
        return _grows((attributes.start, attributes.stop, attributes.step))
    if isinstance(attributes, tuple):
        return any(_grows(part) for part in attributes)
    return isinstance(attributes, Batch)


def _check_outputs(first: autodiff.Graph, second: autodiff.Graph, batch: int) -> None:
    for number, (one, other) in enumerate(zip(first.outputs, second.outputs, strict=True)):
        if one.shape[:1] != (batch,) or other.shape[:1] != (batch + 1,):
            raise GraphError(
                f"pack: output {number} ({one.name}) has shape {one.shape} for {batch} samples and "
                f"{other.shape} for {batch + 1}: its axis 0 must be the batch"
            )
