"""Reverse-mode differentiation: one walk over the recorded graph, outputs first."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import GraphError, ShapeError
from .mode import set_grad
from .table import OPS

if TYPE_CHECKING:
    from .tensor import Tensor


def differentiate(
    outputs: "Sequence[Tensor]",
    seeds: "Sequence[Tensor]",
    *,
    targets: "Iterable[Tensor] | None" = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> "dict[int, tuple[Tensor, Tensor]]":
    """Return ``{id(tensor): (tensor, gradient)}`` for every leaf, or for the given targets.

    Args:
        outputs: what is differentiated; each must have been recorded.
        seeds: the gradient of each output, of its shape and dtype.
        targets: the tensors that gradients are wanted for; None means every leaf that requires one.
        create_graph: record the backward pass too, so that it can be differentiated again.
        retain_graph: keep the graph for another pass; None means as `create_graph`.
    """
    retain = create_graph if retain_graph is None else retain_graph
    order = _producers_first(outputs)
    wanted = None if targets is None else {id(tensor) for tensor in targets}
    needed = _needed(order, wanted)
    pending: dict[int, Tensor] = {}
    found: dict[int, tuple[Tensor, Tensor]] = {}
    with set_grad(create_graph):
        for output, seed in zip(outputs, seeds, strict=True):
            _check_seed(output, seed)
            _accumulate(pending, output, seed)
        # Consumers first, each let go of when it is done: memory falls as the walk goes on.
        while order:
            tensor = order.pop()
            gradient = pending.pop(id(tensor), None)
            if gradient is not None:
                if id(tensor) in wanted if wanted is not None else tensor.node is None:
                    found[id(tensor)] = (tensor, gradient)
                _pull(tensor, gradient, needed, pending)
            if tensor.node is not None and not retain:
                tensor.node.free()
    return found


def _producers_first(outputs: "Sequence[Tensor]") -> "list[Tensor]":
    """Return every recorded tensor behind `outputs`, each after the tensors it was made from."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(output, False) for output in outputs]
    while stack:
        tensor, done = stack.pop()
        if done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            if tensor.node is not None:
                tensor.node.check_alive()
                stack.extend((i, False) for i in tensor.node.inputs if i.requires_grad)
    return order


def _needed(order: "list[Tensor]", wanted: set[int] | None) -> set[int]:
    """Return the ids of the tensors whose gradient leads to something wanted."""
    needed: set[int] = set()
    for tensor in order:
        behind = tensor.node.inputs if tensor.node is not None else ()
        leaf = tensor.node is None if wanted is None else id(tensor) in wanted
        if leaf or any(id(i) in needed for i in behind):
            needed.add(id(tensor))
    return needed


def _pull(
    tensor: "Tensor", gradient: "Tensor", needed: set[int], pending: "dict[int, Tensor]"
) -> None:
    """Carry a tensor's gradient over to the inputs of the operation that made it."""
    node = tensor.node
    if node is None:
        return
    needs = tuple(i.requires_grad and id(i) in needed for i in node.inputs)
    if not any(needs):
        return
    gradients = node.op.vjp(gradient, tensor, node.inputs, needs, node.attributes)
    if len(gradients) != len(node.inputs):
        raise GraphError(
            f"{node.op.name}: its derivative gave {len(gradients)} gradients "
            f"for {len(node.inputs)} inputs"
        )
    for position, (i, g, need) in enumerate(zip(node.inputs, gradients, needs, strict=True)):
        if not need:
            continue
        if g is None:
            raise GraphError(f"{node.op.name} has no derivative for its input {position}")
        _accumulate(pending, i, _unbroadcast(g, i.shape, node.op.name))


def _accumulate(pending: "dict[int, Tensor]", tensor: "Tensor", gradient: "Tensor") -> None:
    before = pending.get(id(tensor))
    pending[id(tensor)] = gradient if before is None else before + gradient


def _unbroadcast(gradient: "Tensor", shape: tuple[int, ...], name: str) -> "Tensor":
    """Sum a gradient over the axes along which its input was broadcast."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    stretched = tuple(
        axis
        for axis in range(gradient.ndim)
        if axis < extra or (shape[axis - extra] == 1 and gradient.shape[axis] != 1)
    )
    reduced = OPS["sum"](gradient, axis=stretched, keepdims=False)
    if reduced.size != _size(shape):
        raise GraphError(
            f"{name}: its derivative gave a gradient of shape {gradient.shape} "
            f"for an input of shape {shape}"
        )
    return OPS["reshape"](reduced, shape=shape)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _check_seed(output: "Tensor", seed: "Tensor") -> None:
    if not output.requires_grad:
        raise GraphError(
            f"backward: the output of shape {output.shape} was not recorded: "
            "no input requires a gradient, or it was made inside no_grad()"
        )
    if seed.shape != output.shape:
        raise ShapeError(
            f"backward: the output has shape {output.shape}, its gradient {seed.shape}"
        )
