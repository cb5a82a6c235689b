"""The graph of a model as data, for all who read it: summary, drawing, packing, export."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GraphError
from .mode import Action, no_grad, recording
from .op import Op
from .tensor import Array, Buffer, Parameter, Tensor


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in a traced graph.

    Attributes:
        kind: ``"input"``, ``"parameter"``, ``"buffer"``, ``"constant"`` or ``"result"``.
        name: ``"input0"``, the parameter's path in the model, or ``"linear_3"`` for results.
        data: the array; for inputs and results it is that of the traced run.
        quantized: its codes (a `qtensor.QuantizedTensor`) if it was quantized, else None.

    Example:
        >>> import qnn_core as qnn
        >>> graph = qnn.trace(qnn.MLP([4, 2], seed=0), np.zeros((1, 4)))
        >>> x, weight, bias = graph.nodes[0].inputs
        >>> (x.kind, x.name, x.shape), (weight.kind, weight.name, weight.shape)
        (('input', 'input0', (1, 4)), ('parameter', 'layers.0.weight', (2, 4)))
    """

    kind: str
    name: str
    data: Array = field(repr=False)
    quantized: Any = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """``float32`` or ``float64``."""
        return self.data.dtype


@dataclass(frozen=True, eq=False)
class GraphNode:
    """One operation in a traced graph.

    Attributes:
        op: the operation.
        inputs: the values it takes.
        output: the value it gives.
        attributes: its keyword arguments.
        scope: path of the module that it happened in, ``""`` for the model itself.
        layer: class name of that module.

    Example:
        >>> import qnn_core as qnn
        >>> node = qnn.trace(qnn.MLP([4, 2], seed=0), np.zeros((1, 4))).nodes[0]
        >>> node.op, node.scope, node.layer, node.output.shape
        (<op linear>, 'layers.0', 'Linear', (1, 2))
    """

    op: Op
    inputs: tuple[Value, ...]
    output: Value
    attributes: dict[str, Any]
    scope: str
    layer: str


@dataclass(frozen=True, eq=False)
class Graph:
    """What a model computes: its operations in the order in which they ran.

    Attributes:
        nodes: the operations; every value is made before it is used.
        inputs: the example's values.
        outputs: what the model returned.

    Example:
        >>> import qnn_core as qnn
        >>> graph = qnn.trace(lambda x: (x * x).sum(), np.zeros(3))
        >>> [node.op.name for node in graph.nodes]
        ['multiply', 'sum']
        >>> graph.producer(graph.outputs[0]).op.name
        'sum'
    """

    nodes: tuple[GraphNode, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def producer(self, value: Value) -> GraphNode | None:
        """Return the node that makes `value`, or None for an input, parameter or constant."""
        return self._producers.get(id(value))

    @property
    def _producers(self) -> dict[int, GraphNode]:
        return {id(node.output): node for node in self.nodes}


def trace(
    model: Callable[..., Any],
    example: ArrayLike | tuple[ArrayLike, ...],
    *,
    fitted: bool = False,
) -> Graph:
    """Run `model` once on `example`, in evaluation mode, and return the graph of what it did.

    Args:
        model: a module, or any function of tensors.
        example: an array or tensor with its batch axis, or a tuple of them for several arguments.
        fitted: whether to refuse quantizers that were never fitted to data.

    Raises:
        StateError: if `fitted` is asked for and a quantizer was never fitted.
        GraphError: if the model does not return a tensor, or tuples, lists and dictionaries of
            them, which the graph's outputs are in order.

    Example:
        >>> import qnn_core as qnn
        >>> graph = qnn.trace(qnn.MLP([4, 3, 2], seed=0), np.zeros((1, 4)))
        >>> [node.op.name for node in graph.nodes]
        ['linear', 'relu', 'linear']
    """
    given = example if isinstance(example, tuple) else (example,)
    recorder = _GraphRecorder(model, lenient=not fitted)
    dtype = recorder.dtype
    inputs = [x if isinstance(x, Tensor) else Tensor(x, dtype) for x in given]
    for position, tensor in enumerate(inputs):
        recorder.add_value(tensor, "input", f"input{position}")
    with no_grad(), recording(recorder), evaluating(recorder.modules):
        result = model(*inputs)
    outputs = list(_tensors(result))
    return Graph(
        nodes=tuple(recorder.nodes),
        inputs=tuple(recorder.value(t) for t in inputs),
        outputs=tuple(recorder.value(t) for t in outputs),
    )


def _tensors(result: Any) -> Iterator[Tensor]:
    """Yield what a model returned, one tensor after the other."""
    if isinstance(result, tuple | list):
        for part in result:
            yield from _tensors(part)
    elif isinstance(result, dict):
        yield from _tensors(list(result.values()))
    elif isinstance(result, Tensor):
        yield result
    else:
        raise GraphError(f"trace: the model returned {type(result).__name__}, not a tensor")


class _GraphRecorder:
    """Turns what the tape reports into graph nodes."""

    def __init__(self, model: object, *, lenient: bool) -> None:
        self.lenient = lenient
        named = getattr(model, "named_parts", None)
        parts = named() if named else None
        modules = parts.modules if parts else []
        parameters = parts.parameters if parts else []
        buffers = parts.buffers if parts else []
        self.modules: list[Any] = [module for _, module in modules]
        self.paths: dict[int, str] = {id(module): path for path, module in modules}
        self.names = {id(tensor): name for name, tensor in (*parameters, *buffers)}
        self.dtype = parameters[0][1].dtype if parameters else None
        self.nodes: list[GraphNode] = []
        self._inside: list[Any] = []
        self._modes: list[bool] = []
        self._values: dict[int, Value] = {}
        # Tensors are known by id: holding them keeps an id from being used twice.
        self._alive: list[Tensor] = []

    def add_value(self, tensor: Tensor, kind: str, name: str) -> Value:
        self._alive.append(tensor)
        self._values[id(tensor)] = Value(kind, name, tensor.array, tensor.quantized)
        return self._values[id(tensor)]

    def value(self, tensor: Tensor) -> Value:
        known = self._values.get(id(tensor))
        if known is not None:
            return known
        kinds = {Parameter: "parameter", Buffer: "buffer"}
        kind = kinds.get(type(tensor), "constant")
        return self.add_value(tensor, kind, self.names.get(id(tensor), kind))

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        module = self._inside[-1] if self._inside else None
        self.nodes.append(
            GraphNode(
                op=op,
                inputs=tuple(self.value(t) for t in inputs),
                output=self.add_value(output, "result", f"{op.name}_{len(self.nodes)}"),
                attributes=dict(attributes),
                scope=self.paths.get(id(module), ""),
                layer=type(module).__name__ if module is not None else "",
            )
        )

    whole = False

    def effect(self, action: Action, tensor: Tensor, *, reads: bool) -> None:
        """A graph has none: it is of evaluation."""

    def seen(self, tensor: Tensor) -> None:
        """Pass over what Python reads."""

    def enter(self, module: Any) -> None:
        # A function's modules are not known before it calls them.
        self._modes.append(module.training)
        module.training = False
        self._inside.append(module)

    def leave(self) -> None:
        self._inside.pop().training = self._modes.pop()


@contextmanager
def evaluating(modules: list[Any]) -> Iterator[None]:
    """Put modules into evaluation mode inside the block, and back as they were."""
    before = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training
