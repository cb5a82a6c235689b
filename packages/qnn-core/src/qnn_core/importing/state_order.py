"""In which order PyTorch has the elements of a value of ours, operation by operation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from ..autodiff import GraphNode, Value

# Flat images side by side, by their lengths (..., channels); what is as in theirs has one length.
Blocks = tuple[tuple[int, ...], ...]
# Of a value: theirs has the same order; it has its channels last and theirs first, or flat so in
# its last axis; it may be plain or an image, which who takes it tells; nobody knows.
PLAIN, IMAGE, FLAT, OPEN, LOST = "plain", "image", "flat", "open", "lost"


@dataclass(frozen=True)
class State:
    """What is known of a value.

    Attributes:
        kind: one of those above.
        blocks: of what is flat, the images in the last axis; of features that were reshaped to
            three axes, the lengths: of signals, if they are such.
        made_by: of what is plain, names of the parameters whose first axis is the last of this;
            none if it is as it was given, and None if it is of neither.
    """

    kind: str = PLAIN
    blocks: Blocks = ()
    made_by: tuple[str, ...] | None = None


def trivial(lengths: Sequence[int]) -> bool:
    """Return whether an image of lengths (..., channels) is flat in one order only."""
    return lengths[-1] == 1 or prod(lengths[:-1]) == 1


def given(shape: tuple[int, ...], theirs: bool) -> State:
    """Return what is known of an input."""
    if len(shape) != 4:
        return State(made_by=())
    if not theirs:
        return State(IMAGE)
    return State(made_by=()) if shape[1] == 1 else State(OPEN)


def _transposed(node: GraphNode, inside: list[Value], states: list[State]) -> State:
    """Go on with axes in another order: those of theirs made ours, or ours theirs."""
    state, axes, count = states[0], node.attributes["axes"], len(inside[0].shape)
    order = tuple(reversed(range(count))) if axes is None else tuple(a % count for a in axes)
    if order == tuple(range(count)):
        return state
    if state.kind == PLAIN and order[:1] == (0,) and count < 4:
        return State()  # of steps and features, in both
    if count > 2 and order == (0, *range(2, count), 1) and state.kind in (PLAIN, OPEN):
        return State(IMAGE)
    if state.kind == IMAGE and order == (0, count - 1, *range(1, count - 1)):
        return State()
    return State(LOST)


def together(states: Sequence[State]) -> State:
    """Go on with images, and perhaps other values, element by element."""
    plain = [state for state in states if state.kind == PLAIN]
    if any(state.blocks for state in plain):
        return State(LOST)
    image = any(state.kind == IMAGE for state in states)
    return State(IMAGE if image and all(state.made_by == () for state in plain) else OPEN)


def of_image(state: State, before: tuple[int, ...], after: tuple[int, ...]) -> State:
    """Go on with an image that is reshaped: flat, or with axes merged but for the channels."""
    if len(after) > 2 and after[-1] == before[-1]:
        long = [[n for n in shape[1:-1] if n > 1] for shape in (before, after)]
        # Pixels in one axis are signals, or steps whose channels are last in both.
        return State(OPEN) if len(long[1]) < len(long[0]) else state
    if len(after) != 2 or after[0] != before[0]:
        return State(LOST)
    if trivial(before[1:]):
        return State()
    return State(FLAT, (before[1:],)) if state.kind == IMAGE else State(LOST)


def mixed(states: Sequence[State]) -> State:
    """Go on with plain values together; nobody knows then whose rows would be signals."""
    return State(LOST if any(state.blocks for state in states) else PLAIN)


def of_plain(state: State, before: tuple[int, ...], after: tuple[int, ...]) -> State:
    """Go on with what is plain; features that become signals or steps are so for a while."""
    if len(before) == 2 and len(after) == 3 and state.made_by:
        return replace(state, blocks=() if trivial(after[1:]) else (after[1:],))
    return State(made_by=() if state.made_by == () else None)


def _joined(node: GraphNode, inside: list[Value], states: list[State]) -> State:
    """Go on with values side by side: of flat ones, what follows has all their images."""
    axis = node.attributes["axis"]
    kinds, count = {state.kind for state in states}, len(inside[0].shape)
    if kinds == {PLAIN}:
        return mixed(states)
    if kinds <= {IMAGE, OPEN} or count > 3:
        return State(IMAGE if IMAGE in kinds else OPEN)
    if count != 2 or axis % count != 1 or not kinds <= {PLAIN, FLAT}:
        return states[0] if len(set(states)) == 1 and axis % count != count - 1 else State(LOST)
    blocks = [s.blocks or (x.shape[1:],) for s, x in zip(states, inside, strict=True)]
    return State(FLAT, tuple(block for own in blocks for block in own))


def _selected(node: GraphNode, inside: list[Value], states: list[State]) -> State:
    """Go on with a part: of channels or pixels, of samples, or of the images that are flat."""
    state, index, before = states[0], node.attributes["index"], inside[0].shape
    parts = list(index) if isinstance(index, tuple) else [index]
    if state.kind == PLAIN:
        return state if state.made_by == () else mixed([state])
    if any(not isinstance(part, int | slice | type(...)) for part in parts):
        return State(LOST)
    at = parts.index(...) if ... in parts else len(parts)
    left = [slice(None)] * (len(before) - len(parts) + (... in parts))
    full = [*parts[:at], *left, *parts[at + 1 :]]
    if not isinstance(full[0], slice):
        return State(LOST)
    if state.kind == FLAT:
        return _part_of_flat(state, full[-1])
    if isinstance(full[-1], int):
        return State()  # one channel
    return State(state.kind) if len(node.output.shape) > 2 else State()


def _part_of_flat(state: State, part: Any) -> State:
    """Go on with whole images of those that are flat side by side."""
    ends = [0, *accumulate(map(prod, state.blocks))]
    if not isinstance(part, slice):
        return State(LOST)
    start, stop, step = part.indices(ends[-1])
    if step != 1 or start not in ends or stop not in ends or stop <= start:
        return State(LOST)
    kept = state.blocks[ends.index(start) : ends.index(stop)]
    return State() if all(len(lengths) == 1 for lengths in kept) else State(FLAT, kept)


def _reduced(node: GraphNode, inside: list[Value], states: list[State]) -> State:
    """Go on with a sum, mean or extreme over some axes."""
    state, before, after = states[0], inside[0].shape, node.output.shape
    axis = node.attributes.get("axis")
    axes = range(len(before)) if axis is None else np.atleast_1d(axis)
    over = {int(a) % len(before) for a in axes}
    last = len(before) - 1
    if state.kind == PLAIN:
        return mixed([state])
    if len(over) == len(before):
        return State()
    if 0 in over:
        return State(LOST)
    kept = len(after) == len(before)  # with axes of length 1, in the same places
    if last in over and (state.kind == FLAT or not kept):
        return State()
    return state if state.kind == FLAT or len(after) > 2 else State()


def _windows(node: GraphNode, inside: list[Value], states: list[State]) -> State:
    """Go on with images of other sizes."""
    return State(IMAGE)


Rule = Callable[[GraphNode, list[Value], list[State]], State]
# What is not here works element by element.
RULES: dict[str, Rule] = {
    "transpose": _transposed,
    "concatenate": _joined,
    "getitem": _selected,
    **dict.fromkeys(("sum", "mean", "max", "min", "variance", "norm"), _reduced),
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "pad2d"), _windows),
}
