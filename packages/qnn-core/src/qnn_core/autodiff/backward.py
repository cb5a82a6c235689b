"""Reverse-mode differentiation: one walk over the recorded graph, outputs first."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import GraphError, ShapeError
from .mode import MODE
from .table import OPS

if TYPE_CHECKING:
    from .node import Node
    from .tensor import Tensor


class Stop:
    """A tensor on the way back, and what one walk knows of it.

    It belongs to the walk: others, in other threads or inside a derivative, have their own.
    """

    __slots__ = ("ahead", "behind", "gradient", "needed", "node", "owned", "tensor", "wanted")

    tensor: "Tensor"
    # The stops of the operation's inputs, None for those that require no gradient.
    behind: "list[Stop | None]"
    # How many of them are still to be looked at.
    ahead: int
    # Whether a gradient is wanted here, and whether it leads to a stop where one is.
    wanted: bool
    needed: bool
    gradient: "Tensor | None"
    # Whether the gradient is a sum that was made here: then more can be added to it in place.
    owned: bool


def differentiate(
    outputs: "Sequence[Tensor]",
    seeds: "Sequence[Tensor]",
    *,
    targets: "Iterable[Tensor] | None" = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> "list[tuple[Tensor, Tensor]]":
    """Return ``(tensor, gradient)`` for every leaf, or for the given targets.

    Args:
        outputs: what is differentiated; each must have been recorded.
        seeds: the gradient of each output, of its shape and dtype.
        targets: the tensors that gradients are wanted for; None means every leaf that requires one.
        create_graph: record the backward pass too, so that it can be differentiated again.
        retain_graph: keep the graph for another pass; None means as `create_graph`.
    """
    retain = create_graph if retain_graph is None else retain_graph
    wanted = None if targets is None else {id(tensor) for tensor in targets}
    order, starts = _producers_first(list(outputs), wanted)
    mode = MODE.here
    before = mode.grad
    mode.grad = create_graph
    if mode.recorder is not None:
        mode.recorder.seen(outputs[0])
    # A gradient that nobody is told of can be added up in place.
    in_place = not create_graph and mode.recorder is None
    try:
        for stop, seed in zip(starts, seeds, strict=True):
            _check_seed(stop.tensor, seed)
            _accumulate(stop, seed, in_place)
        return _walk(order, retain, in_place)
    finally:
        mode.grad = before


def _producers_first(
    outputs: "list[Tensor]", wanted: set[int] | None
) -> tuple[list[Stop], list[Stop]]:
    """Return a stop for each recorded tensor, after those it was made from; and the outputs'."""
    order: list[Stop] = []
    stops: dict[int, Stop] = {}
    for output in reversed(outputs):
        if id(output) not in stops:
            _append(order, stops, output, wanted)
    return order, [stops[id(output)] for output in outputs]


def _append(
    order: list[Stop], stops: dict[int, Stop], output: "Tensor", wanted: set[int] | None
) -> None:
    """Append what is behind a tensor to the order, then the tensor itself, without recursion."""
    path = [_stop(stops, output, wanted)]
    while path:
        stop = path[-1]
        if stop.ahead == 0:
            path.pop()
            order.append(stop)
            for known in stop.behind:
                if known is not None and known.needed:
                    stop.needed = True
            continue
        stop.ahead -= 1
        node = stop.tensor.node
        assert node is not None
        tensor = node.inputs[stop.ahead]
        if tensor.requires_grad:
            known = stops.get(id(tensor))
            if known is None:
                known = _stop(stops, tensor, wanted)
                path.append(known)
            stop.behind[stop.ahead] = known


def _stop(stops: dict[int, Stop], tensor: "Tensor", wanted: set[int] | None) -> Stop:
    """Return a stop at a tensor that the walk comes to for the first time."""
    stop: Stop = Stop.__new__(Stop)
    node = tensor.node
    if node is not None:
        node.check_alive()
    stop.tensor = tensor
    stop.behind = [] if node is None else [None] * len(node.inputs)
    stop.ahead = len(stop.behind)
    stop.wanted = node is None if wanted is None else id(tensor) in wanted
    stop.needed = stop.wanted
    stop.gradient = None
    stop.owned = False
    stops[id(tensor)] = stop
    return stop


