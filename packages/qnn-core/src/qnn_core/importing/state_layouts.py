"""Where a model flattens images, and what that means for the weights of another layout.

PyTorch flattens ``[channels, height, width]``, and we ``[height, width, channels]``: what is
computed from flat images has its weights in another order.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Graph, GraphNode, Value
from .state_order import (
    FLAT,
    IMAGE,
    LOST,
    OPEN,
    PLAIN,
    RULES,
    Blocks,
    State,
    given,
    mixed,
    of_image,
    of_plain,
    together,
    trivial,
)

# By the name of a parameter: what is in its axes that are flat.
Flat = dict[str, dict[int, Blocks]]


def flat_axes(graph: Graph, imported: Sequence[str] = ()) -> tuple[Flat, list[str]]:
    """Return which parameters have an axis that is a flat image, and what cannot be told.

    Args:
        graph: of a model in evaluation.
        imported: paths of nets in it that were imported: images that are made of features have
            their channels first there until they are moved, elsewhere last.
    """
    walk = _Walk(graph, imported)
    for node in graph.nodes:
        walk.step(node)
    return walk.found, walk.problems


def from_channels_first(array: NDArray[Any], axis: int, blocks: Blocks) -> NDArray[Any]:
    """Return an array whose axis is flat images ``[channels, ...]`` as one of ``[..., channels]``.

    Raises:
        ValueError: if the axis has another length.

    Example:
        >>> from_channels_first(np.arange(6), 0, ((3, 2),))  # 2 channels of 3 pixels
        array([0, 3, 1, 4, 2, 5])
        >>> from_channels_first(np.arange(6), 0, ((2, 2), (2,)))  # and 2 features beside them
        array([0, 2, 1, 3, 4, 5])
    """
    numbers = np.arange(sum(map(prod, blocks)))
    if len(numbers) != array.shape[axis]:
        raise ValueError(f"axis {axis} of shape {array.shape} is used for {len(numbers)} features")
    parts = np.split(numbers, list(accumulate(map(prod, blocks)))[:-1])
    order = [
        np.moveaxis(part.reshape(lengths[-1], *lengths[:-1]), 0, -1).ravel()
        for part, lengths in zip(parts, blocks, strict=True)
    ]
    return np.take(array, np.concatenate(order), axis)


class _Walk:
    """Goes through a graph once, and knows of each value in which order its elements are."""

    def __init__(self, graph: Graph, imported: Sequence[str]) -> None:
        self._imported = imported
        self.found: Flat = {}
        self.problems: list[str] = []
        self._states = {id(x): given(x.shape, bool(imported)) for x in graph.inputs}
        # What a value that no input enters is made of: a quantized weight, of the weight.
        self._parameters: dict[int, Value] = {}

    def step(self, node: GraphNode) -> None:
        inside = [x for x in node.inputs if id(x) in self._states]
        own = [p for x in node.inputs if (p := self._parameter(x)) is not None]
        if inside:
            self._states[id(node.output)] = self._after(node, inside, own)
        elif own:
            alike = [p for p in own if p.shape == node.output.shape]
            self._parameters[id(node.output)] = (alike or own)[0]

    def _parameter(self, x: Value) -> Value | None:
        return x if x.kind in ("parameter", "buffer") else self._parameters.get(id(x))

    def _after(self, node: GraphNode, inside: list[Value], own: list[Value]) -> State:
        states = [self._states[id(x)] for x in inside]
        if node.op.macs is not None:
            return self._product(node, states, own)
        if node.op.name == "reshape":
            return self._reshaped(node, states[0], inside[0].shape, node.output.shape)
        if any(state.kind == LOST for state in states):
            return State(LOST)
        rule = RULES.get(node.op.name)
        return self._elementwise(node, inside, own) if rule is None else rule(node, inside, states)

    def _product(self, node: GraphNode, states: list[State], own: list[Value]) -> State:
        images = node.op.name == "conv2d"
        plain = all(s.kind == PLAIN for s in states)
        if len(states) > 1:  # of two activations
            return State(PLAIN if plain else LOST)
        state, after = states[0], node.output.shape
        weights = [p for p in own if len(p.shape) > 1]
        if state.kind == LOST:
            self._unknown(node, "in which order a state of PyTorch has what enters")
        if images:
            return State(IMAGE)
        if state.kind in (FLAT, PLAIN):
            self._columns(node, state, weights)
        if state.kind in (IMAGE, OPEN) and len(after) > 2:
            return State(OPEN)  # theirs moved the channels, and perhaps back
        rows = node.op.name == "linear" and len(after) == 2
        return State(made_by=tuple(p.name for p in own) if rows else None)

    def _columns(self, node: GraphNode, state: State, weights: list[Value]) -> None:
        """Note which axis of a weight is multiplied by what is flat."""
        size, right = node.inputs[0].shape[-1], node.inputs[-1]
        blocks = state.blocks if state.kind == FLAT else ((size,),)
        for weight in weights:
            axes = [a for a, n in enumerate(weight.shape) if n == size]
            if node.op.name == "linear":
                axes = [1]
            elif right is weight:  # by hand, [in, out]
                axes = [0]
            if len(axes) == 1 and len(weight.shape) == 2 and weight.shape[axes[0]] == size:
                self._note(weight.name, axes[0], blocks)
                return
        if state.kind == FLAT:
            self._unknown(node, "which axis of a weight belongs to flat images in")

    def _reshaped(
        self, node: GraphNode, state: State, before: tuple[int, ...], after: tuple[int, ...]
    ) -> State:
        if before == after or state.kind == LOST:
            return state
        if state.kind == FLAT:
            return State(IMAGE) if state.blocks == (after[1:],) else State(LOST)
        if state.kind in (IMAGE, OPEN):
            return of_image(state, before, after)
        inside = (
            node.scope == path or node.scope.startswith(f"{path}.") for path in self._imported
        )
        if len(after) < 4 or "" in self._imported or any(inside):
            return of_plain(state, before, after)
        if state.blocks:  # features became signals before
            return self._image(node, state, state.blocks[0])
        signals = before[-1] == after[-1] and len(before) > 2
        return State(IMAGE) if signals else self._image(node, state, after[1:])

    def _image(self, node: GraphNode, state: State, lengths: tuple[int, ...]) -> State:
        """Go on with features that become an image: what made them has them in its order."""
        if not trivial(lengths):
            if state.made_by is None:
                self._unknown(node, "what makes the features that become images by")
            for name in state.made_by or ():
                self._note(name, 0, (lengths,))
        return State(IMAGE)

    def _elementwise(self, node: GraphNode, inside: list[Value], own: list[Value]) -> State:
        """Go on with what has one number for each element, or for each of some axes."""
        after = node.output.shape
        whole = [x for x in inside if x.shape[-1:] == after[-1:]]
        states = list(dict.fromkeys(self._states[id(x)] for x in whole))
        kinds = {state.kind for state in states}
        if FLAT in kinds:
            return self._of_flat(states, own, after)
        if kinds & {IMAGE, OPEN}:
            return together(states)
        if len(after) > 2 and node.op.name == "batch_norm":
            # PyTorch's has its channels first: these are signals.
            if states[0].blocks:
                return self._image(node, states[0], states[0].blocks[0])
            return State(IMAGE if states[0].made_by == () else OPEN)
        return _of_features(
            states, [p.name for p in own if len(after) == 2 and p.shape == after[-1:]]
        )

    def _of_flat(self, states: list[State], own: list[Value], after: tuple[int, ...]) -> State:
        """Go on with flat images: parameters of each feature, as of a normalization, are noted."""
        if len(states) > 1:
            return State(LOST)
        for parameter in own:
            shape = parameter.shape
            if shape[-1:] == after[-1:] and prod(shape) == shape[-1]:
                self._note(parameter.name, len(shape) - 1, states[0].blocks)
            elif prod(shape) > 1 and shape[-1] != 1:
                return State(LOST)
        return states[0]

    def _note(self, name: str, axis: int, blocks: Blocks) -> None:
        if self.found.setdefault(name, {}).setdefault(axis, blocks) != blocks:
            self.problems.append(f"{name} is used for flat images of two shapes, or for others too")

    def _unknown(self, node: GraphNode, what: str) -> None:
        self.problems.append(
            f"{node.scope or 'the model'}: it is not known {what} {node.op.name} there: images are "
            "flattened or moved on the way"
        )


def _of_features(states: list[State], vectors: list[str]) -> State:
    """Go on with what is plain: all that made one of them made what follows, and `vectors` too."""
    makers = [state.made_by for state in states]
    if not makers or None in makers or (() in makers and len(makers) > 1):
        return mixed(states)
    if len({state.blocks for state in states}) > 1:
        return State(LOST)
    names = [name for made_by in makers for name in made_by or ()]
    return replace(states[0], made_by=tuple(dict.fromkeys(names + vectors if names else ())))
