"""Where a model flattens images, and what that means for the weights of another layout.

PyTorch flattens ``[channels, height, width]``, and we ``[height, width, channels]``: what is
computed from flat images has its weights in another order.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Graph, GraphNode, Value

# By the name of a parameter: the axis that is flat, and the lengths (..., channels) that are in it.
Flat = dict[str, tuple[int, tuple[int, ...]]]
PLAIN, IMAGE, LOST = "plain", "image", "lost"


@dataclass(frozen=True)
class State:
    """What is known of a value.

    Attributes:
        kind: ``"plain"`` if theirs has the same order, ``"image"`` if it has its channels last and
            theirs first, ``"lost"`` if nobody knows.
        flat: lengths (..., channels) of the image that is flat in the last axis.
        made_by: names of the parameters whose first axis is the last of this.
    """

    kind: str = PLAIN
    flat: tuple[int, ...] = ()
    made_by: tuple[str, ...] = ()


def flat_axes(graph: Graph, *, ours: bool = True) -> tuple[Flat, list[str]]:
    """Return which parameters have an axis that is a flat image, and what cannot be told.

    Args:
        graph: of a model in evaluation.
        ours: whether images that are given, or made of features, have their channels last; else
            they are theirs, as in nets that were imported, until they are moved.
    """
    walk = _Walk(graph, ours)
    for node in graph.nodes:
        walk.step(node)
    return walk.found, walk.problems


def from_channels_first(array: NDArray[Any], axis: int, lengths: tuple[int, ...]) -> NDArray[Any]:
    """Return an array whose axis is a flat ``[channels, ...]`` as one with ``[..., channels]``.

    Example:
        >>> from_channels_first(np.arange(6), 0, (3, 2))  # 2 channels of 3 pixels
        array([0, 3, 1, 4, 2, 5])
    """
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    opened = array.reshape(*before, lengths[-1], *lengths[:-1], *after)
    moved = np.moveaxis(opened, axis, axis + len(lengths) - 1)
    return np.ascontiguousarray(moved).reshape(array.shape)


class _Walk:
    """Goes through a graph once, and knows of each value in which order its elements are."""

    def __init__(self, graph: Graph, ours: bool) -> None:
        self._ours = ours
        self.found: Flat = {}
        self.problems: list[str] = []
        self._states: dict[int, State] = {id(x): _given(x.shape, ours) for x in graph.inputs}
        # What a value that no input enters is made of: a quantized weight, of the weight.
        self._parameters: dict[int, tuple[str, tuple[int, ...]]] = {}

    def step(self, node: GraphNode) -> None:
        inside = [x for x in node.inputs if id(x) in self._states]
        own = [p for x in node.inputs if (p := self._parameter(x)) is not None]
        if not inside:
            if own:
                self._parameters[id(node.output)] = own[0]
            return
        states = [self._states[id(x)] for x in inside]
        self._states[id(node.output)] = self._after(node, inside, states, own)

    def _parameter(self, x: Value) -> tuple[str, tuple[int, ...]] | None:
        if x.kind in ("parameter", "buffer"):
            return x.name, x.shape
        return self._parameters.get(id(x))

    def _after(
        self, node: GraphNode, inside: list[Value], states: list[State], own: list[Any]
    ) -> State:
        if node.op.macs is not None:
            return self._product(node, states, own)
        before, after = inside[0].shape, node.output.shape
        if node.op.name == "reshape":
            return self._reshaped(states[0], before, after)
        if node.op.name == "transpose":
            return _transposed(states[0], node.attributes["axes"], len(before))
        if any(state.kind == LOST for state in states):
            return State(LOST)
        if any(state.flat for state in states):
            return self._of_flat(states, own) if before == after else State(LOST)
        return _of_channels(states, own, before, after)

    def _product(self, node: GraphNode, states: list[State], own: list[Any]) -> State:
        images = len(node.output.shape) == 4
        if len(states) > 1:  # of two activations
            plain = all(s == State() or s.made_by for s in states)
            return State() if plain else State(LOST)
        state = states[0]
        weights = [(name, shape) for name, shape in own if len(shape) > 1]
        if state.kind == LOST and not images:
            where = node.scope or "the model"
            self.problems.append(
                f"{where}: it is not known in which order a state of PyTorch has what enters "
                f"{node.op.name} there: images are flattened or moved on the way"
            )
        if state.flat:
            for name, shape in weights:
                if shape[-1] == prod(state.flat):
                    self._note(name, len(shape) - 1, state.flat)
        if images or (state.kind == IMAGE and len(node.output.shape) > 2):
            return State(IMAGE)
        return State(made_by=tuple(name for name, _ in own))

    def _reshaped(self, state: State, before: tuple[int, ...], after: tuple[int, ...]) -> State:
        if before == after or state.kind == LOST:
            return state
        if state.flat:
            return State(IMAGE if after[1:] == state.flat else LOST)
        if state.kind == IMAGE:
            return _of_image(before, after)
        if len(after) < 4:
            return state if len(before) < len(after) else State()
        if not self._ours:
            return State()
        if after[-1] > 1 and prod(after[1:-1]) > 1:
            for name in state.made_by:
                self._note(name, 0, after[1:])
        return State(IMAGE)

    def _of_flat(self, states: list[State], own: list[Any]) -> State:
        """Go on with flat images: parameters of each feature, as of a normalization, are noted."""
        flat = states[0].flat
        if any(state.flat != flat for state in states):
            return State(LOST)
        for name, shape in own:
            if shape == (prod(flat),):
                self._note(name, 0, flat)
        return states[0]

    def _note(self, name: str, axis: int, flat: tuple[int, ...]) -> None:
        if self.found.setdefault(name, (axis, flat)) != (axis, flat):
            self.problems.append(f"{name} is used for flat images of two shapes")


def _given(shape: tuple[int, ...], ours: bool) -> State:
    """Return what is known of an input."""
    if len(shape) != 4:
        return State()
    return State(IMAGE if ours else PLAIN if shape[1] == 1 else LOST)


def _of_channels(
    states: list[State], own: list[Any], before: tuple[int, ...], after: tuple[int, ...]
) -> State:
    """Go on with images or features; whose parameters features are of, they may be images yet."""
    image = any(state.kind == IMAGE for state in states)
    if len(after) > 2:
        return State(IMAGE if image else PLAIN)
    if image and before[-1:] != after[-1:]:
        return State(LOST)
    made_by = states[0].made_by if len(states) == 1 and before == after else ()
    vectors = [name for name, size in own if size == after[-1:]]
    return State(made_by=(*made_by, *vectors) if made_by else ())


def _transposed(state: State, axes: tuple[int, ...] | None, count: int) -> State:
    """Go on with axes in another order: those of theirs made ours, or ours theirs."""
    order = tuple(reversed(range(count))) if axes is None else tuple(a % count for a in axes)
    if state == State() and order[:1] == (0,) and count < 4:
        return state  # of steps and features, in both
    if count > 2 and order == (0, *range(2, count), 1):
        return State(IMAGE)
    if state.kind == IMAGE and order == (0, count - 1, *range(1, count - 1)):
        return State()
    return State(LOST)


def _of_image(before: tuple[int, ...], after: tuple[int, ...]) -> State:
    """Go on with an image that is reshaped: flat, or with axes merged but for the channels."""
    if len(after) > 2:
        return State(IMAGE if after[-1] == before[-1] else LOST)
    if len(after) < 2:
        return State(LOST)
    trivial = before[-1] == 1 or prod(before[1:-1]) == 1
    return State() if trivial else State(flat=before[1:])