def _walk(order: list[Stop], retain: bool, in_place: bool) -> "list[tuple[Tensor, Tensor]]":
    """Carry the gradients from the outputs back; return those that are wanted."""
    found: list[tuple[Tensor, Tensor]] = []
    # Consumers first, each let go of when it is done: memory falls as the walk goes on.
    while order:
        stop = order.pop()
        if stop.gradient is not None:
            if stop.wanted:
                found.append((stop.tensor, stop.gradient))
            _pull(stop, stop.gradient, in_place)
        if not retain and stop.tensor.node is not None:
            stop.tensor.node.free()
    return found


def way_back(output: "Tensor") -> list[Stop]:
    """Return the stops on the way from a tensor to all leaves, the tensor's own last."""
    order, _ = _producers_first([output], None)
    return order


def _pull(stop: Stop, gradient: "Tensor", in_place: bool) -> None:
    """Carry a tensor's gradient over to the inputs of the operation that made it."""
    node = stop.tensor.node
    if node is None:
        return
    answers, any_needed = [], False
    for behind in stop.behind:
        need = behind is not None and behind.needed
        any_needed = any_needed or need
        answers.append(need)
    if not any_needed:
        return
    needs = tuple(answers)
    if node.watched:
        _check_unchanged(node, stop.tensor, needs)
    gradients = node.op.pull(gradient, stop.tensor, node, needs)
    if len(gradients) != len(needs):
        raise GraphError(
            f"{node.op.name}: its derivative gave {len(gradients)} gradients "
            f"for {len(needs)} inputs"
        )
    for position, behind in enumerate(stop.behind):
        if behind is None or not behind.needed:
            continue
        given = gradients[position]
        if given is None:
            raise GraphError(f"{node.op.name} has no derivative for its input {position}")
        _accumulate(behind, unbroadcast(given, behind.tensor, node), in_place)


def _check_unchanged(node: "Node", output: "Tensor", needs: tuple[bool, ...]) -> None:
    """Raise a GraphError if what a derivative reads was written to since the operation read it."""
    reads = node.reads
    bits = 0
    for n, need in enumerate(needs):
        if need:
            bits |= -1 if reads is None else reads[n] if n < len(reads) else 0
    if bits & 1 and _is_changed(output, node.time):
        raise _changed(node, "its output", output)
    for n, tensor in enumerate(node.inputs):
        # Few operations have inputs that do not fit in the bits: they read all or nothing.
        bit = n + 1 if n < 62 else 62
        if bits >> bit & 1 and _is_changed(tensor, node.time):
            raise _changed(node, f"its input {n}", tensor)


def _is_changed(tensor: "Tensor", time: int) -> bool:
    memory = tensor.memory
    if memory is None:
        return False
    if memory.exposed:
        memory.look()
    return memory.written > time


def _changed(node: "Node", what: str, tensor: "Tensor") -> GraphError:
    return GraphError(
        f"backward: {node.op.name}: {what}, of shape {tensor.shape}, was written to after the "
        "operation read it (by an optimizer's step, load_state_dict, or through .data), so that "
        "its derivative would be wrong: call backward before that, compute the output again, or "
        "let the operation read a copy"
    )


def _accumulate(stop: Stop, gradient: "Tensor", in_place: bool) -> None:
    """Add to the gradient of a stop: the first as it is, the second makes a sum."""
    before = stop.gradient
    if before is None:
        stop.gradient = gradient
    elif stop.owned and before.array.dtype == gradient.array.dtype:
        np.add(before.array, gradient.array, out=before.array)
    else:
        stop.gradient = before + gradient
        stop.owned = in_place


def unbroadcast(gradient: "Tensor", tensor: "Tensor", node: "Node") -> "Tensor":
    """Sum a gradient over the axes along which its input was broadcast."""
    shape = tensor.array.shape
    if gradient.array.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    stretched = tuple(
        [
            axis
            for axis in range(gradient.ndim)
            if axis < extra or (shape[axis - extra] == 1 and gradient.shape[axis] != 1)
        ]
    )
    reduced = OPS["sum"](gradient, axis=stretched, keepdims=False)
    if reduced.size != tensor.size:
        raise GraphError(
            f"{node.op.name}: its derivative gave a gradient of shape {gradient.shape} "
            f"for an input of shape {shape}"
        )
    return OPS["reshape"](reduced, shape=shape)


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
